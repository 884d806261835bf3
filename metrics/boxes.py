"""Box IoU: continuous pixels, no +1, float64. Equal to pycocotools' `iou` on boxes without crowd."""

import math
from collections.abc import Sequence


def is_valid(box: Sequence[float]) -> bool:
    """Whether a box is four finite numbers with x2 >= x1 and y2 >= y1. Corners are never swapped to repair one."""
    return len(box) == 4 and all(math.isfinite(v) for v in box) and box[2] >= box[0] and box[3] >= box[1]


def iou(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union of two xyxy boxes, in [0, 1]; 0 where the union is empty.

    Args:
        first, second: x1, y1, x2, y2 in the same frame; valid in the sense of `is_valid`.
    """
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    union = (first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1]) - inter
    return inter / union if union > 0 else 0.0
