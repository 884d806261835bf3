"""Uneven samples over real processes: wall time beside that of the best possible split and of a fixed stride.

    pytest -m bench -s tests/bench/test_bench_skew.py

The model waits for a known time per sample (log-normal, sigma 1, one sample a batch), so that the cores of the machine
do not matter. Loading and scoring are not counted: `run.json` has the seconds between first and last batch.
"""

import json
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.schema import ImageRef, Prediction, Sample, Split, Target
from tasks import kinds
from tasks.base import ModelEntry, Task
from tasks.crew import Crew
from tasks.run import RunOptions, Shared, evaluate

SAMPLES, MEAN_S = 200, 0.05
COSTS_S = np.random.default_rng(0).lognormal(size=SAMPLES)
COSTS_S *= MEAN_S / COSTS_S.mean()


class Waiting:
    """Waits for as long as its question says."""

    def predict(self, queries):
        for query in queries:
            signal.sigtimedwait([], float(COSTS_S[int(query.sample_id)]))
        return [Prediction(query.sample_id, "ok") for query in queries]

    def fingerprint(self):
        return "waiting"


def reopen(folder):
    """Open the split and the model; every photo has the same size, so that no cost can be foreseen."""
    photo = ImageRef(Path(folder) / "photo.png", (8, 8))
    target = Target((0.0, 0.0, 4.0, 4.0), None)
    samples = [Sample(str(number), photo, str(number), "thing", target) for number in range(SAMPLES)]
    task = Task(name="skew", kind=kinds.find("rec"), benchmark="skew", splits=("test",), prompt="locate_expression")
    entry = ModelEntry("waiting", "bench", ("box",), lambda options: Waiting(), fingerprint=lambda options: "waiting")
    return task, Split("skew", "test", "sample", None, "f00d", tuple(samples)), entry


@pytest.mark.bench
@pytest.mark.parametrize("processes", [2, 4])
def test_skew(tmp_path, capsys, processes):
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    opener = partial(reopen, str(tmp_path))
    options = RunOptions(out=tmp_path / "runs", batch_size=1, processes=processes)
    start = time.perf_counter()
    with Crew(processes) as crew:
        record = evaluate(*opener(), options, Shared(crew, opener))
    whole_s = time.perf_counter() - start
    assert (record.n, record.failed) == (SAMPLES, 0)
    ranks = json.loads((tmp_path / "runs" / record.run / "run.json").read_text())["ranks"]
    took_s = max(rank["busy_s"] + rank["idle_s"] for rank in ranks)
    even_s = sum(rank["busy_s"] for rank in ranks) / processes
    best_s = max(COSTS_S.sum() / processes, COSTS_S.max())
    stride_s = max(COSTS_S[rank::processes].sum() for rank in range(processes))
    with capsys.disabled():
        print(f"\n{processes} processes, {SAMPLES} samples of {1000 * MEAN_S:.0f} ms on average, log-normal, seconds")
        print(f"  handed out, wall                 {took_s:6.2f}; with loading and scoring {whole_s:.2f}")
        print(f"  the seconds worked, split evenly {even_s:6.2f}; wall is {took_s / even_s:.3f} of it")
        print(f"  the waits alone, split at best   {best_s:6.2f}; wall is {took_s / best_s:.3f} of it")
        print(f"  the waits alone, by stride       {stride_s:6.2f}, {stride_s / best_s:.3f} of the best")
        print(f"  idle                             {[rank['idle_s'] for rank in ranks]}")
