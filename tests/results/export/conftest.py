"""Runs and descriptions to fill tables from."""

from pathlib import Path

import pytest

from results.run import Run


@pytest.fixture
def make_run(make_record):
    """Build a whole run on official data: model, task, split, one number, and fields of its record that differ."""

    def make(model="toy", task="toy_rec", split="val", value=0.5, ended="2026-01-01T00:00:00+00:00", **changes):
        digest = changes.pop("weights", f"{model}-weights")
        whole = {"n": 100, "available": 100, "expected": 100, "failed": 0, "unparsable": 0}
        number = {"columns": ("acc@0.5",), "metrics": {"acc@0.5": value}, "units": {"acc@0.5": "fraction"}}
        digests = {"data": "d", "ids": "i", "model": digest, "rows": "r"}
        empty = {"intervals": {}, "slices": {}, "options": {}}
        fields = {"run": f"{model}/{task}/{split}-{digest}", "digests": digests, **empty, **whole, **number, **changes}
        record = make_record(model=model, task=task, split=split, **fields)
        return Run(record, Path("nowhere"), ended=ended, commit="c0ffee")

    return make
