"""The upper sanity bound: it is handed the truth and repeats it, so it must score perfectly on every task."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from benchmarks.schema import Prediction, Query, Sample, Unit
from tasks.base import LoadOptions, ModelEntry, TaskKind


class Oracle:
    """Answers every query with its sample's target, in the way its kind of task calls perfect."""

    def __init__(self) -> None:
        self._kind: TaskKind | None = None
        self._samples: dict[str, Sample] = {}

    def attach(self, kind: TaskKind, samples: Sequence[Sample]) -> None:
        """Receive the kind of the task and the samples of the split, truth included."""
        self._kind, self._samples = kind, {sample.id: sample for sample in samples}

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Repeat the truth; KeyError on a sample that was not attached."""
        assert self._kind is not None, "attach comes first"
        return [replace(self._kind.perfect(self._samples[query.sample_id]), prompt=query.prompt) for query in queries]

    def fingerprint(self) -> str:
        """A constant: there are no weights."""
        return FINGERPRINT


def load(options: LoadOptions) -> Oracle:
    """Build the oracle; no option matters to it."""
    return Oracle()


FINGERPRINT = "oracle/3"
MODELS = [
    ModelEntry(
        name="oracle",
        kind="sanity",
        units=get_args(Unit),
        load=load,
        sees_truth=True,
        description="repeats the truth: proves that a task can be scored perfectly",
        weights="none",
        fingerprint=lambda options: FINGERPRINT,
    )
]
