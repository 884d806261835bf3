"""The command that may stand before an instruction: what task it is, what the answer is made of, and in which unit.

A model that always gets the full command need not decide what to answer with. So there are three regimes: `full` gives
the command of the wanted unit, `instruction` none, `wrong` that of another unit while the instruction and what is
scored stay the same. The idea is REF-VLM's (arXiv:2503.07413), whose prompts carry such a command in every turn.
"""

from collections.abc import Mapping
from typing import get_args

from benchmarks.schema import Regime, Unit

REGIMES: tuple[Regime, ...] = get_args(Regime)
WRONG: Mapping[Unit, Unit] = {
    "box": "mask",
    "mask": "box",
    "keypoint": "box",
    "depth": "mask",
    "point": "box",
    "text": "box",
}
"""Wanted unit -> the one that a wrong command names."""


def commanded(wants: Unit, regime: Regime) -> Unit | None:
    """Name the unit that the command of a regime asks for; None where there is no command."""
    return {"full": wants, "instruction": None, "wrong": WRONG[wants]}[regime]
