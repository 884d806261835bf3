"""Scores of many draws of images at once: what every bootstrap and every permutation test here is made of.

A statistic holds what aggregation needs of each image and gives its scores for any weights of the images. Most scores
are functions of sums (means, ratios, BLEU, PQ, mIoU): a draw is then one row of a matrix product. Average precision
ranks all detections, see `results.ap_draws`. Whatever else there is is aggregated again, draw by draw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metrics.base import Metric, Row
from metrics.stats import Picks

Floats = NDArray[np.float64]
Scores = dict[str, Floats]
"""Key -> float64 [B], one score per draw, NaN where it is undefined."""

_SPARSE_COLUMNS = 12
"""Up to here a sparse product of the picks is quicker than counting them first."""


class Statistic(Protocol):
    """Scores of U units, which are images or, in a comparison, the images of one run and then those of the other."""

    def weighted(self, weights: Floats) -> Scores:
        """Scores where unit u counts `weights[b, u]` times: float64 [B, U], whole numbers."""

    def resampled(self, picks: Picks) -> Scores:
        """Scores where draw b holds the units `picks[b]`: int32 [B, U]."""

    def part(self, first: int, end: int) -> "Statistic":
        """The same of the units `first` to `end` alone."""

    def only(self, keys: Sequence[str]) -> "Statistic":
        """The same with some of its keys."""

    @property
    def scored(self) -> Sequence[str]:
        """Its keys."""

    @property
    def is_cheap(self) -> bool:
        """Whether a draw costs a few multiplications for each unit, so that a million draws are no matter."""


@dataclass(frozen=True)
class Sums:
    """Scores that are functions of sums over units.

    Attributes:
        names: S columns.
        columns: float64 [U, S].
        formula: column -> float64 [B] of its sums, to scores.
        keys: which scores are kept; empty for all, before anybody chose.
    """

    names: Sequence[str]
    columns: Floats
    formula: Callable[[Mapping[str, Floats]], Scores]
    keys: Sequence[str] = ()

    def weighted(self, weights: Floats) -> Scores:
        """See `Statistic`."""
        return self._scores(weights @ self.columns)

    def resampled(self, picks: Picks) -> Scores:
        """See `Statistic`. A sparse product adds up the picked rows, which for few columns is quicker than counting."""
        if len(self.names) > _SPARSE_COLUMNS:
            return self.weighted(count(picks, len(self.columns)))
        from scipy.sparse import csr_array

        draws, size = picks.shape
        starts = np.arange(0, draws * size + 1, size, dtype=np.int32)
        ones = np.ones(draws * size)
        chosen = csr_array((ones, picks.ravel(), starts), shape=(draws, len(self.columns)))
        return self._scores(chosen @ self.columns)

    def part(self, first: int, end: int) -> "Sums":
        """See `Statistic`."""
        return Sums(self.names, self.columns[first:end], self.formula, self.keys)

    def only(self, keys: Sequence[str]) -> "Sums":
        """See `Statistic`."""
        return Sums(self.names, self.columns, self.formula, keys)

    @property
    def scored(self) -> Sequence[str]:
        """See `Statistic`."""
        return self.keys

    @property
    def is_cheap(self) -> bool:
        """See `Statistic`."""
        return True

    def _scores(self, totals: Floats) -> Scores:
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = self.formula(dict(zip(self.names, totals.T, strict=True)))
        return scores if not self.keys else {key: scores[key] for key in self.keys}


@dataclass(frozen=True)
class Again:
    """Scores of any metric whatever: rows are repeated as often as their unit was drawn, and aggregated again.

    Attributes:
        metric: whose rows they are.
        rows: of every unit.
        keys: which scores are kept; a key that a draw does not give is NaN there.
    """

    metric: Metric
    rows: Sequence[Sequence[Row]]
    keys: Sequence[str]

    def weighted(self, weights: Floats) -> Scores:
        """See `Statistic`."""
        found = [self._aggregate(counts) for counts in weights.astype(np.int64)]
        return {key: np.array([scores.get(key, np.nan) for scores in found], dtype=np.float64) for key in self.keys}

    def resampled(self, picks: Picks) -> Scores:
        """See `Statistic`."""
        return self.weighted(count(picks, len(self.rows)))

    def part(self, first: int, end: int) -> "Again":
        """See `Statistic`."""
        return Again(self.metric, self.rows[first:end], self.keys)

    def only(self, keys: Sequence[str]) -> "Again":
        """See `Statistic`."""
        return Again(self.metric, self.rows, keys)

    @property
    def scored(self) -> Sequence[str]:
        """See `Statistic`."""
        return self.keys

    @property
    def is_cheap(self) -> bool:
        """See `Statistic`."""
        return False

    def _aggregate(self, counts: NDArray[np.int64]) -> dict[str, float]:
        chosen = [row for unit in np.repeat(np.arange(len(counts)), counts).tolist() for row in self.rows[unit]]
        return self.metric.aggregate(chosen) if chosen else {}


def count(chosen: Picks, units: int) -> Floats:
    """How often each unit was picked: int32 [B, N] -> float64 [B, units]."""
    places = chosen + units * np.arange(len(chosen), dtype=np.int64)[:, None]
    return np.bincount(places.ravel(), minlength=len(chosen) * units).reshape(len(chosen), units).astype(np.float64)
