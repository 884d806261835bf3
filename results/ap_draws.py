"""Average precision of many draws of images: detections are ranked once, and every draw weighs them anew.

A detection counts as often as its image was drawn, so the curves of all draws are cumulative sums along one order.
Precision is read at the true positives alone: its envelope, and the recall levels, change nowhere else. This equals
pycocotools on an annotation file that repeats images, but for detections of one image and one category with the very
same score, whose copies stay together here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from metrics import ap_rows, detection, keypoints, lvis, match_rows
from metrics.base import Metric, Row
from metrics.coco_eval import RECALLS, Figure
from metrics.matching import IOU_THRESHOLDS, TRUE_POSITIVE, Bools, Ints, Matches
from metrics.stats import Picks
from results.resampling import Floats, Scores, count

Place = tuple[str, int]
"""Area range and detection limit."""
_CELLS = 1 << 22
_SLACK = 1e-6
_AP50 = {"ap50": detection.wanted(detection.RULES.max_dets)["ap50"]}
_FIGURES: Mapping[str, Mapping[str, Figure]] = {
    "bbox": detection.wanted(detection.RULES.max_dets),
    "segm": detection.wanted(detection.RULES.max_dets),
    "lvis": {**lvis.WANTED, **lvis.RECALL},
    "lvis_bbox": {**lvis.WANTED, **lvis.RECALL},
    "keypoints": keypoints.WANTED,
    "gcg": _AP50,
    "gcg_bert": _AP50,
}


@dataclass(frozen=True)
class Precision:
    """AP and AR of U units; see `results.resampling.Statistic`.

    Attributes:
        units: number of units.
        categories: number of categories K.
        areas: names of the area ranges A.
        figures: key -> what is read, and the categories that it is a mean over (None for all).
        owner: int [D], unit of each detection; all of these by category, then by descending score.
        category, rank: int [D].
        outcome: int8 [T, A, D].
        truth_owner, truth_category: int [G], of each object.
        counted: bool [G, A].
    """

    units: int
    categories: int
    areas: Sequence[str]
    figures: Mapping[str, tuple[Figure, Ints | None]]
    owner: Ints
    category: Ints
    rank: Ints
    outcome: np.ndarray
    truth_owner: Ints
    truth_category: Ints
    counted: Bools

    @property
    def scored(self) -> Sequence[str]:
        """See `Statistic`."""
        return list(self.figures)

    @property
    def is_cheap(self) -> bool:
        """See `Statistic`."""
        return False

    def part(self, first: int, end: int) -> "Precision":
        """See `Statistic`."""
        found = (self.owner >= first) & (self.owner < end)
        true = (self.truth_owner >= first) & (self.truth_owner < end)
        return replace(
            self, units=end - first, owner=self.owner[found] - first, category=self.category[found],
            rank=self.rank[found], outcome=self.outcome[:, :, found], truth_owner=self.truth_owner[true] - first,
            truth_category=self.truth_category[true], counted=self.counted[true],
        )  # fmt: skip

    def only(self, keys: Sequence[str]) -> "Precision":
        """See `Statistic`."""
        return replace(self, figures={key: self.figures[key] for key in keys})

    def resampled(self, picks: Picks) -> Scores:
        """See `Statistic`."""
        return self.weighted(count(picks, self.units))

    def weighted(self, weights: Floats) -> Scores:
        """See `Statistic`."""
        at_once = max(1, _CELLS // max(len(self.owner), 1))
        parts = [self._chunk(weights[start : start + at_once]) for start in range(0, len(weights), at_once)]
        return {key: np.concatenate([part[key] for part in parts]) for key in self.figures}

    def _chunk(self, weights: Floats) -> Scores:
        positives = {area: self._positives(weights, number) for number, area in enumerate(self.areas)}
        wanted = {(figure.average, figure.area, figure.max_dets) for figure, _ in self.figures.values()}
        values = {
            (average, area, limit): self._values(weights, positives[area], (area, limit), average == "precision")
            for average, area, limit in sorted(wanted)
        }
        scores = {}
        for key, (figure, chosen) in self.figures.items():
            every = slice(None) if figure.threshold is None else np.flatnonzero(figure.threshold == IOU_THRESHOLDS)
            mean = values[figure.average, figure.area, figure.max_dets][:, every].mean(axis=1)  # [B, K]
            defined = positives[figure.area] > 0
            if chosen is not None:
                mean, defined = mean[:, chosen], defined[:, chosen]
            with np.errstate(invalid="ignore"):
                scores[key] = np.where(defined, mean, 0.0).sum(axis=1) / defined.sum(axis=1)
        return scores

    def _positives(self, weights: Floats, area: int) -> Floats:
        """Objects that count in an area range: float64 [B, K]."""
        from scipy.sparse import csr_array

        mine = self.counted[:, area]
        where = (self.truth_category[mine], self.truth_owner[mine])
        table = csr_array((np.ones(int(mine.sum())), where), shape=(self.categories, self.units))
        return np.asarray((table @ weights.T).T, dtype=np.float64)

    def _values(self, weights: Floats, positives: Floats, place: Place, as_precision: bool) -> Floats:
        """AP, or the highest recall, of every draw, threshold and category: float64 [B, T, K]."""
        values = np.zeros((len(weights), len(IOU_THRESHOLDS), self.categories))
        area, limit = list(self.areas).index(place[0]), place[1]
        bounds = np.searchsorted(self.category, np.arange(self.categories + 1))
        for k in np.flatnonzero(positives.any(axis=0)).tolist():
            mine = np.arange(bounds[k], bounds[k + 1])
            mine = mine[self.rank[mine] < limit]
            outcome, whole = self.outcome[:, area, mine], np.maximum(positives[:, k], 1)
            read = _precisions if as_precision else _recalls
            for t, value in enumerate(read(outcome, self.owner[mine], weights, whole)):
                values[:, t, k] = value
        return values


def precision_of(metric: Metric, rows: Sequence[Row], place: np.ndarray, units: int) -> Precision | None:
    """Build the statistic of a metric over `metrics.ap_rows` or `metrics.match_rows`; None for any other.

    Args:
        metric: whose rows they are.
        rows: one per sample.
        place: int [N], unit of each row.
        units: number of units.
    """
    wanted = _FIGURES.get(metric.name)
    if wanted is None or not all("counted" in row for row in rows):
        return None
    areas, joined, order = _join(metric, rows)
    owners = place[order]
    owner = np.repeat(owners, [len(rows[number]["score"]) for number in order])
    ranked = np.lexsort((-joined.score, joined.category))
    figures: dict[str, tuple[Figure, Ints | None]] = {key: (figure, None) for key, figure in wanted.items()}
    return Precision(
        units=units,
        categories=ap_rows.categories_of(joined),
        areas=areas,
        figures=figures | _by_frequency(metric, rows),
        owner=owner[ranked],
        category=joined.category[ranked],
        rank=joined.rank[ranked],
        outcome=np.ascontiguousarray(np.moveaxis(joined.outcome[ranked], 0, 2)),
        truth_owner=np.repeat(owners, [len(rows[number]["counted"]) for number in order]),
        truth_category=joined.truth_category,
        counted=joined.counted,
    )


def _join(metric: Metric, rows: Sequence[Row]) -> tuple[list[str], Matches, list[int]]:
    """Area ranges, the matches of all rows, and the order of rows that these are in."""
    if metric.name == "keypoints":
        areas = list(keypoints.RULES.areas)
        order = sorted(range(len(rows)), key=lambda number: (rows[number]["image"], rows[number]["place"]))
        return areas, match_rows.from_rows(rows, len(areas)), order
    areas = list(detection.AREAS)
    return areas, ap_rows.from_rows(rows, len(areas)), sorted(range(len(rows)), key=lambda n: int(rows[n]["image"]))


def _by_frequency(metric: Metric, rows: Sequence[Row]) -> dict[str, tuple[Figure, Ints | None]]:
    """AP of rare, common and frequent categories of LVIS."""
    if not metric.name.startswith("lvis"):
        return {}
    often = {c: f for row in rows for c, f in zip(row["true_category"], row["true_frequency"], strict=True)}
    return {
        key: (lvis.WANTED["ap"], np.array(sorted(c for c in often if often[c] == number), dtype=np.int64))
        for number, key in enumerate(lvis.FREQUENCIES.values())
    }


Read = Callable[[np.ndarray, Ints, Floats, Floats], Iterator[Floats]]


def _recalls(outcome: np.ndarray, owner: Ints, weights: Floats, positives: Floats) -> Iterator[Floats]:
    """Highest recall at each threshold: T times float64 [B]."""
    for found in outcome == TRUE_POSITIVE:
        yield weights[:, owner[found]].sum(axis=1) / positives


def _precisions(outcome: np.ndarray, owner: Ints, weights: Floats, positives: Floats) -> Iterator[Floats]:
    """Mean precision over the recall levels at each threshold: T times float64 [B].

    Args:
        outcome: int8 [T, n], detections of one category in one area range, best first.
        owner: int [n], their units.
        weights: float64 [B, U].
        positives: float64 [B], objects to find, at least 1.
    """
    last, value = np.zeros(0, dtype=np.int8), np.zeros(len(weights))
    judged, seen, totals = np.zeros(0, dtype=bool), np.zeros((0, 0)), np.zeros((0, 0))
    for row in outcome:
        if not np.array_equal(row, last):
            if not np.array_equal(row >= 0, judged):
                judged = row >= 0
                seen = weights[:, owner[judged]]
                totals = np.cumsum(seen, axis=1)
            right = np.flatnonzero(row[judged] == TRUE_POSITIVE)
            value = _mean_precision(seen[:, right], totals[:, right], positives)
            last = row
        yield value


def _mean_precision(right: Floats, totals: Floats, positives: Floats) -> Floats:
    """Interpolated precision, mean over 101 recall levels: float64 [B].

    Args:
        right: float64 [B, n], how often each true positive counts, best first.
        totals: float64 [B, n], detections up to and with it.
        positives: float64 [B].
    """
    if not right.shape[1]:
        return np.zeros(len(right))
    hits = np.cumsum(right, axis=1)
    envelope = hits / (totals + np.spacing(1))
    np.maximum.accumulate(envelope[:, ::-1], axis=1, out=envelope[:, ::-1])
    recall = hits / positives[:, None]
    level = np.minimum(recall * (len(RECALLS) - 1) + _SLACK, len(RECALLS) - 1).astype(np.int64)
    reached = level + (RECALLS[level] <= recall)  # levels up to this detection: a search, but for the last one only
    gained = np.diff(reached, axis=1, prepend=0)
    return np.asarray((envelope * gained).sum(axis=1) / len(RECALLS), dtype=np.float64)
