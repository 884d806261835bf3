"""Panoptic quality: PQ, SQ and RQ for all, things and stuff, by the rules of panopticapi's `evaluation.py`.

Protocol panoptic/1. A prediction matches a target of its category when IoU > 0.5 (strict), with
union = predicted pixels + the target's recorded area - intersection - predicted pixels on void (target id 0).
Crowd targets never match and are never missed; a prediction is forgiven when more than half of it lies on
void or on the last listed crowd of its category. Kirillov et al., Panoptic Segmentation, CVPR 2019.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.errors import DataError

VOID = 0
GROUPS = {"": ("thing", "stuff"), "_things": ("thing",), "_stuff": ("stuff",)}
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """One entry of `segments_info`. `area` and `iscrowd` matter for targets only."""

    id: int
    category_id: int
    area: float = 0
    iscrowd: bool = False


@dataclass(frozen=True)
class PanopticMap:
    """A panoptic image: every pixel's segment id, and what the segments are.

    Attributes:
        ids: integer [H, W], segment id of each pixel, 0 = void.
        segments: in the order of the JSON file (the last crowd of a category is the one that forgives).
        source: file and image id, for error texts.
    """

    ids: np.ndarray
    segments: tuple[Segment, ...]
    source: str = "image"


def pair_areas(pred_ids: np.ndarray, target_ids: np.ndarray) -> dict[Pair, int]:
    """Count the pixels of every (target id, predicted id) pair that occurs.

    Runs of equal pixels are found first: maps are piecewise constant, so sorting runs is far cheaper than pixels.

    Args:
        pred_ids: unsigned integer [H, W], below 2**32.
        target_ids: unsigned integer [H, W], below 2**32.
    """
    pred, target = pred_ids.reshape(-1), target_ids.reshape(-1)
    changed = pred[1:] != pred[:-1]
    changed |= target[1:] != target[:-1]
    starts = np.concatenate(([0], np.flatnonzero(changed) + 1)) if pred.size else np.empty(0, int)
    lengths = np.diff(starts, append=pred.size)
    codes = (target[starts].astype(np.uint64) << np.uint64(32)) | pred[starts].astype(np.uint64)
    unique = np.unique(codes)
    areas = np.bincount(np.searchsorted(unique, codes), weights=lengths, minlength=len(unique))
    keys = zip((unique >> np.uint64(32)).tolist(), (unique & np.uint64(0xFFFFFFFF)).tolist(), strict=True)
    return {key: int(area) for key, area in zip(keys, areas.tolist(), strict=True)}


def measure(pred: PanopticMap | None, target: PanopticMap, things: Mapping[int, bool]) -> Row:
    """Match one predicted panoptic map with its target.

    Args:
        pred: the prediction, or None when there is none: every non-crowd target is then missed.
        target: the truth; `area` of its segments is the recorded one, which the official IoU uses.
        things: category id -> True for things, False for stuff; every category of the benchmark.

    Returns:
        Per category that occurs `thing/<id>/tp|fp|fn|iou` (or `stuff/...`; `iou` is the sum over matches), and
        `unlisted` (pixels whose target id no segment lists) and `area_differs` (targets whose recorded area is
        not their pixel count): both are scored as panopticapi does, and are worth a note.

    Raises:
        DataError: sizes differ, ids and segments disagree, or a category is unknown.
    """
    _check_segments(target, things)
    if pred is None:
        return _row(things, {}, {}, [s.category_id for s in target.segments if not s.iscrowd])
    if pred.ids.shape != target.ids.shape:
        raise DataError(
            f"{pred.source} is {pred.ids.shape} but {target.source} is {target.ids.shape} (rows, columns): "
            "bring the prediction to the size of the image"
        )
    _check_segments(pred, things)
    pairs = pair_areas(pred.ids, target.ids)
    target_areas: dict[int, int] = {}
    pred_areas: dict[int, int] = {}
    for (target_id, pred_id), area in pairs.items():
        target_areas[target_id] = target_areas.get(target_id, 0) + area
        pred_areas[pred_id] = pred_areas.get(pred_id, 0) + area
    _check_ids(pred, pred_areas)
    row = _match(pred, target, pairs, pred_areas, things)
    listed = {segment.id: segment.area for segment in target.segments}
    row["unlisted"] = sum(area for i, area in target_areas.items() if i not in listed and i != VOID)
    row["area_differs"] = sum(area != target_areas.get(i, 0) for i, area in listed.items())
    return row


def _match(
    pred: PanopticMap,
    target: PanopticMap,
    pairs: Mapping[Pair, int],
    areas: Mapping[int, int],
    things: Mapping[int, bool],
) -> Row:
    """Find the matches, then count what is missed and what is false."""
    targets = {segment.id: segment for segment in target.segments}
    preds = {segment.id: segment for segment in pred.segments}
    matches: dict[Pair, float] = {}
    for (target_id, pred_id), inter in pairs.items():
        t, p = targets.get(target_id), preds.get(pred_id)
        if t is None or p is None or t.iscrowd or t.category_id != p.category_id:
            continue
        union = areas[pred_id] + t.area - inter - pairs.get((VOID, pred_id), 0)
        # Only a recorded area of 0 empties the union (panopticapi then adds an infinite IoU): no match here.
        iou = inter / union if union else 0.0
        if iou > 0.5:
            matches[target_id, pred_id] = iou
    matched_targets = {target_id for target_id, _ in matches}
    matched_preds = {pred_id for _, pred_id in matches}
    crowds = {t.category_id: t.id for t in target.segments if t.iscrowd}
    false = []
    for p in pred.segments:
        if p.id in matched_preds:
            continue
        forgiven = pairs.get((VOID, p.id), 0)
        if p.category_id in crowds:
            forgiven += pairs.get((crowds[p.category_id], p.id), 0)
        if forgiven / areas[p.id] <= 0.5:
            false.append(p.category_id)
    missed = [t.category_id for t in target.segments if not t.iscrowd and t.id not in matched_targets]
    found: dict[int, list[float]] = {}
    for (target_id, _), iou in matches.items():
        found.setdefault(targets[target_id].category_id, []).append(iou)
    return _row(things, found, {c: false.count(c) for c in false}, missed)


def _row(
    things: Mapping[int, bool], found: Mapping[int, list[float]], false: Mapping[int, int], missed: Sequence[int]
) -> Row:
    row: Row = {}
    for category in sorted({*found, *false, *missed}):
        name = f"{'thing' if things[category] else 'stuff'}/{category}"
        ious = found.get(category, [])
        row[f"{name}/tp"], row[f"{name}/iou"] = len(ious), math.fsum(ious)
        row[f"{name}/fp"], row[f"{name}/fn"] = false.get(category, 0), missed.count(category)
    return row


def _check_segments(image: PanopticMap, things: Mapping[int, bool]) -> None:
    seen: set[int] = set()
    for segment in image.segments:
        if segment.id in seen:
            raise DataError(f"{image.source}: segment {segment.id} is listed twice in segments_info: keep one entry")
        seen.add(segment.id)
        if segment.category_id not in things:
            raise DataError(
                f"{image.source}: segment {segment.id} has category_id {segment.category_id}, which the target JSON "
                "does not list under categories: map it to one of them"
            )


def _check_ids(pred: PanopticMap, areas: Mapping[int, int]) -> None:
    listed = {segment.id for segment in pred.segments}
    unlisted = sorted(i for i in areas if i not in listed and i != VOID)
    if unlisted:
        raise DataError(
            f"{pred.source}: segment {unlisted[0]} is in the PNG but not in segments_info "
            f"({len(unlisted)} such): list it there or paint it 0 (void)"
        )
    absent = sorted(listed - set(areas))
    if absent:
        raise DataError(
            f"{pred.source}: segment {absent[0]} is in segments_info but has no pixel in the PNG "
            f"({len(absent)} such): remove the entry"
        )


def category_counts(rows: Sequence[Row]) -> dict[tuple[str, int], dict[str, float]]:
    """Sum rows per category: ("thing" | "stuff", category id) -> tp, fp, fn and iou. Exact in any order of rows."""
    lists: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row.items():
            lists.setdefault(key, []).append(value)
    counts: dict[tuple[str, int], dict[str, float]] = {}
    for key, values in lists.items():
        if "/" in key:
            group, category, field = key.split("/")
            counts.setdefault((group, int(category)), {})[field] = math.fsum(values)
    return counts


def quality(counts: Mapping[str, float]) -> tuple[float, float, float]:
    """PQ, SQ and RQ of one category from its tp, fp, fn and iou; zeros when it never occurred."""
    weight = counts["tp"] + 0.5 * counts["fp"] + 0.5 * counts["fn"]
    if weight == 0:
        return 0.0, 0.0, 0.0
    segmentation = counts["iou"] / counts["tp"] if counts["tp"] else 0.0
    return counts["iou"] / weight, segmentation, counts["tp"] / weight


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Average PQ, SQ and RQ over the categories that occur in a target or a prediction.

    Returns:
        `pq sq rq` in [0, 1], also with `_things` and `_stuff`; NaN for a group of which no category occurs.
    """
    counts = category_counts(rows)
    scores: dict[str, float] = {}
    for suffix, kinds in GROUPS.items():
        values = [quality(c) for (kind, _), c in counts.items() if kind in kinds and c["tp"] + c["fp"] + c["fn"] > 0]
        for name, column in zip(("pq", "sq", "rq"), zip(*values, strict=True) if values else ((),) * 3, strict=True):
            scores[name + suffix] = math.fsum(column) / len(column) if column else math.nan
    return scores


CARD = Card(
    definition=(
        "PQ_c = sum of IoU over matches / (TP + FP/2 + FN/2); SQ_c = mean IoU of matches; "
        "RQ_c = TP / (TP + FP/2 + FN/2); each averaged over the categories that occur. "
        "A match is of one category with IoU > 0.5."
    ),
    source="cocodataset/panopticapi, evaluation.py; Kirillov et al., Panoptic Segmentation, CVPR 2019",
    edge_rules=(
        "pixels with target id 0 are void; crowds and ids that the target JSON does not list are not",
        "the union uses the target's recorded area and leaves out predicted pixels on void",
        "a prediction is not counted as false when more than half of it lies on void and on its category's crowd",
        "with two crowds of one category in an image only the last listed one forgives, as in panopticapi",
        "a category that is only predicted counts with 0; one that never occurs is left out of the means",
        "all, things and stuff are separate means; a group without any category is null, not 0",
        "an image without prediction misses all its targets and is counted (panopticapi stops there)",
        "ids and segments_info that disagree, unknown categories and other sizes are refused by name",
    ),
    keys={
        **{f"{key}{suffix}": f"{long} over {group}"
           for suffix, group in {"": "all categories", "_things": "things", "_stuff": "stuff"}.items()
           for key, long in {"pq": "panoptic", "sq": "segmentation", "rq": "recognition"}.items()},
    },
)
PANOPTIC = Metric(
    name="panoptic",
    kind="panoptic",
    protocol="panoptic/1",
    aggregate=aggregate,
    headline="pq",
    card=CARD,
    additive=False,
)
METRICS = [PANOPTIC]
