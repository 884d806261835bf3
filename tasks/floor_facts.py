"""What the floor may know: a few averages of a split that is not the one under test.

Boxes and joints are fractions of the sides of the picture or of the box, so that they fit any picture; the mask is
drawn on a grid for the same reason.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks import geometry
from benchmarks.depth_maps import DepthTarget
from benchmarks.flickr30k_entities import PhraseTarget
from benchmarks.grandf import GroundedTarget
from benchmarks.panoptic_target import PanopticTarget
from benchmarks.schema import Box, Sample, Target, TextTarget
from benchmarks.truth import MapTarget, ObjectsTarget
from metrics.coco_overlap import box_iou

ROWS = 32
"""Heights at which depth is averaged."""
GRID = 32
"""Rows and columns of the mask."""
MOST_WORDS = 3
"""How many words at the start of a question make its type."""
_LEAST_ASKED = 5
"""A start of fewer questions is too rare to tell anything."""
CENTRE: Box = (0.25, 0.25, 0.75, 0.75)
"""The central box of half the width and height."""
_LEAST_SIDE = 1e-9
_MOST_BOXES = 2000
Joints = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Facts:
    """Averages; a field is None where the samples do not tell.

    Attributes:
        text: the most frequent answer; of one sample the answer that most annotators gave.
        starts: the same for questions that begin alike, by their first one to `MOST_WORDS` words.
        box: the one of all boxes, or the central one, that has the highest mean IoU with all; xyxy fractions of width
            and height.
        category: the category that has the most objects.
        widest: the category that covers the most pixels.
        joints: mean place of every labelled joint in its person's box, x and y fractions.
        mask: of the pixels that masks cover most often, as many as give all of them together the highest cIoU, or the
            central box where that has a higher one; a string a row of `GRID`, # is the object.
        depth_m: median depth at `ROWS` heights from top to bottom, metres.
    """

    text: str | None = None
    starts: dict[str, str] = field(default_factory=dict)
    box: Box | None = None
    category: str | None = None
    widest: str | None = None
    joints: Joints | None = None
    mask: tuple[str, ...] | None = None
    depth_m: tuple[float, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


@dataclass
class _Seen:
    """What was seen so far."""

    texts: Counter[str] = field(default_factory=Counter)
    starts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    masks: list[np.ndarray] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    objects: Counter[str] = field(default_factory=Counter)
    pixels: Counter[str] = field(default_factory=Counter)
    poses: list[np.ndarray] = field(default_factory=list)
    depths: list[np.ndarray] = field(default_factory=list)


def learn(samples: Iterable[Sample]) -> Facts:
    """Average over samples; the first of equally frequent ones counts.

    Raises:
        DataError: a map cannot be read.
    """
    seen = _Seen()
    for sample in samples:
        _see(sample, seen)
    return Facts(
        text=_first(seen.texts),
        starts={
            start: said.most_common(1)[0][0] for start, said in seen.starts.items() if said.total() >= _LEAST_ASKED
        },
        box=_best_box(seen.boxes),
        category=_first(seen.objects),
        widest=_first(seen.pixels),
        joints=_mean_joints(seen.poses),
        mask=_likeliest_mask(seen.masks),
        depth_m=tuple(np.median(seen.depths, axis=0).round(4).tolist()) if seen.depths else None,
    )


def _see(sample: Sample, seen: _Seen) -> None:
    target, (height, width) = sample.target, sample.image.size_hw
    if isinstance(target, TextTarget):
        said = Counter(target.answers).most_common(1)[0][0]
        seen.texts.update([said])
        for start in starts(sample.question):
            seen.starts[start].update([said])
    elif isinstance(target, Target):
        seen.boxes += _fractions([target.box_xyxy], width, height)
        seen.masks.append(_on_grid(geometry.decode(target.mask_rle)))
    elif isinstance(target, PhraseTarget):
        seen.boxes += _fractions(target.boxes, width, height)
    elif isinstance(target, GroundedTarget):
        seen.masks += [_on_grid(geometry.decode(mask)) for mask in target.masks]
    elif isinstance(target, ObjectsTarget):
        objects = [each for each in target.objects if not each.crowd]
        names = {category.id: category.name for category in target.categories}
        seen.boxes += _fractions([each.box_xyxy for each in objects], width, height)
        seen.objects.update(names[each.category_id] for each in objects)
        seen.poses += [_within(each.keypoints, each.box_xyxy) for each in objects if any(v for *_, v in each.keypoints)]
    elif isinstance(target, PanopticTarget):
        names = {category.id: category.name for category in target.categories}
        for segment in target.segments:
            seen.pixels[names[segment.category_id]] += int(segment.area)
    elif isinstance(target, DepthTarget):
        seen.depths += _heights(target.load())
    elif isinstance(target, MapTarget) and target.categories:
        places, counts = np.unique(target.load(), return_counts=True)
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            if 0 <= place < len(target.categories):
                seen.pixels[target.categories[place].name] += count


def starts(question: str) -> list[str]:
    """How a question begins: its first words, most of them first; nothing where nothing is asked."""
    words = question.lower().replace(",", " ").replace("?", " ").split()[:MOST_WORDS]
    return [" ".join(words[:count]) for count in range(len(words), 0, -1)]


def _on_grid(mask: np.ndarray) -> np.ndarray:
    """Share of every cell of the grid that a mask covers: bool [H, W] -> float32 [GRID, GRID]."""
    height, width = mask.shape
    rows, columns = np.arange(height) * GRID // height, np.arange(width) * GRID // width
    covered, size = np.zeros((GRID, GRID), dtype=np.float32), np.zeros((GRID, GRID), dtype=np.float32)
    np.add.at(covered, (rows[:, None], columns[None]), mask)
    np.add.at(size, (rows[:, None], columns[None]), 1)
    return covered / np.maximum(size, 1)


def _likeliest_mask(masks: Sequence[np.ndarray]) -> tuple[str, ...] | None:
    """The most covered cells, as many as give the highest sum of intersections over sum of unions with all masks."""
    if not masks or not any(mask.any() for mask in masks):
        return None
    share = np.mean(masks, axis=0)
    drawn = np.zeros(share.shape, dtype=bool)
    drawn[GRID // 4 : GRID * 3 // 4, GRID // 4 : GRID * 3 // 4] = True
    centre = share[drawn].sum()
    order = np.argsort(-share, axis=None, kind="stable")
    inter = np.cumsum(share.ravel()[order])
    fit = inter / (np.arange(1, share.size + 1) + share.sum() - inter)
    if fit.max() > centre / (drawn.sum() + share.sum() - centre):
        drawn = np.isin(np.arange(share.size), order[: int(np.argmax(fit)) + 1]).reshape(share.shape)
    return tuple("".join("#" if cell else "." for cell in row) for row in drawn)


def _fractions(boxes: Sequence[Box], width: int, height: int) -> list[Box]:
    """Boxes with an area, as fractions of the sides."""
    return [(x1 / width, y1 / height, x2 / width, y2 / height) for x1, y1, x2, y2 in boxes if x2 > x1 and y2 > y1]


def _within(joints: Sequence[tuple[float, float, int]], box: Box) -> np.ndarray:
    """Joints as fractions of a box, float [K, 2], NaN where not labelled."""
    x1, y1, x2, y2 = box
    sides = (max(x2 - x1, _LEAST_SIDE), max(y2 - y1, _LEAST_SIDE))
    told = [((x - x1) / sides[0], (y - y1) / sides[1]) if seen else (np.nan, np.nan) for x, y, seen in joints]
    return np.array(told)


def _heights(depth_m: np.ndarray) -> list[np.ndarray]:
    """Median depth at `ROWS` heights, NaN where nothing was measured; nothing where all is empty."""
    known = np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.nan)
    bands = [part[np.isfinite(part)] for part in np.array_split(known, ROWS)]
    middles = np.array([np.median(part) if part.size else np.nan for part in bands])
    if np.isnan(middles).all():
        return []
    known_places = np.flatnonzero(np.isfinite(middles))
    return [np.interp(np.arange(ROWS), known_places, middles[known_places])]


def _best_box(boxes: Sequence[Box]) -> Box | None:
    """The box that fits all of them best on average; a mean of corners would fit none where sizes differ."""
    if not boxes:
        return None
    xyxy = np.array([CENTRE, *boxes[:_MOST_BOXES]])
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    true, nobody = xywh[1:], np.zeros(len(xywh) - 1, dtype=bool)
    fit = [box_iou(np.repeat(each[None], len(true), axis=0), true, nobody).mean() for each in xywh]
    best = xyxy[int(np.argmax(fit))]
    x1, y1, x2, y2 = best.round(6).tolist()
    return (x1, y1, x2, y2)


def _mean_joints(poses: Sequence[np.ndarray]) -> Joints | None:
    """Mean over the poses that label a joint; the middle of the box for one that none labels."""
    if not poses:
        return None
    stack = np.stack(poses)
    known = np.isfinite(stack)
    means = np.where(known, stack, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return tuple((x, y) for x, y in np.where(known.any(axis=0), means, 0.5).round(6).tolist())


def _first(counted: Counter[str]) -> str | None:
    return counted.most_common(1)[0][0] if counted else None
