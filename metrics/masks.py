"""Overlap of two masks from their COCO run lengths; no pixel is decoded but by `decode`.

Masks are compressed RLE {"size": [H, W], "counts": text}, column-major. Counts are exact integers.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from metrics.errors import DataError

Rle = Mapping[str, Any]


def area(rle: Rle) -> int:
    """Count the pixels of a mask."""
    return int(coco.area(rle))


def inter_union(pred: Rle, target: Rle) -> tuple[int, int]:
    """Count the pixels that two masks share and those that either covers.

    Raises:
        DataError: the masks have different sizes, which is named for both.
    """
    check_sizes([pred, target])
    areas = coco.area([pred, target, coco.merge([pred, target], intersect=True)])
    inter = int(areas[2])
    return inter, int(areas[0]) + int(areas[1]) - inter


def inter_union_arrays(pred: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """Count shared and covered pixels of two bool arrays [H, W].

    Raises:
        DataError: an array is not two-dimensional bool, or the sizes differ.
    """
    for name, array in (("pred", pred), ("target", target)):
        if array.dtype != np.bool_ or array.ndim != 2:
            raise DataError(f"{name} must be bool [H, W], got {array.dtype} {array.shape}")
    if pred.shape != target.shape:
        raise DataError(_sizes(pred.shape, target.shape))
    inter = int(np.count_nonzero(pred & target))
    return inter, int(np.count_nonzero(pred)) + int(np.count_nonzero(target)) - inter


def overlaps(first: Sequence[Rle], second: Sequence[Rle]) -> np.ndarray:
    """IoU of every mask with every other: float64 [len(first), len(second)], 0 for two masks without a pixel."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    found = coco.iou([dict(each) for each in second], [dict(each) for each in first], [0] * len(first))
    return np.nan_to_num(np.asarray(found, dtype=np.float64).T)


def union(rles: Sequence[Rle]) -> Rle | None:
    """Join the masks of an answer; None where it has none, which metrics read as no answer.

    Raises:
        DataError: the masks have different sizes.
    """
    return join(rles) if rles else None


def join(rles: Sequence[Rle]) -> Rle:
    """Join one or more masks into one.

    Raises:
        DataError: the masks have different sizes.
        ValueError: there is no mask.
    """
    if not rles:
        raise ValueError("joining masks needs at least one")
    if len(rles) == 1:
        return rles[0]
    check_sizes(rles)
    joined: Rle = coco.merge(list(rles))
    return joined


def empty(size_hw: Sequence[int]) -> Rle:
    """Build a mask without any pixel, for an expression that has no target."""
    height, width = size_hw
    nothing: Rle = coco.frPyObjects({"size": [height, width], "counts": [height * width]}, height, width)
    return nothing


def decode(rle: Rle) -> np.ndarray:
    """Draw a mask: bool [H, W]."""
    with warnings.catch_warnings():
        # pycocotools 2.0.11 builds its array in a way that NumPy 2 deprecates; the result is right.
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.asarray(coco.decode(dict(rle))).astype(bool)


def encode(mask: np.ndarray) -> Rle:
    """Turn bool [H, W] into compressed COCO RLE."""
    rle = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": rle["counts"].decode("ascii")}


def check_sizes(rles: Sequence[Rle]) -> None:
    """Check that masks have one size, because pycocotools returns numbers without meaning otherwise.

    Raises:
        DataError: two sizes differ.
    """
    first = tuple(rles[0]["size"])
    for rle in rles[1:]:
        if tuple(rle["size"]) != first:
            raise DataError(_sizes(first, rle["size"]))


def _sizes(pred: Sequence[int], target: Sequence[int]) -> str:
    return (
        f"one mask is {pred[0]} x {pred[1]} but the other is {target[0]} x {target[1]} (rows x columns): "
        "bring the prediction to the size of the image"
    )
