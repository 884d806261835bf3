"""Checks what a model returned before it is kept: a wrong answer becomes a counted failure, not a crash later."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import DataError, ModelError
from benchmarks.run_lengths import covered_pixels
from benchmarks.schema import Box, Group, Instance, Prediction, Query, Rle, Status, Unit

_STATUSES = get_args(Status)
_UNITS = get_args(Unit)
_UNSAID = {
    "parse_error": "the answer could not be read, the model does not say why",
    "failed": "the model does not say why",
}


def check_ids(answers: Any, queries: Sequence[Query], model: str) -> list[Prediction]:
    """Check that a model answered every query once and in order.

    Raises:
        ModelError: another number of answers, something that is not a Prediction, wrong or repeated ids.
    """
    is_sequence = isinstance(answers, (list, Sequence))  # a list is told faster than any sequence
    if not is_sequence or not all(isinstance(answer, Prediction) for answer in answers):
        raise ModelError(f"model {model} must return a list of Prediction: mend its adapter")
    if len(answers) != len(queries):
        counts = f"{len(answers)} predictions for {len(queries)} queries"
        raise ModelError(f"model {model} returned {counts}: mend its adapter")
    for answer, query in zip(answers, queries, strict=True):
        if answer.sample_id != query.sample_id:
            raise ModelError(
                f"model {model} answered '{answer.sample_id}' where '{query.sample_id}' was asked: "
                "predictions must have the ids of their queries, in the same order; mend its adapter"
            )
    return list(answers)


def plain(prediction: Prediction, query: Query) -> Prediction:
    """Turn a prediction into plain Python numbers and text; an unusable one becomes `failed` with the reason.

    Boxes must be four finite numbers, scores and joints finite; masks must be compressed COCO RLE of the image's own
    size, and depth maps numbers [H, W], not all of them NaN or infinite. A box with x2 < x1 passes: its metric counts
    it as wrong. The reason names the field, as in `groups[0].instances[1]: score holds nan`. An answer that is not "ok"
    and says no reason gets one.
    """
    try:
        if prediction.status not in _STATUSES:
            raise ValueError(f"status must be one of {', '.join(_STATUSES)}, got {prediction.status!r}")
        for name in ("text", "prompt", "error"):
            if not isinstance(getattr(prediction, name), str):
                raise ValueError(f"{name} must be text")
        groups = tuple([_group(group, place, query.image.size_hw) for place, group in enumerate(prediction.groups)])
        error = prediction.error or _UNSAID.get(prediction.status, "")
        return replace(prediction, groups=groups, error=error, depth=_depth(prediction.depth))
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RuntimeError) as error:
        text = prediction.text if isinstance(prediction.text, str) else ""
        return failed(query, f"unusable answer: {error}", text)


def accepted(prediction: Prediction, query: Query, refuse: Callable[[Query, Prediction], str] | None) -> Prediction:
    """Return an answer, or `failed` with the reason where its kind of task refuses it.

    Raises:
        DataError: its depth map lies in a file that cannot be read.
    """
    reason = refuse(query, prediction) if refuse is not None and prediction.status == "ok" else ""
    return failed(query, f"unusable answer: {reason}", prediction.text) if reason else prediction


def in_memory(prediction: Prediction, query: Query) -> Prediction:
    """Return an answer whose depth map lies in memory; `failed` with the reason where its file cannot be read."""
    if prediction.depth is None or prediction.depth.values is not None:
        return prediction
    try:
        return replace(prediction, depth=DepthMap(values=prediction.depth.load()))
    except DataError as error:
        return failed(query, f"unusable answer: {error}", prediction.text)


def failed(query: Query, reason: str, text: str = "") -> Prediction:
    """Stand in for an answer that there is not: it stays in the denominator with the worst score."""
    return Prediction(sample_id=query.sample_id, status="failed", text=text, prompt=query.prompt, error=reason)


def _group(group: Group, place: int, size_hw: tuple[int, int]) -> Group:
    if group.unit not in _UNITS or not isinstance(group.phrase, str):
        raise ValueError(f"group {group.phrase!r} has unit {group.unit!r}, not one of {', '.join(_UNITS)}")
    instances: list[Instance] = []
    for instance in group.instances:
        try:
            instances.append(_instance(instance, size_hw))
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RuntimeError) as error:
            raise ValueError(f"groups[{place}].instances[{len(instances)}]: {error}") from None
    return Group(group.phrase, group.unit, tuple(instances))


def _instance(instance: Instance, size_hw: tuple[int, int]) -> Instance:
    return Instance(
        score=None if instance.score is None else _finite(instance.score, "score"),
        box_xyxy=None if instance.box_xyxy is None else _box(instance.box_xyxy),
        mask_rle=None if instance.mask_rle is None else _mask(instance.mask_rle, size_hw),
        keypoints=None if instance.keypoints is None else tuple(map(_joint, instance.keypoints)),
    )


def _joint(joint: Sequence[float]) -> tuple[float, float, float]:
    if len(joint) != 3:
        raise ValueError(f"keypoints has a joint of {len(joint)} numbers, not x y score")
    x, y, score = [_finite(value, "keypoints") for value in joint]
    return (x, y, score)


def _depth(depth: DepthMap | None) -> DepthMap | None:
    """Check a map in memory; one in a file is read, and refused, when it is scored."""
    if depth is None or depth.values is None:
        return depth
    values = np.asarray(depth.values)
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
        raise ValueError(f"depth must be a map of numbers [H, W], got {values.dtype} {values.shape}")
    if not np.isfinite(values).any():
        raise ValueError("depth holds no finite number")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which the protocol caps
        return DepthMap(values=values.astype(np.float32))


def _box(box: Box) -> Box:
    if len(box) != 4:
        raise ValueError(f"box_xyxy has {len(box)} numbers, not x1 y1 x2 y2")
    x1, y1, x2, y2 = [_finite(value, "box_xyxy") for value in box]
    return (x1, y1, x2, y2)


def _finite(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"{name} holds no number: {error}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} holds {number}")
    return number


def _mask(rle: Rle, size_hw: tuple[int, int]) -> Rle:
    if not isinstance(rle, Mapping) or not {"size", "counts"} <= set(rle):
        raise ValueError("mask_rle is not a COCO RLE with size and counts")
    size = [int(side) for side in rle["size"]]
    if size != list(size_hw):
        raise ValueError(f"mask_rle is for [H, W] = {size} but the image is {list(size_hw)}")
    counts = rle["counts"].decode("ascii") if isinstance(rle["counts"], bytes) else rle["counts"]
    if not isinstance(counts, str):
        raise ValueError("mask_rle counts must be compressed COCO text")
    try:
        covered = covered_pixels(counts)
    except ValueError as error:
        raise ValueError(f"mask_rle: {error}") from None
    if covered != size[0] * size[1]:
        raise ValueError(f"mask_rle runs cover {covered} of {size[0] * size[1]} pixels")
    return {"size": size, "counts": counts}
