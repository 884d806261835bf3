"""The number of a run before its end: measured on what is answered so far, in the order in which it came."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.schema import Prediction, Sample
from metrics.base import Metric, Row
from results.fractions import fractions
from tasks.base import TaskKind

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A number that is not final.

    Attributes:
        key: of the metric.
        value: over the samples answered so far.
        low, high: 95 % interval over images, as if these were drawn at random from the split, which they are not.
        n: samples answered so far.
        unit: "fraction", "metres", …
    """

    key: str
    value: float
    low: float
    high: float
    n: int
    unit: str

    def __str__(self) -> str:
        """As a person reads it: fractions times 100."""
        scale, digits = (100, 1) if self.unit == "fraction" else (1, 3)
        value, low, high = (f"{scale * each:.{digits}f}" for each in (self.value, self.low, self.high))
        return f"{self.key} {value} [{low}, {high}] so far"

    def to_json(self) -> dict[str, Any]:
        """As a program reads it."""
        return asdict(self)


class Rows:
    """Rows of the samples that are answered so far, for the metric that a table shows first."""

    def __init__(self, kind: TaskKind, metric: Metric) -> None:
        """Begin with none.

        Args:
            kind: that measures; it must measure sample by sample.
            metric: whose rows are kept.
        """
        assert kind.measure is not None, f"{kind.name} measures all samples at once"
        self._measure, self._metric = kind.measure, metric
        self._rows: dict[str, Row] = {}
        self._images: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, samples: Sequence[Sample], answers: Sequence[Prediction]) -> None:
        """Measure answers; a later one to the same sample replaces the earlier one."""
        for sample, answer in zip(samples, answers, strict=True):
            self._rows[sample.id] = self._measure(sample, answer)[self._metric.name]
            self._images[sample.id] = sample.image_id

    def sums(self, ids: Sequence[str], key: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Numerators and denominators of a key for samples, float64 [N] each; None where it is no ratio of sums."""
        return fractions(self._metric, [self._rows[name] for name in ids]).get(key)

    def estimate(self) -> Estimate | None:
        """The headline so far; None where nothing can be said."""
        key, ids = self._metric.headline, list(self._rows)
        parts = self.sums(ids, key) if ids else None
        if parts is None:
            return None
        _, place = np.unique([self._images[name] for name in ids], return_inverse=True)
        over, under = (np.bincount(place, weights=column).astype(np.float64) for column in parts)
        value, error = ratio(over, under)
        if error is None:
            return None
        low, high = value - _NORMAL_95 * error, value + _NORMAL_95 * error
        card = self._metric.card
        floor, ceiling = card.range
        ends = max(low, floor), high if ceiling is None else min(high, ceiling)
        return Estimate(key, value, *ends, len(ids), card.units.get(key, card.unit))


def can_be_estimated(kind: TaskKind) -> bool:
    """Whether the first number of a kind can be told from a part of the rows."""
    return kind.measure is not None and kind.metrics[0].additive


def ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> tuple[float, float | None]:
    """A ratio of sums over units, and its standard error by linearisation (Cochran, Sampling Techniques, chapter 6).

    Args:
        over: float64 [U], numerators of independent units.
        under: float64 [U], denominators, whose sum is above 0.

    Returns:
        The ratio, and its standard error; None with fewer than two units.
    """
    units, total = len(over), under.sum()
    value = float(over.sum() / total)
    if units < 2:
        return value, None
    residuals = over - value * under
    return value, float(np.sqrt(units / (units - 1) * (residuals**2).sum()) / total)
