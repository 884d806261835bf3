"""Referring expression comprehension: accuracy of one box per expression at an IoU threshold.

Protocol rec/1: one (ref, sentence) pair is one sample; the top-ranked box only; IoU in continuous pixels without +1;
a hit is IoU >= threshold. A missing, failed or malformed answer is IoU 0.
"""

from collections.abc import Sequence

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.boxes import iou, is_valid
from metrics.errors import DataError

THRESHOLDS = (0.25, 0.5, 0.75)


def measure(pred: Sequence[float] | None, target: Sequence[float]) -> Row:
    """Compare the top-ranked box with its target.

    Args:
        pred: xyxy pixels of the original image, or None where the answer holds no box.
        target: xyxy pixels.

    Returns:
        `iou` in [0, 1], `missing` and `malformed` (x2 < x1, y2 < y1 or not finite) as 0 or 1.

    Raises:
        DataError: the target itself is malformed.
    """
    if not is_valid(target):
        raise DataError(
            f"target box {list(target)} is not x1, y1, x2, y2 with x2 >= x1 and y2 >= y1: correct the annotation"
        )
    if pred is None:
        return {"iou": 0.0, "missing": 1, "malformed": 0}
    if not is_valid(pred):
        return {"iou": 0.0, "missing": 0, "malformed": 1}
    return {"iou": iou(pred, target), "missing": 0, "malformed": 0}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows, in any order, into fractions.

    Returns:
        `acc@T` for each threshold with >=; `miou`; and `acc@T_gt` with the strict > where it differs.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("REC has no samples to aggregate: check the split and the filters")
    ious = np.array([row["iou"] for row in rows], dtype=np.float64)
    scores = {f"acc@{t:g}": float((ious >= t).mean()) for t in THRESHOLDS}
    scores["miou"] = float(np.sort(ious).mean())
    strict = {f"acc@{t:g}_gt": float((ious > t).mean()) for t in THRESHOLDS}
    return scores | {key: value for key, value in strict.items() if value != scores[key.removesuffix("_gt")]}


CARD = Card(
    definition="Share of expressions whose top-ranked box has IoU >= T with the annotated box; mIoU is the mean IoU.",
    source="MDETR and TransVG evaluations use >=; Shikra and u-LLaVA use >, reported as acc@T_gt where it differs",
    edge_rules=(
        "one (ref, sentence) pair is one sample, not one ref",
        "further boxes of an answer are ignored: no any-hit scoring",
        "missing or unparsable answer: IoU 0, stays in the denominator",
        "x2 < x1, y2 < y1 or a number that is not finite: IoU 0, counted as malformed, corners are never swapped",
        "IoU of an empty union: 0; boxes of zero area score 0",
        "IoU, not MDETR's generalised IoU, and without MAttNet's +1",
    ),
    keys={f"acc@{t:g}": f"share with IoU >= {t:g}" for t in THRESHOLDS}
    | {"miou": "mean IoU over expressions"}
    | {f"acc@{t:g}_gt": f"share with IoU > {t:g}, printed only where it differs" for t in THRESHOLDS},
)
REC = Metric(name="rec", kind="rec", protocol="rec/1", aggregate=aggregate, headline="acc@0.5", card=CARD)
METRICS = [REC]
