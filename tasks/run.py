"""The run loop: samples in, predictions file and record out, whatever happens in between."""

from benchmarks.schema import Split
from results.record import Record
from tasks.base import ModelEntry, Task
from tasks.options import RunOptions

__all__ = ["Interrupted", "RunOptions", "evaluate"]


class Interrupted(Exception):
    """The user stopped the run. What was finished is kept; the text says how to go on. Exit code 130."""


def evaluate(task: Task, split: Split, entry: ModelEntry, options: RunOptions) -> Record:
    """Run one model on one split of one task, or go on where an earlier run stopped, or read what it left."""
    raise NotImplementedError
