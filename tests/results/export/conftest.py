"""Runs and descriptions to fill tables from."""

from dataclasses import replace
from pathlib import Path

import pytest

from results.record import Record
from results.run import Run


@pytest.fixture
def make_run():
    """Build a whole run on official data: model, task, split, one number, and fields of its record that differ."""

    def make(model="toy", task="toy_rec", split="val", value=0.5, ended="2026-01-01T00:00:00+00:00", **changes):
        digest = changes.pop("weights", f"{model}-weights")
        record = Record(
            model=model,
            task=task,
            kind="rec",
            dataset="toy/a",
            split=split,
            data="official",
            limit=None,
            n=100,
            available=100,
            expected=100,
            failed=0,
            unparsable=0,
            missing=0,
            headline="acc@0.5",
            columns=("acc@0.5",),
            metrics={"acc@0.5": value},
            units={"acc@0.5": "fraction"},
            intervals={},
            protocols={"rec": "rec/1"},
            refbench="0.1.0",
            digests={"data": "d", "ids": "i", "model": digest, "rows": "r"},
            run=f"{model}/{task}/{split}-{digest}",
        )
        return Run(replace(record, **changes), Path("nowhere"), ended=ended, commit="c0ffee")

    return make
