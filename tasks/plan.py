"""Works out what `refbench eval` means, wholly, before anything is run or written."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.errors import DataError, ModelError, unknown
from benchmarks.registry import benchmark
from benchmarks.schema import Split
from tasks.base import ModelEntry, Task
from tasks.data import Data
from tasks.progress import say


@dataclass(frozen=True)
class Job:
    """One row of the table to come: a task on one opened split."""

    task: Task
    split: Split


def check_splits(task: Task, wanted: Sequence[str]) -> None:
    """Check the names of splits against a task, without any data.

    Raises:
        UnknownName: the task has no such split.
    """
    known = (*task.splits, *task.extra_splits)
    for name in wanted:
        if name not in known:
            raise unknown(f"split of {task.name}", name, known, f"refbench tasks {task.name}")


def check_model(task: Task, entry: ModelEntry) -> None:
    """Check that a model can answer a task.

    Raises:
        ModelError: it answers in other units.
    """
    if task.kind.wants not in entry.units:
        raise ModelError(
            f"model {entry.name} answers with {', '.join(entry.units)}, but task {task.name} needs {task.kind.wants}: "
            "choose another model or task (`refbench models` lists what each can do)"
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
    return [Job(task, open_split(task, name, data)) for task in tasks for name in _splits(task, wanted, data)]


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
    return chosen.open(data.root, name, data.origin)


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


def _splits(task: Task, wanted: Sequence[str], data: Data) -> Sequence[str]:
    if wanted:
        return wanted
    present = present_splits(task, data)
    if absent := [name for name in task.splits if name not in present]:
        say(f"{task.name}: {data.root} lacks the official {', '.join(absent)}; running {', '.join(present)}")
    return present
