"""Finds for every score of a metric the quickest way to take it again for many draws of images, and proves it right."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.base import Metric, Row
from results.ap_draws import precision_of
from results.fractions import fractions, of_nothing
from results.resampling import Again, Scores, Statistic, Sums
from results.sums import grouped, sums_of

_SAME = 1e-9
Places = NDArray[np.intp]


def statistics(metric: Metric, sides: Sequence[Sequence[Row]], places: Sequence[Places], units: int) -> list[Statistic]:
    """Build the statistics of one run, or of several over the same images.

    A way to compute a score is taken only where it gives, for each run alone, what `metric.aggregate` says. Scores
    without any such way are aggregated again for every draw.

    Args:
        metric: whose rows they are.
        sides: the rows of each run.
        places: for each run int [N], image of each row, in [0, units).
        units: number of images U.

    Returns:
        Statistics over `len(sides) * units` units, the images of the first run first; each holds other keys. Keys that
        are undefined for a run are left out.
    """
    whole = [metric.aggregate(rows) for rows in sides]
    left = [key for key in whole[0] if all(math.isfinite(each.get(key, math.nan)) for each in whole)]
    rows = [row for side in sides for row in side]
    place = np.concatenate([own + number * units for number, own in enumerate(places)])
    total, found = len(sides) * units, list[Statistic]()
    for candidate in _candidates(metric, rows, place, total):
        parts = [candidate.part(number * units, (number + 1) * units) for number in range(len(sides))]
        own = [part.weighted(np.ones((1, units))) for part in parts]
        keys = [key for key in left if all(_agrees(key, one, each) for one, each in zip(own, whole, strict=True))]
        if keys:
            found.append(candidate.only(keys))
            left = [key for key in left if key not in keys]
    if left:
        by_unit: list[list[Row]] = [[] for _ in range(total)]
        for unit, row in zip(place.tolist(), rows, strict=True):
            by_unit[unit].append(row)
        found.append(Again(metric, by_unit, left))
    return found


def _candidates(metric: Metric, rows: Sequence[Row], place: Places, units: int) -> list[Statistic]:
    ranked = precision_of(metric, rows, place, units)
    means = means_of(metric, rows, place, units) if metric.additive else None
    return [*sums_of(metric, rows, place, units), *(each for each in (ranked, means) if each is not None)]


def means_of(metric: Metric, rows: Sequence[Row], place: Places, units: int) -> Sums | None:
    """Build the sums of all means and plain ratios; None where there are none. Columns are `key/over`, `key/under`."""
    parts = fractions(metric, rows)
    if not parts:
        return None
    empty = {key: of_nothing(metric, rows, key, under) for key, (_, under) in parts.items()}
    columns = {
        f"{key}/{name}": column
        for key, pair in parts.items()
        for name, column in zip(("over", "under"), pair, strict=True)
    }

    def formula(totals: Mapping[str, NDArray[np.float64]]) -> Scores:
        return {
            key: np.where(totals[f"{key}/under"] > 0, totals[f"{key}/over"] / totals[f"{key}/under"], empty[key])
            for key in parts
        }

    return grouped(columns, place, units, formula)


def _agrees(key: str, scores: Scores, whole: Mapping[str, float]) -> bool:
    return key in scores and math.isclose(float(scores[key][0]), whole[key], rel_tol=_SAME, abs_tol=_SAME)
