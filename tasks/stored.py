"""A finished run together with the data it was made on, as far as both are here: what a report reads."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.schema import Prediction, Sample, Split
from metrics.base import Metric, Row
from metrics.errors import DataError as StoreError
from results.run import Run
from tasks import predictions
from tasks.base import Task
from tasks.data import Data, find_data

SAMPLE_KEYS = {"acc@0.5": "miou", "ciou": "giou", "f1": "accuracy"}
"""Headline -> key that says more about one sample: a share of one sample is 0 or 1, F1 of a rightful "no" is 0."""


@dataclass(frozen=True)
class Stored:
    """A finished run, opened.

    Attributes:
        run: record and rows.
        metric: the one that holds the headline.
        task: None where its file is not here any more.
        samples: id -> sample, those that are here.
        answers: id -> what the model said, likewise.
        notes: what is missing or has changed, for the reader.
    """

    run: Run
    metric: Metric
    task: Task | None = None
    samples: Mapping[str, Sample] = field(default_factory=dict)
    answers: Mapping[str, Prediction] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def ids(self) -> list[str]:
        """Ids of the samples that were scored, in their order; of those that were answered where no rows are here."""
        return list(self.rows_by_id) or list(self.answers)

    @cached_property
    def rows_by_id(self) -> dict[str, Row]:
        """Sample id -> its row of the metric; empty where no rows are here."""
        try:
            rows = self.run.rows.get(self.metric.name)
            return dict(zip(self.run.sample_ids, rows or [{} for _ in self.run.sample_ids], strict=True))
        except StoreError:
            return {}

    @property
    def sample_key(self) -> str:
        """Key of the value that one sample has."""
        return SAMPLE_KEYS.get(self.metric.headline, self.metric.headline)

    @cached_property
    def values(self) -> dict[str, float | None]:
        """Sample id -> `sample_key` of this sample alone; None where that is not defined."""
        return {sample_id: self._value(row) for sample_id, row in self.rows_by_id.items()}

    def _value(self, row: Row) -> float | None:
        value = self.metric.aggregate([row]).get(self.sample_key) if row else None
        return None if value is None or not math.isfinite(value) else float(value)


def open_run(run: Run, data_root: Path | None = None, include: Path | None = None) -> Stored:
    """Open what is here of a run: never fails for want of data, but says what is missing.

    Args:
        run: the run.
        data_root: official files, where they have moved; None for where they were.
        include: folder of task files beside ours; None for that of the run.

    Raises:
        DataError: the record is of a metric that is not here.
    """
    content, notes = run.facts, list[str]()
    task = _task(run, content, include, notes)
    metric = _metric(run, task)
    split = None if task is None else _split(run, task, content, data_root, notes)
    samples = {} if split is None else {sample.id: sample for sample in split.samples}
    stored = Stored(run, metric, task, samples, _answers(run, notes), ())
    return Stored(run, metric, task, samples, stored.answers, (*notes, *_gaps(stored)))


def _task(run: Run, content: Mapping[str, Any], include: Path | None, notes: list[str]) -> Task | None:
    from tasks import registry

    opens = content.get("opens") or {}
    include = include or (Path(opens["include"]) if opens.get("include") else None)
    try:
        return registry.find(run.record.task, include)
    except (UnknownName, ConfigError, DataError) as error:
        notes.append(f"the task is not here any more ({error}): there are no questions, truths and pictures")
        return None


def _metric(run: Run, task: Task | None) -> Metric:
    from metrics.registry import metrics

    known = [*(task.kind.metrics if task else ()), *metrics()]
    for metric in known:
        if metric.name in run.record.protocols and metric.headline == run.record.headline:
            return metric
    raise DataError(
        f"{run.folder} was scored by {', '.join(run.record.protocols)} with headline {run.record.headline}, which is "
        "not here: name the folder of your own tasks with --include"
    )


def _split(run: Run, task: Task, content: Mapping[str, Any], data_root: Path | None, notes: list[str]) -> Split | None:
    from tasks.plan import open_split

    try:
        split = open_split(task, run.record.split, _data(run, content, data_root))
    except (DataError, ConfigError, UnknownName) as error:
        notes.append(f"the data is not here any more ({error}): there are no questions, truths and pictures")
        return None
    if split.fingerprint != run.record.digests.get("data", split.fingerprint):
        notes.append(
            "the data has changed since the run: questions, truths and pictures are those of today, "
            "the numbers are those of then"
        )
    return split


def _data(run: Run, content: Mapping[str, Any], data_root: Path | None) -> Data:
    from benchmarks.world.write import is_world

    kept = (content.get("opens") or {}).get("data_root")
    root = data_root or (Path(kept) if kept else None)
    built_in = run.record.data == "sample" and data_root is None and root is not None and not is_world(root)
    if run.record.data == "official" and root is None:
        raise DataError("the run does not say where its files were; name them with --data-root")
    return find_data(None if built_in else root, False)


def _answers(run: Run, notes: list[str]) -> dict[str, Prediction]:
    if not run.predictions.is_file():
        notes.append("predictions.jsonl is not in the run directory: there are no answers and pictures")
        return {}
    if problem := run.answers_problem:
        notes.append(f"{problem}; the numbers are those of then, the answers those of today")
    try:
        return {each.sample_id: each for each in predictions.read(run.predictions)}
    except DataError as error:
        notes.append(f"the answers cannot be read ({error})")
        return {}


def _gaps(stored: Stored) -> list[str]:
    """Say which samples lack rows, answers or a question."""
    notes = []
    if not stored.rows_by_id:
        notes.append("rows.npz is not in the run directory or cannot be read: samples have no values")
    lacking = {
        "an answer": _without(stored.ids, stored.answers) if stored.answers else [],
        "a question in the data of today": _without(stored.ids, stored.samples) if stored.samples else [],
    }
    for what, ids in lacking.items():
        if ids:
            notes.append(f"{len(ids):,} of {len(stored.ids):,} samples have not {what}, such as {ids[0]}")
    if stored.ids and len(stored.ids) != stored.run.record.n:
        notes.append(f"the record counts {stored.run.record.n:,} samples, its files hold {len(stored.ids):,}")
    return notes


def _without(ids: Sequence[str], held: Mapping[str, object]) -> list[str]:
    return [sample_id for sample_id in ids if sample_id not in held]
