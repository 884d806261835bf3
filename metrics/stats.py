"""Uncertainty and significance of scores that are means or ratios of sums: intervals and paired tests.

Sources: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile: chapter 13, BCa: chapter 14);
Wilson, JASA 1927; Edgington, Randomization Tests; McNemar, Psychometrika 1947; Holm, Scand. J. Statistics 1979.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Picks = NDArray[np.int32]
EXACT_PAIRS = 20
"""Up to this many pairs all sign changes are tried; beyond, they are drawn."""
_DRAWS = 100
_CELLS = 1 << 20
_TIE = 1e-12


@dataclass(frozen=True)
class Sums:
    """Numerators and denominators of independent units, most often images.

    Attributes:
        over: float [U], summed on top.
        under: float [U], summed below; ones for a mean.
    """

    over: Floats
    under: Floats

    def value(self) -> float:
        """Return the score: sum over sum."""
        return float(self.over.sum() / self.under.sum())


def unit_sums(over: ArrayLike, under: ArrayLike | None = None, clusters: Sequence[object] | None = None) -> Sums:
    """Sum samples within their cluster: questions about one image are not independent.

    Args:
        over: float [N], values of the samples, or numerators.
        under: float [N], denominators; None for a mean.
        clusters: N labels, the image of each sample; None makes every sample its own unit.

    Raises:
        ValueError: there is no sample, the lengths differ, or a value is not finite.
    """
    top = np.asarray(over, dtype=np.float64)
    bottom = np.ones_like(top) if under is None else np.asarray(under, dtype=np.float64)
    if top.ndim != 1 or not len(top) or top.shape != bottom.shape:
        raise ValueError(f"over is {top.shape} and under {bottom.shape}: give one value per sample, and at least one")
    if not (np.isfinite(top).all() and np.isfinite(bottom).all()):
        raise ValueError("a value is not finite: leave undefined samples out and say so")
    if clusters is None:
        return Sums(top, bottom)
    if len(clusters) != len(top):
        raise ValueError(f"{len(clusters)} clusters for {len(top)} samples: give one per sample")
    place: dict[object, int] = {}
    unit = np.array([place.setdefault(label, len(place)) for label in clusters])
    over_units, under_units = np.zeros(len(place)), np.zeros(len(place))
    np.add.at(over_units, unit, top)
    np.add.at(under_units, unit, bottom)
    return Sums(over_units, under_units)


def bootstrap(
    sums: Sums,
    method: Literal["percentile", "bca"] = "percentile",
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of a score by drawing units with replacement.

    Args:
        sums: of the units.
        method: bca also corrects bias and skewness; it needs two units that differ.
        level: share of draws inside.
        resamples: number of draws.
        seed: of the draws.

    Returns:
        Low and high end; both are the score itself where all draws agree.
    """
    draws = _draws(sums, resamples, seed)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca" and np.ptp(draws) > 0:
        tails = _bca_tails(sums, draws, tails)
    low, high = np.quantile(draws, tails)
    return float(low), float(high)


def percentile(draws: Floats, level: float = 0.95) -> tuple[float, float]:
    """Interval that holds the middle share of the draws: float [B] -> low and high end; NaN where a draw is."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _draws(sums: Sums, resamples: int, seed: int) -> Floats:
    """Scores of resampled units: float [resamples]. Draws in which all denominators are 0 are left out."""
    parts = []
    for chosen in picks(len(sums.over), resamples, seed):
        under = sums.under[chosen].sum(axis=1)
        parts.append(sums.over[chosen].sum(axis=1)[under > 0] / under[under > 0])
    return np.concatenate(parts)


def picks(units: int, resamples: int, seed: int) -> Iterator[Picks]:
    """Draw as many units as there are, with replacement, again and again: int32 [<= 100, units] at a time.

    The one source of draws: the same seed gives the same ones whatever is scored on them, so that two systems over the
    same units are resampled alike.
    """
    random = np.random.default_rng(seed)
    for start in range(0, resamples, _DRAWS):
        yield random.integers(units, size=(min(_DRAWS, resamples - start), units), dtype=np.int32)


def swaps(units: int, resamples: int, seed: int, exact: bool) -> Iterator[Floats]:
    """Toss a coin for every unit: float64 [B, units] of 0 and 1 at a time.

    Args:
        units: that may change sides.
        resamples: number of tosses.
        seed: of the tosses.
        exact: try all 2^units ways instead, the one in which nothing is swapped first.
    """
    total, at_once = (2**units if exact else resamples), max(1, _CELLS // units)
    random = np.random.default_rng(seed)
    for start in range(0, total, at_once):
        size = min(at_once, total - start)
        if exact:
            yield (np.arange(start, start + size)[:, None] >> np.arange(units) & 1).astype(np.float64)
        else:
            yield random.integers(2, size=(size, units), dtype=np.uint8).astype(np.float64)


def _bca_tails(sums: Sums, draws: Floats, tails: Floats) -> Floats:
    """Move the tails by bias z0 and acceleration a, the skewness of the jackknife."""
    from scipy.special import ndtr, ndtri

    point = sums.value()
    below = ((draws < point).sum() + (draws == point).sum() / 2) / len(draws)
    bias = ndtri(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    left = (sums.over.sum() - sums.over) / (sums.under.sum() - sums.under)
    lean = left.mean() - left
    spread = (lean**2).sum() ** 1.5
    skew = (lean**3).sum() / (6 * spread) if spread > 0 else 0.0
    shifted = bias + ndtri(tails)
    return np.asarray(ndtr(bias + shifted / (1 - skew * shifted)), dtype=np.float64)


def wilson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share of independent units.

    Raises:
        ValueError: not 0 <= hits <= n with n >= 1.
    """
    from scipy.special import ndtri

    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} hits of {n}: hits must lie between 0 and n, and n be at least 1")
    z = float(ndtri((1 + level) / 2))
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * (hits * (n - hits) / n + z * z / 4) ** 0.5
    return max(centre - half, 0.0), min(centre + half, 1.0)


def sign_flip(differences: ArrayLike, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p of paired differences: how often random signs give a mean as far from 0.

    All sign changes are tried for up to 20 pairs; else `resamples` are drawn and the observed one is counted too.

    Raises:
        ValueError: there is no pair, or a difference is not finite.
    """
    values = unit_sums(differences).over
    observed, exact = abs(values.sum()), len(values) <= EXACT_PAIRS
    far, tried = (0, 0) if exact else (1, 1)
    for sides in swaps(len(values), resamples, seed, exact):
        far += int((np.abs(sides @ (2 * values) - values.sum()) >= observed - _TIE).sum())
        tried += len(sides)
    return far / tried


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> tuple[int, int, float]:
    """Exact test of two systems that are right or wrong on the same units.

    Returns:
        Units that only the first has right, units that only the second has right, and the two-sided p.

    Raises:
        ValueError: the lengths differ.
    """
    from scipy.special import bdtr

    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape:
        raise ValueError(f"{first.shape} and {second.shape} units: compare the same units")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    fewer, both = min(only_first, only_second), only_first + only_second
    return only_first, only_second, min(1.0, 2 * float(bdtr(fewer, both, 0.5))) if both else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values of several comparisons by Holm's step-down rule, in the order given."""
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(p) for p in adjusted]
