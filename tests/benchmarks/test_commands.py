"""Commands: full names the wanted unit, a wrong one never does."""

from typing import get_args

import pytest

from benchmarks.commands import WRONG, commanded
from benchmarks.schema import Unit


@pytest.mark.parametrize("unit", get_args(Unit))
def test_every_unit_has_a_full_no_and_a_wrong_command(unit):
    assert commanded(unit, "full") == unit
    assert commanded(unit, "instruction") is None
    assert commanded(unit, "wrong") == WRONG[unit] != unit
