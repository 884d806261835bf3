"""`--early-stop`: ends a run whose answers so far already decide that it will be worse than a baseline.

What is judged is the number that the whole run would give. Batches are asked in a pseudo-random order that depends on
ids alone, and only a prefix of that order counts, so that answers which come early because they are easy decide
nothing, and neither does the number of processes. A prefix is looked at 20 times at most, each time with an interval
for a ratio of sums over batches drawn without replacement (Cochran, Sampling Techniques, chapters 2, 6; Student's t).
Looking repeatedly is paid for: the looks share an error of 5 % by the spending function alpha * ln(1 + (e - 1) t) of
Lan and DeMets (Biometrika 1983), by Bonferroni's inequality, which holds whatever the looks have in common. The
spread of scores between 0 and 1 is that with one batch more that is all wrong and one that is all right (after Agresti
and Coull, American Statistician 1998), so that a few equal batches do not look certain.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import ConfigError, unknown
from benchmarks.schema import Prediction
from metrics.base import Metric
from metrics.errors import DataError as StoreError
from results import direction, record_file
from results.record import Record, StoppedEarly
from tasks.base import TaskKind
from tasks.evaluation import Evaluation
from tasks.journal import Batch
from tasks.live import Rows, ratio

RULE = "alpha spending, Lan-DeMets 1983 (Pocock type), 20 looks, t over batches without replacement"
LOOKS, LEAST_BATCHES, ALPHA = 20, 5, 0.05


@dataclass(frozen=True)
class Baseline:
    """What a run is held against: a number of one key, or the record of another run.

    Attributes:
        key: of the metric; empty for the first number of `record`.
        value: its number; NaN for that of `record`.
        record: the other run, None where a number was given.
    """

    key: str
    value: float
    record: Record | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `KEY=VALUE`, or a run directory.

        Raises:
            ConfigError: it is neither, or the run is no whole one.
        """
        folder = Path(text).expanduser()
        if not folder.is_dir():
            key, found, value = text.partition("=")
            try:
                return cls(key, float(value if found else "none"))
            except ValueError:
                raise ConfigError(
                    f"--early-stop {text} is neither a run directory nor KEY=VALUE, as in acc@0.5=0.62: correct it"
                ) from None
        try:
            record = record_file.read(folder / "result.json", folder)
        except StoreError as error:
            raise ConfigError(f"--early-stop: {error}") from None
        number = record.metrics.get(record.headline)
        if record.stopped_early is not None or number is None:
            raise ConfigError(f"--early-stop {text}: that run has no final number, choose a whole one")
        return cls(record.headline, number, record)

    def check(self, kinds: Iterable[TaskKind]) -> None:
        """Refuse a key that no task has.

        Raises:
            UnknownName: likewise; names the nearest.
        """
        known = list(dict.fromkeys(key for kind in kinds for key in _keys(kind)))
        if self.record is None and self.key not in known:
            raise unknown("metric of the tasks", self.key, known)

    def judge(self, job: Evaluation, batches: Sequence[Batch]) -> "Judge | None":
        """Make what decides about a run; None where this baseline says nothing about it.

        Raises:
            ConfigError: it is a run of the same task on other samples, or the number is known at the end only.
        """
        kind, record = job.task.kind, self.record
        if record is not None and (record.task, record.split) != (job.task.name, job.split.name):
            return None
        if record is not None and (record.digests.get("data"), record.n) != (job.split.fingerprint, len(job.samples)):
            raise ConfigError(
                f"{job.title}: the baseline of --early-stop has {record.n} samples of data {record.digests.get('data')}"
                f", this run {len(job.samples)} of {job.split.fingerprint}: run it on the same ones"
            )
        if self.key not in _keys(kind):
            return None
        metric = _keys(kind)[self.key]
        if kind.measure is None or not metric.additive:
            raise ConfigError(f"{job.title}: {self.key} is known at the end only, leave out --early-stop")
        return Judge(self.key, self.value, Rows(kind, metric), metric, batches)


class Judge:
    """Decides about one run, prefix by prefix of the order in which its batches are asked."""

    def __init__(self, key: str, baseline: float, rows: Rows, metric: Metric, batches: Sequence[Batch]) -> None:
        self.order = in_random_order(batches)
        self._key, self._baseline, self._rows, self._metric = key, baseline, rows, metric
        self._looks = looks(len(batches))
        self._here: set[int] = set()

    def add(self, batch: Batch, answers: Sequence[Prediction]) -> None:
        """Take the answers to a batch."""
        self._rows.add(batch.samples, answers)
        self._here.add(batch.number)

    def verdict(self) -> StoppedEarly | None:
        """Decide at every prefix that is whole now and was not looked at before; None to go on."""
        prefix = next((k for k, batch in enumerate(self.order) if batch.number not in self._here), len(self.order))
        while self._looks and self._looks[0][0] <= prefix:
            count, spent = self._looks.pop(0)
            if found := self._look(count, spent):
                return found
        return None

    def _look(self, count: int, spent: float) -> StoppedEarly | None:
        chosen = self.order[:count]
        ids = [sample.id for batch in chosen for sample in batch.samples]
        parts = self._rows.sums(ids, self._key)
        if parts is None:
            return None
        sizes = [len(batch.samples) for batch in chosen]
        place = np.repeat(np.arange(count), sizes)
        over, under = (np.bincount(place, weights=column).astype(np.float64) for column in parts)
        bounded = is_bounded(self._metric, self._key)
        value, low, high = interval(over, under, len(self.order), spent, bounded)
        falls = direction.of_metric(self._metric, self._key.removeprefix(f"{self._metric.name}.")) == "lower"
        worse = low > self._baseline if falls else high < self._baseline
        if not worse:
            return None
        low, high = (max(low, 0.0), min(high, 1.0)) if bounded else (low, high)
        return StoppedEarly(
            self._key, self._baseline, value, low, high, len(ids), sum(len(b.samples) for b in self.order), RULE
        )


def looks(batches: int) -> list[tuple[int, float]]:
    """When to look, in batches, and how much error each look may spend; the last look comes before the end."""
    counts = sorted({math.ceil(number * batches / LOOKS) for number in range(1, LOOKS)})
    usable = [count for count in counts if LEAST_BATCHES <= count < batches]
    shares = [0.0, *(ALPHA * math.log(1 + (math.e - 1) * count / batches) for count in usable)]
    return [(count, shares[k + 1] - shares[k]) for k, count in enumerate(usable)]


def interval(
    over: NDArray[np.float64], under: NDArray[np.float64], batches: int, error: float, bounded: bool
) -> tuple[float, float, float]:
    """Ratio over the batches drawn, and the interval of that over all batches.

    Args:
        over: float64 [k], numerators.
        under: float64 [k], denominators.
        batches: of which these were drawn without replacement.
        error: probability that the interval misses, in (0, 1).
        bounded: whether the ratio lies between 0 and 1.

    Returns:
        Ratio of the batches alone, low and high end.
    """
    from scipy.special import stdtrit

    count, value = len(over), float(over.sum() / under.sum())
    if bounded:
        usual = under.mean()
        over, under = np.append(over, [0.0, usual]), np.append(under, [usual, usual])
    _, spread = ratio(over, under)
    if spread is None or spread == 0:
        return value, -math.inf, math.inf
    half = float(stdtrit(count - 1, 1 - error / 2)) * spread * math.sqrt(1 - count / batches)
    return value, value - half, value + half


def in_random_order(batches: Sequence[Batch]) -> list[Batch]:
    """Shuffle batches by the digests of their first ids: the same order in every process and on every day."""
    return sorted(batches, key=lambda batch: hashlib.sha256(f"order {batch.samples[0].id}".encode()).digest())


def is_bounded(metric: Metric, key: str) -> bool:
    """Whether every sample's share of a key lies between 0 and 1."""
    ends = metric.card.range == (0.0, 1.0) if key == metric.headline else True
    return ends and metric.card.units.get(key, metric.card.unit) == "fraction"


def _keys(kind: TaskKind) -> dict[str, Metric]:
    """Public keys of a kind; of two metrics with the same key, the later one's name comes before it."""
    found: dict[str, Metric] = {}
    for metric in kind.metrics:
        found |= {f"{metric.name}.{key}" if key in found else key: metric for key in metric.card.keys}
    return found
