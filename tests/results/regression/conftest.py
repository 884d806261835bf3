"""Finished runs of a toy model, written to disk as a real run writes them."""

import json
from pathlib import Path

import numpy as np
import pytest

from metrics.rec import REC
from results import rows as row_files
from results.intervals import intervals
from results.record import Record, Slice
from results.run import Run

HOST = {"cpus": 2, "machine": "x86_64", "platform": "toy"}


def rec_rows(ious):
    """Rows of boxes with these overlaps."""
    return [{"iou": float(iou), "missing": 0, "malformed": 0} for iou in ious]


def record_of(rows, ids, image_ids, changes):
    """The record that belongs to rows of `rec`."""
    fields = {
        "model": "toy", "task": "toy_rec", "kind": "rec", "dataset": "toy/a", "split": "test", "data": "official",
        "limit": None, "n": len(ids), "available": len(ids), "expected": None, "failed": 0, "unparsable": 0,
        "missing": 0, "headline": "acc@0.5", "metrics": REC.aggregate(rows),
        "intervals": intervals(REC, rows, image_ids),
        "protocols": {"rec": REC.protocol}, "refbench": "0.1.0", "options": {"prompt": "locate_expression"},
        "digests": {"data": "f00d", "ids": row_files.digest_ids(ids), "rows": row_files.digest(ids, {"rec": rows})},
        **changes,
    }  # fmt: skip
    fields.setdefault("columns", tuple(fields["metrics"]))
    fields.setdefault("units", dict.fromkeys(fields["columns"], "fraction"))
    return Record(**fields)


@pytest.fixture(scope="session")
def write_run():
    """Write a run below a root and open it: overlaps of its boxes, seconds of its samples, changes to record and facts.

    Two samples share an image. `facts` replaces parts of `run.json`.
    """

    def write(root, ious, name="run", seconds=None, facts=None, tags=(), **changes):
        folder = Path(root) / name
        folder.mkdir(parents=True)
        ids = [f"toy/test/{place}" for place in range(len(ious))]
        images = [f"image-{place // 2}" for place in range(len(ious))]
        rows = rec_rows(ious)
        record = record_of(rows, ids, images, changes)
        (folder / "result.json").write_text(json.dumps(record.to_json()))
        (folder / "rows.npz").write_bytes(row_files.to_bytes(ids, images, {"rec": rows}, tags))
        seconds = np.full(len(ids), 0.5) if seconds is None else seconds
        lines = [json.dumps({"sample_id": each, "seconds": float(s)}) for each, s in zip(ids, seconds, strict=True)]
        (folder / "timings.jsonl").write_text("\n".join(lines) + "\n")
        content = {
            "schema": 1, "state": "done", "host": HOST, "accelerator": None, "ranks": [{}],
            "identity": {"device": "cpu", "dtype": "float32", "batch_size": 4}, "git": {"commit": "c0ffee" + "0" * 34},
            "started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:00+00:00", **(facts or {}),
        }  # fmt: skip
        (folder / "run.json").write_text(json.dumps(content))
        return Run.open(folder, Path(root))

    return write


@pytest.fixture
def sliced():
    """Slices of a record: tag -> value -> acc@0.5."""
    return lambda **tags: {
        tag: {value: Slice(4, {"acc@0.5": score}) for value, score in values.items()} for tag, values in tags.items()
    }
