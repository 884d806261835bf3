"""Overlap of detections with annotated objects: box IoU, mask IoU and object keypoint similarity (OKS).

Each class holds both sides and answers for `metrics.matching.Pairs`. A crowd is covered by any part of it: its union is
the detection alone. Formulas: pycocotools 2.0.11, `bbIou`, `rleIou` and `COCOeval.computeOks`, in the same order of
operations, so that values agree to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as rle

from metrics.matching import Bools, Floats, Ints, Pairs

_TENTHS = (0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89)
COCO_SIGMAS: Floats = np.array(_TENTHS) / 10
"""Spread of human annotation of the 17 COCO joints, in units of the square root of the object's area."""


def box_iou(found_xywh: Floats, true_xywh: Floats, crowd: Bools) -> Floats:
    """Compute the IoU of boxes, pair by pair.

    Args:
        found_xywh: float [P, 4], left, top, width, height in continuous pixels (no +1).
        true_xywh: float [P, 4].
        crowd: bool [P], True where the union is the found box alone.

    Returns:
        float [P] in [0, 1]; boxes that only touch have 0.
    """
    far = np.minimum(found_xywh[:, :2] + found_xywh[:, 2:], true_xywh[:, :2] + true_xywh[:, 2:])
    side = far - np.maximum(found_xywh[:, :2], true_xywh[:, :2])
    inter = side[:, 0] * side[:, 1]
    found_area = found_xywh[:, 2] * found_xywh[:, 3]
    union = np.where(crowd, found_area, found_area + true_xywh[:, 2] * true_xywh[:, 3] - inter)
    apart = side.min(axis=1) <= 0
    iou: Floats = np.divide(inter, union, out=np.zeros(len(inter)), where=~apart)
    return iou


@dataclass(frozen=True)
class BoxOverlap:
    """Box IoU. Boxes are float [N, 4] xywh."""

    found_xywh: Floats
    true_xywh: Floats
    crowd: Bools

    def __call__(self, pairs: Pairs) -> Floats:
        return box_iou(self.found_xywh[pairs.detection], self.true_xywh[pairs.truth], self.crowd[pairs.truth])


@dataclass(frozen=True)
class MaskOverlap:
    """Mask IoU on compressed RLE, without decoding; masks of different sizes have no overlap."""

    found: Sequence[Mapping[str, Any]]
    true: Sequence[Mapping[str, Any]]
    crowd: Bools

    def __call__(self, pairs: Pairs) -> Floats:
        values = np.empty(len(pairs.detection))
        starts = pairs.starts.tolist()
        for cell, count in enumerate(pairs.objects.tolist()):
            block = slice(starts[cell], starts[cell + 1])
            objects = pairs.truth[block.start : block.start + count]
            found = [self.found[i] for i in pairs.detection[block][::count].tolist()]
            true = [self.true[i] for i in objects.tolist()]
            values[block] = rle.iou(found, true, self.crowd[objects].astype(np.uint8)).ravel()
        return values


@dataclass(frozen=True)
class KeypointOverlap:
    """OKS: mean over the labelled joints of exp(-d^2 / (2 (2 sigma)^2 area)).

    An object without any labelled joint is compared by the distance of the found joints to its box, doubled on each
    side; the visibility of found joints is not read.

    Attributes:
        found_xy: float [D, K, 2] pixels.
        true_xyv: float [G, K, 3], x, y and visibility (0 = not labelled).
        true_xywh: float [G, 4].
        area: float [G], annotated area.
        sigmas: float [K].
    """

    found_xy: Floats
    true_xyv: Floats
    true_xywh: Floats
    area: Floats
    sigmas: Floats

    def __call__(self, pairs: Pairs) -> Floats:
        values = np.empty(len(pairs.detection))
        labelled = self.true_xyv[:, :, 2] > 0
        pattern = labelled.sum(axis=1)[pairs.truth]
        # One group per number of labelled joints: rows of equal length are summed as the official tool sums them.
        order = np.argsort(pattern, kind="stable")
        bounds = np.searchsorted(pattern[order], np.arange(labelled.shape[1] + 2))
        columns, counts = np.nonzero(labelled)[1], labelled.sum(axis=1)
        first = np.cumsum(counts) - counts
        for count in np.flatnonzero(np.diff(bounds)).tolist():
            group = order[bounds[count] : bounds[count + 1]]
            true = pairs.truth[group]
            column = columns[first[true][:, None] + np.arange(count)]
            values[group] = self._group(pairs.detection[group], true, column)
        return values

    def _group(self, found: Ints, true: Ints, column: Ints) -> Floats:
        """Compare pairs whose objects have equally many labelled joints, the joints `column` [P, n]."""
        if column.shape[1]:
            delta = self.found_xy[found[:, None], column] - self.true_xyv[true[:, None], column, :2]
            spread = ((self.sigmas * 2) ** 2)[column]
        else:
            corner, size = self.true_xywh[true][:, None, :2], self.true_xywh[true][:, None, 2:]
            joint = self.found_xy[found]
            delta = np.maximum(0, (corner - size) - joint) + np.maximum(0, joint - (corner + size * 2))
            spread = np.broadcast_to((self.sigmas * 2) ** 2, (len(found), len(self.sigmas)))
        area = self.area[true][:, None] + np.spacing(1)
        error = (delta[:, :, 0] ** 2 + delta[:, :, 1] ** 2) / spread / area / 2
        return np.asarray(np.sum(np.exp(-error), axis=1) / error.shape[1])
