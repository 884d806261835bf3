"""What a worker process is told so that it finds task, data and model again: names and paths, nothing opened."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.schema import Split
from tasks.base import ModelEntry, Task
from tasks.data import Data


@dataclass(frozen=True)
class Names:
    """Names of what is run; calling it opens them.

    Attributes:
        task: name of the task.
        split: name of the split.
        data: where it is.
        model: the model, as the user typed it.
        weights: path of the model's weights; None for its own.
        include: folder of further task files and models, or None.
    """

    task: str
    split: str
    data: Data
    model: str
    weights: Path | None = None
    include: Path | None = None

    def __call__(self) -> tuple[Task, Split, ModelEntry]:
        """Open the split and look up task and model.

        Raises:
            DataError: the files changed since they were checked.
            ModelError: the weights are gone.
            UnknownName: a task file is gone.
        """
        from tasks import registry
        from tasks.models.registry import find
        from tasks.plan import open_split

        entry = find(self.model, self.include)
        entry = entry if entry.of_weights is None else entry.of_weights(self.weights)
        task = registry.find(self.task, self.include)
        return task, open_split(task, self.split, self.data), entry
