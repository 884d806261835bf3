"""The models of the demo: which can be chosen, and the few that were loaded last."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import cast

from benchmarks.errors import ModelError, unknown
from benchmarks.schema import Sample, Split
from tasks import offline
from tasks.base import LoadOptions, Model, ModelEntry, Task, TruthReader
from tasks.models import registry

KEPT = 2
"""Models in memory at once: two can be compared."""


@dataclass(frozen=True)
class Truth:
    """A sample that a benchmark asks: a few models need to see more than the question, to tell what is best or worst.

    Attributes:
        task: that it is of.
        split: that it lies in; None for a sample of which only itself is here.
        sample: with its truth.
    """

    task: Task
    split: Split | None
    sample: Sample


class Bench:
    """Models that people choose from."""

    def __init__(self, names: Sequence[str], options: LoadOptions, include: Path | None, is_offline: bool) -> None:
        """Look the models up; nothing is loaded.

        Args:
            names: what the user named; none for every model of the registry that is no family and no file.
            options: how they are loaded; weights are for those that can take other ones.
            include: folder with models of the user's.
            is_offline: refuse those that ask a server.

        Raises:
            UnknownName: there is none of that name.
            ConfigError: a family without a reference.
            ModelError: weights cannot be read, or the network is forbidden.
        """
        known = registry.all_models(include)
        chosen = names or [name for name, each in known.items() if each.of_reference is None and not each.joins]
        self._options, self._lock = options, Lock()
        self._loaded: OrderedDict[str, Model] = OrderedDict()
        self.entries: dict[str, ModelEntry] = {}
        for name in chosen:
            entry = registry.find(name, include)
            if entry.joins:
                raise ModelError(f"{name} holds answers to a whole benchmark, and answers no questions: leave it out")
            if is_offline and entry.network and not names:
                continue
            offline.enforce(is_offline, entry, ())
            self.entries[name] = entry if entry.of_weights is None else entry.of_weights(self._weights_of(entry))

    @property
    def names(self) -> list[str]:
        """What can be chosen, the reference model first."""
        return sorted(self.entries, key=lambda name: (name != "refvlm", self.entries[name].kind == "sanity", name))

    def entry(self, name: str) -> ModelEntry:
        """Look up a model.

        Raises:
            UnknownName: it cannot be chosen here.
        """
        if name not in self.entries:
            raise unknown("model of this demo", name, self.entries)
        return self.entries[name]

    def load(self, name: str, truth: Truth | None) -> Model:
        """Load a model, unless it was one of the last.

        Args:
            name: of the model.
            truth: the sample that is asked, unchanged; None for a question of the user's own.

        Raises:
            ModelError: it cannot be loaded, or needs the truth of a sample.
        """
        entry = self.entry(name)
        if entry.of_split is not None or entry.sees_truth:
            return self._informed(entry, truth)
        with self._lock:
            if name not in self._loaded:
                while len(self._loaded) >= KEPT:
                    self._loaded.popitem(last=False)
                self._loaded[name] = entry.load(self._loading(entry))
            self._loaded.move_to_end(name)
            return self._loaded[name]

    def is_loaded(self, name: str) -> bool:
        """Whether it is in memory."""
        return name in self._loaded

    def _informed(self, entry: ModelEntry, truth: Truth | None) -> Model:
        if truth is None or (entry.of_split is not None and truth.split is None):
            raise ModelError(
                f"{entry.name} answers samples of a benchmark only, as they are: open one below 'Sample', and leave "
                "question and marks alone"
            )
        if entry.of_split is not None:
            assert truth.split is not None
            entry = entry.of_split(truth.task, truth.split)
        model = entry.load(self._loading(entry))
        if entry.sees_truth:
            cast(TruthReader, model).attach(truth.task.kind, [truth.sample])
        return model

    def _weights_of(self, entry: ModelEntry) -> Path | None:
        return self._options.weights if entry.name == "refvlm" else None

    def _loading(self, entry: ModelEntry) -> LoadOptions:
        weights = self._weights_of(entry)
        return LoadOptions(self._options.device, self._options.dtype, self._options.seed, weights)
