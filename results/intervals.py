"""95 % intervals by a cluster bootstrap: images are drawn, since the questions about one image are not independent.

Percentile method (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13): draw as many images as
there are, with replacement, aggregate again, 1,000 times; the interval runs from the 2.5th to the 97.5th percentile.
Scores here are means over samples or ratios of sums, so a draw is a weighted sum of per-image sums, not a new pass.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import depth, vipbench
from metrics.base import Metric, Row

Weights = Mapping[str, float]
_OF_ELIGIBLE = {"eligible": 1.0}
"""Depth: images whose truth cannot be scored count nowhere, unanswered ones in the penalised keys only."""
RATIOS: Mapping[str, Mapping[str, tuple[Weights, Weights]]] = {
    "res": {"ciou": ({"inter": 1}, {"union": 1})},
    "res_lisa": {"ciou": ({"inter": 1}, {"union": 1})},
    "gcg": {"recall": ({"hits": 1}, {"objects": 1})},
    "gcg_bert": {"recall": ({"hits": 1}, {"objects": 1})},
    "pope": {
        "precision": ({"tp": 1}, {"tp": 1, "fp": 1}),
        "recall": ({"tp": 1}, {"tp": 1, "fn": 1}),
        "f1": ({"tp": 2}, {"tp": 2, "fp": 1, "fn": 1}),
    },
    "depth": {
        **{key: ({key: 1}, {"answered": 1}) for key in (*depth.ERRORS, *depth.DELTAS)},
        **{f"{key}_penalised": ({key: 1}, _OF_ELIGIBLE) for key in depth.DELTAS},
        "abs_rel_penalised": ({"abs_rel": 1, "eligible": 1, "answered": -1}, _OF_ELIGIBLE),
        "coverage": ({"answered": 1}, _OF_ELIGIBLE),
    },
    "vipbench": {f"overlap_{name}": ({f"score_{name}": 1}, {f"of_{name}": 1}) for name in vipbench.CAPABILITIES},
    "nocaps": {f"cider_{domain}": ({f"cider_{domain}": 1}, {f"of_{domain}": 1}) for domain in ("in", "near", "out")},
}
"""Metric -> key -> weighted columns of its rows whose sums are divided. Other keys are tried as means over samples."""

RESAMPLES = 1_000
LEVEL = 0.95
_CHUNK = 100
_DIGITS = 6
_SAME = 1e-9


def intervals(
    metric: Metric, rows: Sequence[Row], clusters: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Interval of every key that is a mean or a known ratio.

    A key is left out where the sums do not give back `metric.aggregate(rows)` (it is neither), where it is undefined
    for all rows or for those of a draw, and everywhere when there are fewer than two clusters or the metric is neither
    a mean nor a ratio by nature.

    Args:
        metric: whose rows they are.
        rows: one per sample.
        clusters: the image of each row.
        resamples: number of draws.
        seed: of the draws.

    Returns:
        key -> (low, high), rounded to 6 digits so that the order of summation cannot show.
    """
    names, place = np.unique(np.array(clusters, dtype=str), return_inverse=True)
    if len(names) < 2 or not metric.additive:
        return {}
    parts = fractions(metric, rows)
    if not parts:
        return {}
    keys = list(parts)
    sums = np.stack([_sum_by(place, len(names), column) for key in keys for column in parts[key]], axis=1)  # [C, 2K]
    empty = np.array([_of_nothing(metric, rows, key, under) for key, (_, under) in parts.items()])
    scores = resample(sums, draw(len(names), resamples, seed), empty)
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    found = {key: (round(float(low[k]), _DIGITS), round(float(high[k]), _DIGITS)) for k, key in enumerate(keys)}
    return {key: pair for key, pair in found.items() if np.isfinite(pair).all()}


def fractions(metric: Metric, rows: Sequence[Row]) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Numerators and denominators, float64 [N] each, whose sums' ratio is the score; keys without such are left out."""
    whole = metric.aggregate(rows)
    single = [metric.aggregate([row]) for row in rows]
    ratios = RATIOS.get(metric.name, {})
    ones = np.ones(len(rows))
    parts = {}
    for key, score in whole.items():
        if any(key not in each for each in single):
            continue  # printed on occasion only, so its share of a sample is not known
        if key in ratios:
            over, under = (_weigh(rows, weights) for weights in ratios[key])
        else:
            over, under = np.array([each[key] for each in single], dtype=np.float64), ones
        if under.sum() > 0 and abs(over.sum() / under.sum() - score) <= _SAME:
            parts[key] = (over, under)
    return parts


def draw(clusters: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """How often each cluster is drawn, int64 [B, C]; every row sums to C."""
    random = np.random.default_rng(seed)
    weights = np.empty((resamples, clusters), dtype=np.int64)
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        picks = random.integers(clusters, size=(size, clusters)) + clusters * np.arange(size)[:, None]
        weights[start : start + size] = np.bincount(picks.ravel(), minlength=size * clusters).reshape(size, clusters)
    return weights


def resample(
    sums: NDArray[np.float64], weights: NDArray[np.int64], empty: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """Scores of every draw, float64 [B, K].

    Args:
        sums: float64 [C, 2K], per cluster the numerator and denominator of each key in turn.
        weights: int64 [B, C].
        empty: float64 [K], score of each key where a draw's denominator is 0.
    """
    totals = weights.astype(np.float64) @ sums
    over, under = totals[:, 0::2], totals[:, 1::2]
    return np.divide(over, under, out=np.zeros_like(over) + empty, where=under > 0)


def _of_nothing(metric: Metric, rows: Sequence[Row], key: str, under: NDArray[np.float64]) -> float:
    """What a metric says where nothing can be divided by: its score of a row that adds nothing to the denominator."""
    places = np.flatnonzero(under == 0)
    return float(metric.aggregate([rows[places[0]]])[key]) if len(places) else 0.0


def _weigh(rows: Sequence[Row], weights: Weights) -> NDArray[np.float64]:
    """Weighted sum of columns, float64 [N]; a column that a row lacks adds nothing."""
    sums = [sum(weight * row.get(name, 0) for name, weight in weights.items()) for row in rows]
    return np.array(sums, dtype=np.float64)


def _sum_by(place: NDArray[np.intp], clusters: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(place, weights=values, minlength=clusters).astype(np.float64)
