"""Referring segmentation: cIoU (sum over sum), gIoU (mean over samples) and precision at IoU thresholds.

Protocol res/1: masks at the image's own size; the union of all masks of an answer. gIoU here is the per-sample mean
(LAVT's mIoU, LISA's giou), never "generalised" IoU; cIoU is LAVT's overall IoU.
"""

from collections.abc import Sequence

import numpy as np

from metrics import masks
from metrics.base import Card, Metric, Row
from metrics.errors import DataError

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def measure(pred: masks.Rle | None, target: masks.Rle) -> Row:
    """Compare a predicted mask with its target without decoding either.

    Args:
        pred: compressed COCO RLE at the image's size, or None where the answer holds no mask.
        target: likewise.

    Returns:
        `inter` and `union` in pixels, and `missing` as 0 or 1. A missing mask is an empty mask.

    Raises:
        DataError: the sizes differ or one is no RLE.
    """
    if pred is None:
        return {"inter": 0, "union": masks.area(target), "missing": 1}
    inter, union = masks.overlap(pred, target)
    return {"inter": inter, "union": union, "missing": 0}


def measure_arrays(pred: np.ndarray, target: np.ndarray) -> Row:
    """Compare masks given as bool [H, W] arrays.

    Raises:
        DataError: the shapes differ.
    """
    if pred.shape != target.shape:
        raise DataError(f"pred is {pred.shape} but target is {target.shape}: resize pred to the image first")
    inter = int(np.count_nonzero(pred & target))
    return {"inter": inter, "union": int(np.count_nonzero(pred | target)), "missing": 0}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows, in any order, into fractions: `ciou`, `giou` and `p@T`.

    No target and no prediction (union 0) is IoU 1 in gIoU and adds nothing to cIoU; without any pixel cIoU is 1.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("RES has no samples to aggregate: check the split and the filters")
    inter = np.array([row["inter"] for row in rows], dtype=np.float64)
    union = np.array([row["union"] for row in rows], dtype=np.float64)
    return scores_of(inter, union, np.divide(inter, union, out=np.ones_like(inter), where=union > 0))


def scores_of(inter: np.ndarray, union: np.ndarray, iou: np.ndarray) -> dict[str, float]:
    """Aggregate per-sample pixel counts and IoUs, float64 [N] each."""
    total = float(union.sum())
    scores = {"ciou": float(inter.sum()) / total if total > 0 else 1.0, "giou": float(np.sort(iou).mean())}
    return scores | {f"p@{t:g}": float((iou >= t).mean()) for t in THRESHOLDS}


CARD = Card(
    definition="cIoU: sum of intersections over sum of unions. gIoU: mean IoU of expressions. P@X: share with IoU >= X.",
    source="LAVT and ReLA evaluations; names follow ReLA (cIoU is LAVT's oIoU, gIoU its mIoU)",
    edge_rules=(
        "masks are compared at the image's own size, never at the model's",
        "several masks of one answer count as their union",
        "missing or unparsable answer: an empty mask, stays in the denominator",
        "no target and no prediction: IoU 1 in gIoU (as LISA; LAVT counts 0), nothing in cIoU",
        "a mask of another size is an error, never resized silently",
    ),
    keys={"ciou": "sum of intersections over sum of unions", "giou": "mean IoU over expressions"}
    | {f"p@{t:g}": f"share with IoU >= {t:g}" for t in THRESHOLDS},
)
RES = Metric(name="res", kind="res", protocol="res/1", aggregate=aggregate, headline="ciou", card=CARD)
METRICS = [RES]
