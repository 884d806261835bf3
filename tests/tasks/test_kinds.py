import pytest

from benchmarks.errors import UnknownName
from tasks import kinds


def test_kinds_are_found_by_their_modules():
    assert {"rec", "res"} <= set(kinds.all_kinds())
    assert all(kind.name == name for name, kind in kinds.all_kinds().items())
    assert list(kinds.all_kinds()) == sorted(kinds.all_kinds())


def test_an_unknown_kind_gets_the_nearest_name():
    with pytest.raises(UnknownName, match=r"did you mean re[cs]"):
        kinds.find("rex")
