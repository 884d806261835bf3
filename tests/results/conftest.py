"""A record to start from."""

import json
from dataclasses import replace

import numpy as np
import pytest

from results import rows as row_files
from results.record import Record, Slice
from results.run import Run

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


@pytest.fixture
def store_run(tmp_path):
    """Write a run of one metric as a real one is written, and open it.

    Takes its rows, images, tags and changes to the record. Samples are called `toy/a/test/000` and so on; every sample
    has an image of its own unless images are given.
    """

    def write(metric, rows, images=None, tags=(), folder="toy/toy/test-0123456789", **changes):
        ids = [f"toy/a/test/{place:03d}" for place in range(len(rows))]
        images = [f"image-{place}" for place in range(len(rows))] if images is None else images
        scores = {key: value if np.isfinite(value) else None for key, value in metric.aggregate(rows).items()}
        fields = {
            "n": len(ids), "available": len(ids), "expected": None, "failed": 0, "unparsable": 0, "slices": {},
            "headline": metric.headline, "columns": tuple(scores), "metrics": scores, "intervals": {},
            "units": dict.fromkeys(scores, "fraction"), "protocols": {metric.name: metric.protocol},
            "digests": {
                "data": "f00d", "ids": row_files.digest_ids(ids), "rows": row_files.digest(ids, {metric.name: rows}),
            },
            **changes,
        }  # fmt: skip
        place = tmp_path / folder
        place.mkdir(parents=True)
        (place / "result.json").write_text(json.dumps(replace(BASE, **fields).to_json()))
        (place / "rows.npz").write_bytes(row_files.to_bytes(ids, images, {metric.name: rows}, tags))
        return Run.open(place, tmp_path)

    return write
