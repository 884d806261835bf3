"""Overlap of two boxes in continuous pixels: no +1, sides from edge to edge.

The operations follow pycocotools 2.0.11 `bbIou` in their order, so that values and exact ties agree to the last bit;
`metrics.coco_overlap.box_iou` is the same for many pairs at once.
"""

import math
from collections.abc import Sequence


def box_iou(pred_xyxy: Sequence[float], target_xyxy: Sequence[float]) -> float:
    """Compute the IoU of two boxes, each x1, y1, x2, y2.

    Returns:
        A fraction in [0, 1]; 0 where a box has no area, is turned inside out or not finite. A box and itself give 1.
    """
    px1, py1, px2, py2 = pred_xyxy
    tx1, ty1, tx2, ty2 = target_xyxy
    wide = min(px2, tx2) - max(px1, tx1)
    high = min(py2, ty2) - max(py1, ty1)
    return _iou(wide, high, (px2 - px1) * (py2 - py1), (tx2 - tx1) * (ty2 - ty1))


def box_iou_xywh(pred_xywh: Sequence[float], target_xywh: Sequence[float]) -> float:
    """Compute the IoU of two boxes, each left, top, width, height, as COCO files hold them.

    The areas are width times height as written, which differs from corner boxes in the last bits: exact ties at a
    threshold come out as they do officially.
    """
    px, py, pw, ph = pred_xywh
    tx, ty, tw, th = target_xywh
    wide = min(px + pw, tx + tw) - max(px, tx)
    high = min(py + ph, ty + th) - max(py, ty)
    return _iou(wide, high, pw * ph, tw * th)


def _iou(wide: float, high: float, pred_area: float, target_area: float) -> float:
    if not (wide > 0 and high > 0 and 0 < pred_area < math.inf and 0 < target_area < math.inf):
        return 0.0
    inter = wide * high
    return min(inter / (pred_area + target_area - inter), 1.0)


def mattnet_iou_xywh(pred_xywh: Sequence[float], target_xywh: Sequence[float]) -> float:
    """Compute MAttNet's IoU of two boxes, each left, top, width, height.

    The intersection counts pixels inclusively (+1) while the union does not, and sides below one pixel give 0:
    lichengunc/MAttNet `computeIoU`.
    """
    px, py, pw, ph = pred_xywh
    tx, ty, tw, th = target_xywh
    x1, y1 = max(px, tx), max(py, ty)
    x2, y2 = min(px + pw - 1, tx + tw - 1), min(py + ph - 1, ty + th - 1)
    if not (x1 < x2 and y1 < y2):
        return 0.0
    inter = (x2 - x1 + 1) * (y2 - y1 + 1)
    return inter / (pw * ph + tw * th - inter)


def box_giou_xywh(pred_xywh: Sequence[float], target_xywh: Sequence[float]) -> float:
    """Compute the generalised IoU of two boxes, each left, top, width, height: in [-1, 1].

    IoU minus the share of the enclosing box that neither covers (Rezatofighi et al. 2019); -1 where the enclosing box
    has no area.
    """
    px, py, pw, ph = pred_xywh
    tx, ty, tw, th = target_xywh
    wide = max(min(px + pw, tx + tw) - max(px, tx), 0.0)
    high = max(min(py + ph, ty + th) - max(py, ty), 0.0)
    union = pw * ph + tw * th - wide * high
    hull = (max(px + pw, tx + tw) - min(px, tx)) * (max(py + ph, ty + th) - min(py, ty))
    if not (union > 0 and hull > 0):
        return -1.0
    return wide * high / union - (hull - union) / hull


def is_malformed(box_xyxy: Sequence[float]) -> bool:
    """Tell whether a box of x1, y1, x2, y2 has x2 < x1, y2 < y1 or a value that is not finite."""
    x1, y1, x2, y2 = box_xyxy
    return x2 < x1 or y2 < y1 or not all(map(math.isfinite, box_xyxy))
