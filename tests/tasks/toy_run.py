"""A toy split and a model whose answers depend on its batch and on drawn numbers; run as a program, it kills itself.

    python toy_run.py FOLDER OUT MOMENT [PROCESSES]

MOMENT is `never`, `ask:K` (before the K-th batch is answered), `tear:K` (in the middle of writing the K-th batch) or
`write:NAME` (before a file of the run directory is replaced);
with PROCESSES, when the batch with sample K is asked: `die:K` kills the process that answers it, `once:K` does so the
first time only, `bug:K` ends it with an exit code, `hang:K` never comes back, `break:K` breaks the contract of a model,
`doom:K` kills it each time, and the third time all others with it, `fail:K` raises, `again:K` asks such samples again,
`stop:K` presses Ctrl-C for all processes, `term:K` sends SIGTERM to all of them, `orphan:K` kills the first one, and no
other batch is answered before.
With RANK and WORLD_SIZE in the environment it is one rank of a launch; `vanish:R` kills rank R with its first batch,
`batch:N` asks N samples at once.
"""

import hashlib
import os
import random
import signal
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from benchmarks.errors import ModelError
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample, Split, Target
from tasks import kinds
from tasks.base import ModelEntry, Task
from tasks.place import find_place
from tasks.run import Interrupted, RunOptions, evaluate, evaluate_ranked
from tasks.stopping import terminable
from tasks.team import Team

SIZE_HW = (24, 32)
CODE = "toy"
"""Digest of the program, the same for every process of a test, also where somebody edits the program meanwhile."""


def folder_of(out):
    """The only run directory below a root."""
    (run,) = {path.parent for path in Path(out).rglob("run.json")}
    return run


def rle_of(box_xyxy, size_hw=SIZE_HW):
    """The mask of a box with whole-pixel edges."""
    canvas = np.zeros(size_hw, dtype=np.uint8, order="F")
    x1, y1, x2, y2 = (int(edge) for edge in box_xyxy)
    canvas[y1:y2, x1:x2] = 1
    return {"size": list(size_hw), "counts": coco_mask.encode(canvas)["counts"].decode("ascii")}


def make_split(folder, count=10, expected=None, origin="sample"):
    """`count` questions, two to an image, each with a box of its own and a tag."""
    samples = []
    for number in range(count):
        path = Path(folder) / f"{number // 2}.png"
        if not path.exists():
            Image.new("RGB", SIZE_HW[::-1], (number, 0, 0)).save(path)
        box = (float(number % 7), float(number % 5), float(number % 7 + 9), float(number % 5 + 8))
        samples.append(
            Sample(
                id=f"toy/test/{number}",
                image=ImageRef(path, SIZE_HW),
                image_id=f"image-{number // 2}",
                question=f"thing {number}",
                target=Target(box, rle_of(box)),
                tags={"kind": "odd" if number % 2 else "even"},
            )
        )
    return Split("toy", "test", origin, expected, "f00d", tuple(samples))


def make_task(kind):
    """The task of a kind."""
    prompt = {"rec": "locate_expression", "res": "segment_expression"}[kind]
    return Task(name=f"toy_{kind}", kind=kinds.find(kind), benchmark="toy", splits=("test",), prompt=prompt)


class Steady:
    """Answers boxes that depend on the whole batch and on drawn numbers, and remembers what it was asked."""

    def __init__(self, before=lambda number: None):
        self.asked = []
        self._before = before

    def predict(self, queries):
        self._before(len(self.asked))
        self.asked.append([query.sample_id for query in queries])
        salt = hashlib.sha256("".join(self.asked[-1]).encode()).digest()[0] / 256
        return [self._answer(query, salt) for query in queries]

    def fingerprint(self):
        return "steady"

    def _answer(self, query, salt):
        edge = random.random() + np.random.random() + salt
        box = (edge, edge, edge + 8, edge + 8)
        instance = Instance(score=0.5, box_xyxy=box, mask_rle=rle_of(box))
        return Prediction(query.sample_id, "ok", "an answer", query.prompt, (Group("thing", query.wants, (instance,)),))


def make_entry(model, **fields):
    """Register a model that is already made."""
    defaults = {"name": "toy", "kind": "toy", "units": ("box", "mask"), "load": lambda options: model}
    return ModelEntry(**{**defaults, **fields})


def first_time(mark):
    """Whether nobody asked before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def until(happened):
    """Wait for what another process does."""
    while not happened():
        os.sched_yield()


def die():
    """End at once, as the kernel or a power switch would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Fated(Steady):
    """Lets something happen when a certain sample is asked about."""

    def __init__(self, event, number, mark):
        super().__init__()
        self._event, self._number, self._mark = event, number, mark
        self._sample_id = f"toy/test/{number}"

    def predict(self, queries):
        if self._event == "vanish" and os.environ["RANK"] == self._number and first_time(self._mark):
            os.kill(os.getppid(), signal.SIGKILL)
            die()
        if self._sample_id in [query.sample_id for query in queries]:
            match self._event:
                case "die":
                    die()
                case "once" if first_time(self._mark):
                    die()
                case "doom":
                    with self._mark.open("a") as mark:
                        mark.write(f"{len(queries)} ")
                    if len(self._mark.read_text().split()) == 3:
                        os.killpg(os.getpgid(0), signal.SIGKILL)
                    die()
                case "fail":
                    raise RuntimeError("a bad day")
                case "hang":
                    signal.sigwait([signal.SIGUSR2])
                case "break":
                    return []
                case "bug":
                    raise SystemExit(7)
                case "stop":
                    os.killpg(os.getpgid(0), signal.SIGINT)
                case "term":
                    os.killpg(os.getpgid(0), signal.SIGTERM)
                case "orphan":
                    first = os.getppid()
                    os.kill(first, signal.SIGKILL)
                    until(lambda: os.getppid() != first)  # it ends a moment later, its pipes before that
                    first_time(self._mark)
        elif self._event == "orphan":
            until(self._mark.exists)
        return super().predict(queries)


def reopen(folder, moment):
    """What a worker process runs."""
    event, _, number = moment.partition(":")
    model = Fated(event, number, Path(folder) / "happened")
    entry = make_entry(model, fingerprint=lambda _: "steady")
    return make_task("rec"), make_split(folder, 20), entry


def share(folder, out, moment, processes):
    """Run in several processes, or in one with the same data; print what ended it and return the exit code."""
    opener = partial(reopen, folder, moment)
    stall_s = 3.0 if moment.startswith("hang") else None
    size = int(moment.removeprefix("batch:")) if moment.startswith("batch:") else 3
    options = RunOptions(out=Path(out), batch_size=size, processes=processes, stall_timeout_s=stall_s, code=CODE)
    options = replace(options, retry_failed=moment.startswith("again"))
    task, split, entry = opener()
    place = find_place(os.environ, None)
    try:
        with terminable(), nullcontext() if place is None else Team(place, options.out) as team:
            evaluate_ranked([(task, split, options, opener)], entry, processes, team)
    except (Interrupted, ModelError) as ending:
        print(ending)
        return getattr(ending, "code", 2)
    return 0


def main():
    """Run, and die at the moment that was asked for."""
    folder, out, moment, *processes = sys.argv[1:]
    if processes:
        sys.exit(share(folder, out, moment, int(processes[0])))
    event, _, value = moment.partition(":")
    model = Steady(lambda number: die() if event == "ask" and number == int(value) else None)
    if event == "tear":
        tear_at(int(value))
    if event == "write":
        die_before_replacing(value)
    evaluate(
        make_task("rec"), make_split(folder), make_entry(model), RunOptions(out=Path(out), batch_size=3, code=CODE)
    )


def tear_at(number):
    """Let the `number`-th write reach the disk up to the middle of its second line."""
    written = []
    real = os.write

    def write(file, data):
        if len(written) == number:
            line = bytes(data).index(b"\n")
            real(file, data[: line + line // 2])
            die()
        written.append(len(data))
        return real(file, data)

    os.write = write


def die_before_replacing(name):
    """Die when a file of that name is about to appear."""
    real = os.replace

    def replace(source, target):
        if Path(target).name == name:
            die()
        real(source, target)

    os.replace = replace


if __name__ == "__main__":
    main()
