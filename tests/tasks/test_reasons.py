import pytest

from benchmarks.schema import ImageRef, Query
from tasks.reasons import is_out_of_memory, kind, tidy


def test_reasons_hold_nothing_that_differs_between_machines(tmp_path):
    place = tmp_path / "deep" / "a.png"
    query = Query("s", ImageRef(place, (4, 4)), "thing", "Find thing.", "box")
    reason = f"{place} and '/homes/someone/x y/b.bin' at 0x7fA0: see https://example.org/a/b, 3/4"
    assert tidy(reason, query) == "a.png and '…/x y/b.bin' at 0x…: see https://example.org/a/b, 3/4"
    assert len(tidy("x" * 10_000, query)) == 500


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (
            "DataError: 12.png cannot be decoded",
            "DataError: 7.png cannot be decoded",
            "DataError: FILE cannot be decoded",
        ),
        ("no token 'a b' at 17", "no token 'c' at  3", "no token '…' at N"),
        ("box_xyxy[2] holds nan\nmore", "box_xyxy[0] holds nan", "box_xyxy[N] holds nan"),
        ("tried 1.50 GiB at 0x1f", "tried -2e9 GiB at 0x2e", "tried N GiB at ADDRESS"),
    ],
)
def test_reasons_of_one_kind_read_the_same(one, other, both):
    assert kind(one) == kind(other) == both


def test_a_kind_is_one_short_line():
    assert len(kind("x " * 1000)) == 120
    assert kind("") == ""


def test_what_counts_as_lack_of_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not is_out_of_memory(RuntimeError("the memory of the past"))
    assert not is_out_of_memory(ValueError("out of memory"))
