"""The toy of `toy_run.py` that answers with depth maps; run as a program, it kills itself.

    python toy_depth_run.py FOLDER OUT MOMENT

MOMENT is as there; `write:NAME` may name a depth map, too.
"""

import hashlib
import random
import runpy
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks.depth_answer import DepthMap
from benchmarks.depth_maps import DepthTarget
from benchmarks.schema import Prediction
from tasks import kinds
from tasks.base import Task
from tasks.run import RunOptions, evaluate

toy = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("toy_run.py"))))


def truth(number):
    """Metres from 2 to 9, one row without a reading."""
    metres = np.random.default_rng(number).uniform(2, 9, toy.SIZE_HW).astype(np.float32)
    metres[0] = 0
    return metres


def make_split(folder, count=10):
    """The toy split with a depth of every pixel."""
    split = toy.make_split(folder, count)
    samples = (replace(sample, target=DepthTarget(partial(truth, place))) for place, sample in enumerate(split.samples))
    return replace(split, samples=tuple(samples))


def make_task(**options):
    """A depth task with a protocol; nothing is cropped unless it says so."""
    kind = kinds.find("depth").configure({"crop": "none", **options})
    return Task(name="toy_depth", kind=kind, benchmark="toy", splits=("test",), prompt="estimate_depth")


class Mapper(toy.Steady):
    """Answers maps that depend on the whole batch and on drawn numbers; some with readings that are not finite."""

    def _answer(self, query, salt):
        values = np.random.random(toy.SIZE_HW).astype(np.float32) * 8 + random.random() + salt
        values[3, 4] = [np.nan, np.inf, -1, 0][int(query.sample_id[-1]) % 4]
        return Prediction(query.sample_id, "ok", "a map", query.prompt, depth=DepthMap(values=values))


def run(folder, out, model=None, task=None, **options):
    """Run the mapper on ten samples, three to a batch."""
    entry = toy.make_entry(model or Mapper(), units=("depth",))
    chosen = RunOptions(**{"out": Path(out), "batch_size": 3, "code": "toy", **options})
    return evaluate(task or make_task(), make_split(folder), entry, chosen)


def map_name(number):
    """The file of a sample's map."""
    return f"{hashlib.sha256(f'toy/test/{number}'.encode()).hexdigest()[:20]}.npz"


def main():
    """Run, and die at the moment that was asked for."""
    folder, out, moment = sys.argv[1:]
    event, _, value = moment.partition(":")
    model = Mapper(lambda number: toy.die() if event == "ask" and number == int(value) else None)
    if event == "tear":
        toy.tear_at(int(value))
    if event == "write":
        toy.die_before_replacing(value)
    run(folder, out, model)


if __name__ == "__main__":
    main()
