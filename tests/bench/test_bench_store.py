"""Listing hundreds of runs: from the index against reading every file."""

import json
import time

import pytest

from results import index
from results.record import Record, Slice
from results.store import Store

RUNS = 500
KEYS = ("ciou", "giou", "p@0.5", "p@0.6", "p@0.7", "p@0.8", "p@0.9")
SCORES = dict.fromkeys(KEYS, 0.123456789)
CONTENT = Record(
    model="toy", task="toy_res", kind="res", dataset="toy/a", split="test", data="sample", limit=None, n=1472,
    available=1472, expected=None, failed=0, unparsable=0, missing=0, headline="ciou", columns=KEYS, metrics=SCORES,
    units=dict.fromkeys(KEYS, "fraction"), intervals=dict.fromkeys(KEYS, (0.1, 0.2)), protocols={"res": "res/1"},
    refbench="0.1.0", slices={tag: {f"value {at}": Slice(n=9, metrics=SCORES) for at in range(6)} for tag in "abcd"},
).to_json()  # fmt: skip


@pytest.mark.bench
def test_five_hundred_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "TICK_NS", 0)
    for at in range(RUNS):
        folder = tmp_path / f"model-{at % 20}" / f"task-{at % 50}" / f"test-{at:010x}"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(CONTENT, indent=1))
        about = {"ended": f"2026-11-20T10:{at % 60:02}:00+00:00", "packages": dict.fromkeys(map(str, range(40)), "1.0")}
        (folder / "run.json").write_text(json.dumps(about, indent=1))
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        assert len(Store(tmp_path).runs()) == RUNS
        seconds.append(time.perf_counter() - started)
    every, indexed = seconds
    print(f"\n{RUNS} runs: every file {every * 1000:.0f} ms, index {indexed * 1000:.0f} ms, {every / indexed:.1f} x")
