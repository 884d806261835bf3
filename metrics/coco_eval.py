"""Precision and recall curves over matched detections, and the figures COCO reads from them.

Source: pycocotools 2.0.11, `COCOeval.accumulate` and `summarize`. -1 marks what has no annotated object inside these
arrays; figures are the mean over everything else and None where nothing is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.matching import FALSE_POSITIVE, IOU_THRESHOLDS, TRUE_POSITIVE, Floats, Ints, Matches

RECALLS: Floats = np.linspace(0.0, 1.0, 101)
"""Recall levels at which precision is read."""

ALL, SMALL, MEDIUM, LARGE = (0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10)


@dataclass(frozen=True)
class Rules:
    """What may differ between the families.

    Attributes:
        areas: name -> lowest and highest area in square pixels, both inclusive; an area on a limit is in both ranges.
        max_dets: detections per image and category, ascending; the last one is the limit of matching.
    """

    areas: Mapping[str, tuple[float, float]]
    max_dets: tuple[int, ...]

    def ranges(self) -> Floats:
        """Return the area ranges as float [A, 2]."""
        return np.array(list(self.areas.values()))


@dataclass(frozen=True)
class Curves:
    """Results over T thresholds, R recall levels, K categories, A area ranges and M detection limits.

    Attributes:
        rules: the ranges and limits behind the axes A and M.
        precision: float [T, R, K, A, M].
        recall: float [T, K, A, M], the highest recall reached.
        scores: float [T, R, K, A, M], score of the detection at which each recall level is reached.
    """

    rules: Rules
    precision: Floats
    recall: Floats
    scores: Floats


@dataclass(frozen=True)
class Figure:
    """One number of a summary: AP when `average` is "precision", AR when it is "recall".

    Attributes:
        average: "precision" or "recall".
        threshold: one IoU threshold, or None for the mean over all.
        area: name of the area range.
        max_dets: detection limit; a limit that the rules lack makes the figure undefined.
    """

    average: str
    threshold: float | None
    area: str
    max_dets: int

    def of(self, curves: Curves, categories: Ints | slice = slice(None)) -> float | None:
        """Read the figure, over all categories or some: a fraction, or None where no object counts."""
        values = getattr(curves, self.average)
        if self.threshold is not None:
            values = values[np.flatnonzero(self.threshold == IOU_THRESHOLDS)]
        area = list(curves.rules.areas).index(self.area)
        limits = [m for m, limit in enumerate(curves.rules.max_dets) if limit == self.max_dets]
        values = values[..., categories, area, :][..., limits]
        defined = values[values > -1]
        return float(np.mean(defined)) if len(defined) else None


def accumulate(matches: Matches, rules: Rules, categories: int) -> Curves:
    """Turn matches into precision and recall curves of every category.

    Args:
        matches: of all images, in image order: equal scores keep that order.
        rules: the area ranges and limits that the matches were made with.
        categories: number of categories K.
    """
    shape = (len(IOU_THRESHOLDS), len(RECALLS), categories, len(rules.areas), len(rules.max_dets))
    precision, scores = -np.ones(shape), -np.ones(shape)
    recall = -np.ones((shape[0], *shape[2:]))
    order = np.lexsort((-matches.score, matches.category))
    category, rank, score = matches.category[order], matches.rank[order], matches.score[order]
    outcome = np.ascontiguousarray(np.moveaxis(matches.outcome[order], 0, 2))
    bounds = np.searchsorted(category, np.arange(categories + 1))
    positives = np.stack(
        [np.bincount(matches.truth_category[counted], minlength=categories) for counted in matches.counted.T], axis=1
    )
    for k in np.flatnonzero(positives.any(axis=1)).tolist():
        mine = slice(bounds[k], bounds[k + 1])
        for m, limit in enumerate(rules.max_dets):
            kept = np.flatnonzero(rank[mine] < limit) + bounds[k]
            curve = _curve(outcome[:, :, kept], score[kept], positives[k])
            precision[:, :, k, :, m], recall[:, k, :, m], scores[:, :, k, :, m] = curve
    return Curves(rules, precision, recall, scores)


def _curve(outcome: np.ndarray, score: Floats, positives: Ints) -> tuple[Floats, Floats, Floats]:
    """Compute the curves of one category.

    Args:
        outcome: int8 [T, A, N], detections by descending score.
        score: float [N].
        positives: int [A], number of objects that count.

    Returns:
        Precision [T, R, A], recall [T, A] and score [T, R, A]; -1 where nothing counts.
    """
    thresholds, areas, count = outcome.shape
    right = np.cumsum(outcome == TRUE_POSITIVE, axis=2)
    wrong = np.cumsum(outcome == FALSE_POSITIVE, axis=2)
    envelope = right / (wrong + right + np.spacing(1))
    np.maximum.accumulate(envelope[:, :, ::-1], axis=2, out=envelope[:, :, ::-1])
    recall = np.zeros((thresholds, areas))
    if count:
        recall = right[:, :, -1] / np.maximum(positives, 1)
    # The first detection with enough hits for each level, of all rows in one search: counts are exact, and row
    # numbers far apart keep the rows from mixing.
    needed = np.stack([np.searchsorted(np.arange(p + 1) / max(p, 1), RECALLS) for p in positives])
    row = np.arange(thresholds * areas) * (count + int(positives.max()) + 1)
    keys = row[:, None] + np.tile(needed, (thresholds, 1))
    found = np.searchsorted((right.reshape(len(row), count) + row[:, None]).ravel(), keys)
    found -= np.arange(len(row))[:, None] * count
    envelope = np.concatenate((envelope.reshape(len(row), count), np.zeros((len(row), 1))), axis=1)
    precision = np.take_along_axis(envelope, found, axis=1).reshape(thresholds, areas, -1)
    scores = np.append(score, 0.0)[found].reshape(thresholds, areas, -1)
    absent = positives == 0
    precision[:, absent], recall[:, absent], scores[:, absent] = -1, -1, -1
    return np.moveaxis(precision, 2, 1), recall, np.moveaxis(scores, 2, 1)


def figures(wanted: Mapping[str, Figure], curves: Curves) -> dict[str, float | None]:
    """Read every wanted figure over all categories."""
    return {key: figure.of(curves) for key, figure in wanted.items()}


def per_class(wanted: Mapping[str, Figure], curves: Curves, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Read every wanted figure for each category: name -> {key: value}."""
    return {
        name: {key: figure.of(curves, np.array([k])) for key, figure in wanted.items()} for k, name in enumerate(names)
    }
