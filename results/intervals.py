"""95 % intervals by a cluster bootstrap: images are drawn, since the questions about one image are not independent.

Percentile method (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13): draw as many images as
there are, with replacement, take every score again, 1,000 times; the interval runs from the 2.5th to the 97.5th
percentile. CIDEr-D keeps the document frequencies of the whole set. A share of images that are right, one question
each, has Wilson's interval instead, which says something even where all of them are.
"""

import re
from collections.abc import Sequence

import numpy as np

from metrics.base import Metric, Row
from metrics.stats import percentile, picks, wilson
from results.resampling import Again, Scores, Statistic, Sums
from results.statistics import Places, statistics

RESAMPLES = 1_000
AGAIN_ROWS = 2_000_000
"""A score without sums is aggregated again from at most so many rows in all, with fewer draws where need be."""
_FEWEST = 100
_SHARE = re.compile(r"(acc|p|pck|pckh)@[\d.]+|accuracy|coverage|parse_rate|plan_agreement")
_DIGITS = 6


def intervals(
    metric: Metric, rows: Sequence[Row], clusters: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Interval of every key.

    A key is left out where it is undefined for all rows or for those of a draw, and where taking it again takes too
    long; all are where there are fewer than two clusters.

    Args:
        metric: whose rows they are.
        rows: one per sample.
        clusters: the image of each row.
        resamples: number of draws.
        seed: of the draws.

    Returns:
        key -> (low, high), rounded to 6 digits so that the order of summation cannot show.
    """
    units, place = placed(clusters)
    if units < 2:
        return {}
    found = statistics(metric, [rows], [place], units)
    ends = {key: percentile(values) for key, values in resampled(found, units, resamples, seed).items()}
    if units == len(rows):
        ends |= {key: wilson(*pair) for each in found for key, pair in _shares(metric, each).items() if key in ends}
    rounded = {key: (round(low, _DIGITS), round(high, _DIGITS)) for key, (low, high) in ends.items()}
    return {key: rounded[key] for key in metric.aggregate(rows) if key in rounded and np.isfinite(rounded[key]).all()}


def placed(clusters: Sequence[str]) -> tuple[int, Places]:
    """Number the images in the order of their names: how many there are, and int [N], which one each row is of."""
    names, place = np.unique(np.array(clusters, dtype=str), return_inverse=True)
    return len(names), place


def resampled(found: Sequence[Statistic], units: int, resamples: int, seed: int) -> Scores:
    """Scores of draws: key -> float64 [resamples], or fewer for a key that is slow to take again, or none of it."""
    limits = [_affordable(each, resamples) for each in found]
    scores: Scores = {}
    for limit in sorted(set(limits) - {0}):
        mine = [each for each, own in zip(found, limits, strict=True) if own == limit]
        drawn = [each.resampled(chosen) for chosen in picks(units, limit, seed) for each in mine]
        keys = [key for each in mine for key in each.scored]
        scores |= {key: np.concatenate([part[key] for part in drawn if key in part]) for key in keys}
    return scores


def is_share(metric: Metric, key: str) -> bool:
    """Whether a score counts samples that are right or wrong, by its name: values of 0 and 1 alone do not tell."""
    return metric.kind != "vqa" and _SHARE.fullmatch(key) is not None


def _shares(metric: Metric, found: Statistic) -> dict[str, tuple[int, int]]:
    """Keys that are shares of images which are right or wrong: key -> (right, all)."""
    if not isinstance(found, Sums):
        return {}
    columns = dict(zip(found.names, found.columns.T, strict=True))
    return {
        key: (int(columns[f"{key}/over"].sum()), len(found.columns))
        for key in found.keys
        if is_share(metric, key)
        and f"{key}/over" in columns
        and np.isin(columns[f"{key}/over"], (0, 1)).all()
        and (columns[f"{key}/under"] == 1).all()
    }


def _affordable(found: Statistic, resamples: int) -> int:
    """Number of draws that a statistic is asked for."""
    if not isinstance(found, Again):
        return resamples
    limit = min(resamples, AGAIN_ROWS // max(sum(map(len, found.rows)), 1))
    return limit if limit >= min(_FEWEST, resamples) else 0
