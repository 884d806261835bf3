"""Sources of real data: opened by the readers of benchmarks, every sample looked at, what cannot be used counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import ConfigError
from benchmarks.registry import benchmark
from benchmarks.schema import Sample
from benchmarks.world.write import is_world
from refvlm.training.room import Room
from refvlm.training.sections import SourceConfig, task_content
from refvlm.training.truths import Lesson, Unusable, lesson

_TRAIN = "train"


@dataclass(frozen=True)
class LeftOut:
    """Samples that cannot be used, for one reason: how many, and the first of them."""

    reason: str
    count: int
    first: str


@dataclass(frozen=True)
class Source:
    """One task over one split, ready to be drawn from.

    Its samples lie on sheets: up to `per_sheet` samples of one picture, which the model reads once for all of them.

    Attributes:
        task: name of the task.
        split: of its benchmark.
        prompt: key of its wordings.
        lesson: how it is taught.
        samples: all samples of the split.
        order: places of the usable samples, sheet by sheet.
        ends: where each sheet begins in `order`, and the end of the last.
        left_out: samples that cannot be used.
        portion: how often each sheet comes in one pass.
        fingerprint: of the split.
        notes: what a reader of numbers must know about the split.
    """

    task: str
    split: str
    prompt: str
    lesson: Lesson
    samples: Sequence[Sample]
    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    left_out: tuple[LeftOut, ...]
    portion: float
    fingerprint: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ends) - 1

    @property
    def per_pass(self) -> int:
        """Sheets in one pass over all sources, at least one."""
        return max(1, round(self.portion * len(self)))

    def sheet(self, number: int) -> list[Sample]:
        """The samples of a sheet, all of one picture."""
        return [self.samples[place] for place in self.order[self.ends[number] : self.ends[number + 1]].tolist()]

    def told(self) -> str:
        """Say in a line or more what is in it."""
        used = len(self.order)
        lines = [f"{self.task} {self.split}: {used} of {len(self.samples)} samples, {self.per_pass} pictures a pass"]
        lines += [f"  {each.count} left out: {each.reason} (first: {each.first})" for each in self.left_out]
        if not self.split.startswith(_TRAIN):
            lines.append(
                f"  {self.split} is a split that rows are made of: figures on it will be no test of this model"
            )
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def open_sources(config: SourceConfig, root: Path, room: Room, per_sheet: int) -> list[Source]:
    """Open a source: one for every task that it stands for.

    Args:
        config: what is named.
        root: data root, of official files or a sample world.
        room: what the model can be taught.
        per_sheet: questions per picture.

    Raises:
        ConfigError: a task cannot be taught, or to this model, or a source holds nothing that can be used.
        DataError: files are missing or broken.
        UnknownName: the benchmark has no such split.
    """
    reasons = {name: _unfit(name, room) for name in config.tasks}
    fit = [name for name, reason in reasons.items() if not reason]
    if not fit:
        what = f"{config.task or config.benchmark}: " if len(reasons) != 1 else ""
        raise ConfigError(f"data.sources: {what}{'; '.join(reasons.values()) or 'no task is about this benchmark'}")
    return [_open(name, config.split, config.portion / len(fit), root, room, per_sheet) for name in fit]


def _unfit(name: str, room: Room) -> str:
    """Say why a task cannot be taught to a model; empty where it can."""
    content = task_content(name)
    taught = lesson(content["kind"], content.get("protocol", {}))
    if taught is None:
        return f"task {name} cannot be taught: its kind {content['kind']} has no exact answer in units of the model"
    if taught.unit not in room.units:
        return f"task {name} answers with {taught.unit}: give the model the section '{taught.unit}'"
    return ""


def _open(name: str, split: str, portion: float, root: Path, room: Room, per_sheet: int) -> Source:
    content = task_content(name)
    taught = lesson(content["kind"], content.get("protocol", {}))
    assert taught is not None, f"{name} was found fit"
    opened = benchmark(content["benchmark"]).open(root, split, "sample" if is_world(root) else "official")
    usable, left_out = _sort_out(opened.samples, taught, content["prompt"], room)
    if not usable:
        reasons = "; ".join(f"{each.count}: {each.reason}" for each in left_out) or "the split is empty"
        raise ConfigError(f"data.sources: none of the samples of {name} {split} can be used ({reasons})")
    order, ends = _sheets([opened.samples[place].image_id for place in usable], usable, per_sheet)
    return Source(
        name, split, content["prompt"], taught, opened.samples, order, ends, left_out, portion, opened.fingerprint,
        opened.notes,
    )  # fmt: skip


def _sort_out(
    samples: Sequence[Sample], taught: Lesson, prompt: str, room: Room
) -> tuple[list[int], tuple[LeftOut, ...]]:
    """Look at every sample: places of those that can be used, and why the others cannot."""
    usable: list[int] = []
    faults: dict[str, list[str]] = {}
    for place, sample in enumerate(samples):
        try:
            _look(sample, taught, prompt, room)
        except Unusable as fault:
            faults.setdefault(str(fault), []).append(sample.id)
        else:
            usable.append(place)
    return usable, tuple(LeftOut(reason, len(ids), ids[0]) for reason, ids in faults.items())


def _look(sample: Sample, taught: Lesson, prompt: str, room: Room) -> None:
    """Check what can be known of a sample without reading a file of its own.

    Raises:
        Unusable: it cannot be learnt from.
    """
    if sample.frames:
        raise Unusable("a video, and the model sees one picture")
    if sample.regions and not room.region_tokens:
        raise Unusable("it asks with a visual prompt: give the model the section 'regions'")
    if not taught.reads_files:
        asked = room.longest(prompt, sample.question)
        room.fitting(taught.teach(sample), taught.unit, asked, len(sample.regions))


def _sheets(
    pictures: Sequence[str], places: Sequence[int], per_sheet: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay samples of one picture together, up to `per_sheet` on a sheet; pictures keep their first appearance's order.

    Returns:
        Places sheet by sheet, and where each sheet begins, with the end of the last.
    """
    by_picture: dict[str, list[int]] = {}
    for picture, place in zip(pictures, places, strict=True):
        by_picture.setdefault(picture, []).append(place)
    order: list[int] = []
    ends = [0]
    for own in by_picture.values():
        for first in range(0, len(own), per_sheet):
            order += own[first : first + per_sheet]
            ends.append(len(order))
    return np.array(order, dtype=np.int64), np.array(ends, dtype=np.int64)
