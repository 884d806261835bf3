"""A record to start from."""

from dataclasses import replace

import pytest

from results.record import Record, Slice

BASE = Record(
    model="toy",
    task="toy_rec",
    kind="rec",
    dataset="toy/a",
    split="test",
    data="official",
    limit=None,
    n=8,
    available=8,
    expected=8,
    failed=1,
    unparsable=1,
    missing=0,
    headline="acc@0.5",
    columns=("acc@0.25", "acc@0.5", "depth_m", "undefined"),
    metrics={"acc@0.25": 0.875, "acc@0.5": 0.5, "depth_m": 1.25, "undefined": None},
    units={"acc@0.25": "fraction", "acc@0.5": "fraction", "depth_m": "metres", "undefined": "fraction"},
    intervals={"acc@0.5": (0.25, 0.75)},
    protocols={"rec": "rec/1"},
    refbench="0.1.0",
    slices={"kind": {"even": Slice(3, {"acc@0.25": 1.0, "acc@0.5": 1 / 3}), "odd": Slice(5, {"acc@0.5": 0.6})}},
    options={"prompt": "locate_expression"},
    digests={"data": "f00d"},
    run="toy/toy_rec/test-0123456789",
)


@pytest.fixture
def make_record():
    """Build a record that differs from the base in the named fields."""
    return lambda **changes: replace(BASE, **changes)
