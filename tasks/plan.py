"""Works out what `refbench eval` means, wholly, before anything is run or written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.errors import ConfigError, DataError, ModelError, unknown
from benchmarks.registry import benchmark
from benchmarks.schema import Benchmark, Split
from tasks.base import ModelEntry, Task
from tasks.data import Data
from tasks.model_args import ModelArgs
from tasks.own_metric_trial import try_out
from tasks.progress import say

HELD = 200_000
"""Samples that stay in memory between check and run; splits beyond that are opened again when their turn comes."""


@dataclass(frozen=True)
class Job:
    """One split of one task, which could be opened.

    Attributes:
        task: what is asked.
        name: of the split.
        data: where it is.
        size: number of samples.
        held: the opened split, where it is small enough to be kept.
    """

    task: Task
    name: str
    data: Data
    size: int
    held: Split | None

    def open(self) -> Split:
        """Open the split.

        Raises:
            DataError: its files changed since they were checked.
        """
        return open_split(self.task, self.name, self.data) if self.held is None else self.held


@dataclass(frozen=True)
class Skipped:
    """A task of a suite that is not run, and why."""

    task: str
    reason: str


def check_splits(task: Task, wanted: Sequence[str]) -> None:
    """Check the names of splits against a task, without any data.

    Raises:
        UnknownName: the task has no such split.
    """
    known = (*task.splits, *task.extra_splits)
    for name in wanted:
        if name not in known:
            raise unknown(f"split of {task.name}", name, known, f"refbench tasks {task.name}")


def check_compiles(entry: ModelEntry) -> None:
    """Check that `--compile` can be had.

    Raises:
        ConfigError: the model has no network of its own here, or its adapter does not say that it bears it.
    """
    if not entry.compiles:
        raise ConfigError(
            f"model {entry.name} cannot be compiled: it has no network in this process, or its adapter was never "
            "tried with torch.compile; leave out --compile"
        )


def check_model(task: Task, entry: ModelEntry) -> None:
    """Check that a model can answer a task.

    Raises:
        ModelError: it answers in other units.
    """
    if task.kind.wants not in entry.units:
        from tasks.matrix import able
        from tasks.models.registry import all_models

        raise ModelError(
            f"model {entry.name} answers with {', '.join(entry.units)}, but task {task.name} needs {task.kind.wants}: "
            f"these can: {able(task.kind.wants, all_models().values())} (`refbench models --matrix` shows what each "
            "can do)"
        )


def jobs(tasks: Sequence[Task], wanted: Sequence[str], data: Data) -> list[Job]:
    """Open every split that is to be run, in the order of the tasks.

    Args:
        tasks: what to run.
        wanted: names of splits; none for all official ones that the data root holds.
        data: where to look.

    Raises:
        DataError: files are missing or broken, or hold none of the splits.
    """
    found: list[Job] = []
    for task in tasks:
        for name in _splits(task, wanted, data):
            found.append(_job(task, name, data, sum(job.size for job in found)))
    return found


def suite_jobs(
    tasks: Sequence[Task], wanted: Sequence[str], one: bool, entry: ModelEntry, data: Data, args: ModelArgs = ()
) -> tuple[list[Job], list[Skipped]]:
    """Open what can be run of a suite, and tell why the rest cannot.

    Args:
        tasks: tasks of the suite.
        wanted: names of splits, for the tasks that have them; none for the official ones.
        one: run one official split of each task, where `wanted` does not say: a test split, else the first.
        entry: the model; tasks that it has no unit or no eye for are left out.
        data: where to look; tasks whose files are not there are left out.
        args: what the model was told.

    Raises:
        UnknownName: no task of the suite has a wanted split.
        DataError: files that are there are broken, or nothing is left to run.
    """
    for name in wanted:
        known = list(dict.fromkeys(split for task in tasks for split in (*task.splits, *task.extra_splits)))
        if name not in known:
            raise unknown("split of the suite's tasks", name, known)
    found: list[Job] = []
    skipped: list[Skipped] = []
    for task in tasks:
        names = [name for name in wanted if name in (*task.splits, *task.extra_splits)]
        reason = _unfit(task, bool(wanted) and not names, entry)
        try:
            if not reason:
                chosen = names or (_one(_splits(task, (), data)) if one else _splits(task, (), data))
                opened = [_job(task, name, data, sum(job.size for job in found)) for name in chosen]
                reason = unanswerable(task, opened[0].held, entry, args) if opened[0].held is not None else ""
                found += [] if reason else opened
        except DataError as error:
            if not _absent(task, data):
                raise
            reason = str(error)
        skipped += [Skipped(task.name, reason)] if reason else []
    if not found:
        raise DataError(f"nothing of the suite can be run; {skipped[0].task}: {skipped[0].reason}")
    return found, skipped


def open_split(task: Task, name: str, data: Data) -> Split:
    """Open one split of a task.

    Raises:
        DataError: files are missing or broken, or do not hold it.
    """
    chosen = benchmark(task.benchmark)
    if name in task.extra_splits and name not in chosen.splits_present(data.root):
        raise DataError(
            f"{data.root} holds no split {name} of {task.benchmark}: it is part of the sample world only, leave out "
            "--data-root to run on that"
        )
    return replace(chosen.open(data.root, name, data.origin), beside=partial(_beside, chosen, name, data))


def _beside(chosen: Benchmark, name: str, data: Data) -> dict[str, Callable[[], Split]]:
    others = [other for other in chosen.splits_present(data.root) if other != name]
    return {other: partial(chosen.open, data.root, other, data.origin) for other in others}


def present_splits(task: Task, data: Data) -> tuple[str, ...]:
    """Name the official splits of a task that the data root holds, in the task's order.

    Raises:
        DataError: it holds none of them, or files are missing or broken.
    """
    here = benchmark(task.benchmark).splits_present(data.root)
    present = tuple(name for name in task.splits if name in here)
    if not present:
        raise DataError(
            f"{data.root} holds no split of {task.name} ({', '.join(task.splits)}), only {', '.join(here) or 'none'}: "
            "fetch the official files (`refbench data status` says which)"
        )
    return present


def _job(task: Task, name: str, data: Data, before: int) -> Job:
    split = open_split(task, name, data)
    for note in split.notes:
        say(f"{task.name} {name}: {note}")
    try_out(task.kind, split.samples)
    size = len(split.samples)
    return Job(task, name, data, size, split if before + size <= HELD else None)


def _unfit(task: Task, lacks_split: bool, entry: ModelEntry) -> str:
    """Say why a task cannot be run whatever the data; empty when it can."""
    if lacks_split:
        return f"has no such split, only {', '.join((*task.splits, *task.extra_splits))}"
    if task.kind.wants not in entry.units:
        return f"needs {task.kind.wants}, and model {entry.name} answers with {', '.join(entry.units)} only"
    return ""


def unanswerable(task: Task, split: Split, entry: ModelEntry, args: ModelArgs = ()) -> str:
    """Say why a model cannot answer what a split asks, as its first sample does; empty where nothing is wrong."""
    if not split.samples:
        return ""
    first = split.samples[0]
    if first.regions and not entry.regions:
        return f"asks with visual prompts, which model {entry.name} with these weights does not take"
    reason = entry.refuse(first.query("", task.kind.wants), args) if entry.refuse is not None else ""
    return f"cannot be answered by model {entry.name}: {reason}" if reason else ""


def _one(splits: Sequence[str]) -> Sequence[str]:
    """Choose one split: a test split where there is one, else the first."""
    return [next((name for name in splits if name.startswith("test")), splits[0])]


def _absent(task: Task, data: Data) -> bool:
    """Whether files of a task's benchmark are not there at all."""
    return any(not path.exists() for path in benchmark(task.benchmark).files(data.root))


def _splits(task: Task, wanted: Sequence[str], data: Data) -> Sequence[str]:
    if wanted:
        return wanted
    present = present_splits(task, data)
    if absent := [name for name in task.splits if name not in present]:
        say(f"{task.name}: {data.root} lacks the official {', '.join(absent)}; running {', '.join(present)}")
    return present
