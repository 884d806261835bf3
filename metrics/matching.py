"""Greedy matching of scored detections to annotated objects by the rules of COCO, for many images at once.

A detection takes the free object with the highest overlap that reaches the threshold; on equal overlap the later object
wins; objects that count come before ignored ones; a crowd may be taken again and again. Detections are visited by
descending score, ties in file order. All thresholds, area ranges and (image, category) cells advance together, one rank
per step, so the number of Python steps is the largest number of detections in a cell and not the number of images.
Rules: pycocotools 2.0.11, `cocoeval.COCOeval.evaluateImg`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

IOU_THRESHOLDS: Floats = np.linspace(0.5, 0.95, 10)
"""The ten thresholds of COCO; linspace and not arange, whose values lie a rounding error higher."""

FLOORS: Floats = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)
"""Overlap that a match must reach."""

TRUE_POSITIVE, FALSE_POSITIVE, IGNORED = 1, 0, -1
PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Truth:
    """Annotated objects of any number of images, flat.

    Attributes:
        image: int [G], index of the object's image.
        category: int [G], index of its category.
        area: float [G], the annotated area in square pixels.
        ignored: bool [G], True where it counts for neither side whatever its size (a crowd, no labelled joint).
        crowd: bool [G], True where it may be matched any number of times.
        nameless: bool [G], True where a match does not register (annotation id 0, see `metrics.coco_files`).
    """

    image: Ints
    category: Ints
    area: Floats
    ignored: Bools
    crowd: Bools
    nameless: Bools


@dataclass(frozen=True)
class Detections:
    """Predicted objects of any number of images, flat, in file order.

    Attributes:
        image: int [D], index of the image.
        category: int [D], index of the category.
        score: float [D], confidence; only its order matters.
        area: float [D], in square pixels.
        unusable: bool [D], True where it matches nothing and is never ignored: a malformed answer.
        lenient: bool [D], True where it is ignored when it matches nothing (LVIS: not exhaustively annotated).
    """

    image: Ints
    category: Ints
    score: Floats
    area: Floats
    unusable: Bools
    lenient: Bools


@dataclass(frozen=True)
class Pairs:
    """Every (detection, object) pair of some cells; the pairs of a cell are one dense block, detections outermost.

    Attributes:
        detection: int [P], index into the detections.
        truth: int [P], index into the truth.
        starts: int [C + 1], where the block of each cell begins, and P.
        objects: int [C], number of annotated objects of each cell.
    """

    detection: Ints
    truth: Ints
    starts: Ints
    objects: Ints


@dataclass(frozen=True)
class Matches:
    """What matching found: sufficient statistics of AP for one image or for many.

    Attributes:
        image: int [D], index of the image of each kept detection, ascending.
        category: int [D].
        score: float [D].
        rank: int [D], place among the detections of the same image and category, from 0.
        outcome: int8 [D, T, A], 1 true positive, 0 false positive, -1 ignored, per threshold and area range.
        truth_image: int [G].
        truth_category: int [G].
        counted: bool [G, A], True where the object is in the denominator of recall.
    """

    image: Ints
    category: Ints
    score: Floats
    rank: Ints
    outcome: npt.NDArray[np.int8]
    truth_image: Ints
    truth_category: Ints
    counted: Bools

    def per_image(self, images: int) -> list["Matches"]:
        """Split into one `Matches` per image, for resampling; images without any object or detection are empty."""
        found = np.searchsorted(self.image, np.arange(images + 1))
        order = np.argsort(self.truth_image, kind="stable")
        true = np.searchsorted(self.truth_image[order], np.arange(images + 1))
        return [
            Matches(
                *(getattr(self, f)[found[i] : found[i + 1]] for f in ("image", "category", "score", "rank", "outcome")),
                *(getattr(self, f)[order[true[i] : true[i + 1]]] for f in ("truth_image", "truth_category", "counted")),
            )
            for i in range(images)
        ]


def join(rows: Sequence[Matches]) -> Matches:
    """Concatenate rows of images into one `Matches`; an image drawn twice counts twice.

    Raises:
        ValueError: there are no rows.
    """
    return Matches(*(np.concatenate([getattr(row, f.name) for row in rows]) for f in fields(Matches)))


Overlap = Callable[[Pairs], Floats]
"""Pairs -> overlap of each pair in [0, 1]."""


def match(truth: Truth, found: Detections, areas: Floats, limit: int, overlap: Overlap) -> Matches:
    """Match the detections of all images to the truth.

    Args:
        truth: the annotated objects.
        found: the detections, in file order.
        areas: float [A, 2], lowest and highest area of each range, both inclusive.
        limit: detections kept per image and category, best scores first.
        overlap: overlap of pairs: box IoU, mask IoU or OKS.
    """
    stride = 1 + int(max(truth.category.max(initial=0), found.category.max(initial=0)))
    cell, order, rank = ranked(found.image * stride + found.category, found.score, limit)
    ignored = truth.ignored[:, None] | _outside(truth.area, areas)
    hit = np.zeros((len(order), len(IOU_THRESHOLDS), len(areas)), dtype=bool)
    excused = np.zeros_like(hit)
    taken = np.zeros((len(truth.area), *hit.shape[1:]), dtype=bool)
    place = np.zeros(len(found.score), dtype=np.int64)
    place[order] = np.arange(len(order))
    for pairs in _blocks(cell, order, truth.image * stride + truth.category):
        value = overlap(pairs)
        usable = (value >= FLOORS[0]) & ~found.unusable[pairs.detection]
        candidates = _Candidates(place[pairs.detection[usable]], pairs.truth[usable], value[usable])
        _assign(candidates, rank, truth, ignored, taken, (hit, excused))
    outside = (_outside(found.area, areas) | found.lenient[:, None]) & ~found.unusable[:, None]
    excused |= ~hit & outside[order][:, None, :]
    outcome = np.where(excused, IGNORED, np.where(hit, TRUE_POSITIVE, FALSE_POSITIVE)).astype(np.int8)
    image, category, score = found.image[order], found.category[order], found.score[order]
    return Matches(image, category, score, rank, outcome, truth.image, truth.category, ~ignored)


@dataclass(frozen=True)
class _Candidates:
    """Pairs whose overlap reaches the lowest threshold: place of the detection, index of the object, overlap."""

    place: Ints
    truth: Ints
    value: Floats


def _outside(area: Floats, areas: Floats) -> Bools:
    """Tell which areas [N] lie outside each inclusive range: bool [N, A]."""
    return (area[:, None] < areas[:, 0]) | (area[:, None] > areas[:, 1])


def ranked(cell: Ints, score: Floats, limit: int) -> tuple[Ints, Ints, Ints]:
    """Sort detections by cell, then by descending score with ties in file order, and keep the best of each cell.

    Returns:
        Cell, index into the detections, and rank in the cell of every kept detection.
    """
    order = np.lexsort((-score, cell))
    ordered = cell[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    kept = rank < limit
    return ordered[kept], order[kept], rank[kept]


def _blocks(cell: Ints, order: Ints, truth_cell: Ints) -> Iterator[Pairs]:
    """Yield the pairs of all cells that have both sides, about `PAIRS_AT_ONCE` at a time, never splitting a cell."""
    true_order = np.argsort(truth_cell, kind="stable")
    sorted_cell = truth_cell[true_order]
    first = np.searchsorted(sorted_cell, cell, side="left")
    objects = np.searchsorted(sorted_cell, cell, side="right") - first
    both = objects > 0
    cell, order, first, objects = cell[both], order[both], first[both], objects[both]
    heads = np.flatnonzero(np.diff(cell, prepend=-1))
    before = np.concatenate(([0], np.cumsum(objects)))
    block = before[heads] // PAIRS_AT_ONCE
    cuts = np.flatnonzero(np.diff(block, prepend=-1, append=-1))
    bounds = np.append(heads, len(cell))
    for low, high in pairwise(cuts.tolist()):
        rows = slice(bounds[low], bounds[high])
        counts = objects[rows]
        pair_starts = before[rows] - before[bounds[low]]
        total = int(counts.sum())
        inner = np.arange(total) - np.repeat(pair_starts, counts)
        yield Pairs(
            detection=np.repeat(order[rows], counts),
            truth=true_order[np.repeat(first[rows], counts) + inner],
            starts=np.append(before[heads[low:high]] - before[bounds[low]], total),
            objects=objects[heads[low:high]],
        )


def _assign(
    pairs: _Candidates, rank: Ints, truth: Truth, ignored: Bools, taken: Bools, result: tuple[Bools, Bools]
) -> None:
    """Give every detection its object, rank by rank, writing to `taken` [G, T, A] and both results [D, T, A]."""
    hit, excused = result
    # Inside a detection the pairs ascend by (overlap, position), so the last that is free is the one to take.
    order = np.lexsort((pairs.truth, pairs.value, pairs.place, rank[pairs.place]))
    place, target, value = pairs.place[order], pairs.truth[order], pairs.value[order]
    steps = np.flatnonzero(np.diff(rank[place], prepend=-1))
    for low, high in pairwise(np.append(steps, len(place)).tolist()):
        objects = target[low:high]
        free = (~taken[objects] | truth.crowd[objects, None, None]) & (value[low:high, None] >= FLOORS)[:, :, None]
        starts = np.flatnonzero(np.diff(place[low:high], prepend=-1))
        count = high - low
        preferred = np.where(ignored[objects], 0, count)[:, None, :]
        codes = np.where(free, np.arange(1, count + 1)[:, None, None] + preferred, 0)
        best = np.maximum.reduceat(codes, starts, axis=0)
        which, threshold, area = np.nonzero(best)
        chosen = objects[(best[which, threshold, area] - 1) % count]
        taken[chosen, threshold, area] = True
        detection = place[low + starts[which]]
        hit[detection, threshold, area] = ~truth.nameless[chosen]
        excused[detection, threshold, area] = ignored[chosen, area]
