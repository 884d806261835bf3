"""Box overlap equals pycocotools to the last bit, and the named variants equal figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from metrics import coco_overlap
from metrics.boxes import box_giou_xywh, box_iou, box_iou_xywh, is_malformed, mattnet_iou_xywh

place = st.floats(-200, 900, allow_subnormal=False).map(lambda value: round(value, 2))
side = st.one_of(st.just(0.0), st.floats(0.01, 700).map(lambda value: round(value, 2)))
boxes_xywh = st.tuples(place, place, side, side)


def corners(box_xywh):
    x, y, w, h = box_xywh
    return x, y, x + w, y + h


def test_half_covered_box_is_one_half():
    assert box_iou((0, 0, 1, 2), (0, 0, 2, 2)) == 0.5
    assert box_iou_xywh((10, 20, 1, 2), (10, 20, 2, 2)) == 0.5


def test_corner_boxes_are_x1_y1_x2_y2():
    assert box_iou((0, 0, 4, 1), (0, 0, 1, 4)) == pytest.approx(1 / 7, abs=1e-15)
    assert box_iou((2, 0, 4, 1), (0, 0, 2, 1)) == 0.0


@given(boxes_xywh, boxes_xywh)
def test_iou_equals_pycocotools_to_the_last_bit(one, other):
    official = coco.iou([list(one)], [list(other)], [0])[0, 0]
    degenerate = min(*one[2:], *other[2:]) == 0
    assert box_iou_xywh(one, other) == (0.0 if degenerate else min(official, 1.0))


@given(boxes_xywh, boxes_xywh)
def test_one_pair_equals_many_pairs(one, other):
    many = coco_overlap.box_iou(np.array([one]), np.array([other]), np.array([False]))[0]
    assert box_iou_xywh(one, other) == min(many, 1.0)


@given(boxes_xywh, boxes_xywh)
def test_corner_form_agrees_where_boxes_are_large(one, other):
    # x + w loses up to 1e-13 of a side, which only boxes of at least a hundredth of a pixel survive.
    want = box_iou_xywh(one, other)
    assert box_iou(corners(one), corners(other)) == pytest.approx(want, abs=1e-7)


@given(boxes_xywh)
def test_a_box_and_itself_is_exactly_one(box):
    x1, y1, x2, y2 = corners(box)
    assert box_iou((x1, y1, x2, y2), (x1, y1, x2, y2)) == (1.0 if x2 > x1 and y2 > y1 else 0.0)


@given(boxes_xywh, boxes_xywh)
def test_overlap_is_symmetric_and_bounded(one, other):
    assert box_iou_xywh(one, other) == box_iou_xywh(other, one)
    assert 0 <= box_iou_xywh(one, other) <= 1
    assert -1 <= box_giou_xywh(one, other) <= box_iou_xywh(one, other) + 1e-9


@pytest.mark.parametrize("bad", [(4, 0, 1, 2), (0, 4, 2, 1), (float("nan"), 0, 1, 1), (0, 0, float("inf"), 1)])
def test_inverted_and_infinite_boxes_are_malformed_and_cover_nothing(bad):
    assert is_malformed(bad)
    assert box_iou(bad, (0, 0, 4, 4)) == 0.0


def test_both_boxes_inside_out_still_cover_nothing():
    assert box_iou((4, 4, 0, 0), (4, 4, 0, 0)) == 0.0


def test_a_box_without_area_is_not_malformed():
    assert not is_malformed((3, 3, 3, 3))


def test_mattnet_adds_a_pixel_to_the_intersection_only():
    assert mattnet_iou_xywh((0, 0, 4, 4), (0, 0, 4, 4)) == 1.0
    assert mattnet_iou_xywh((0, 0, 4, 4), (2, 0, 4, 4)) == pytest.approx(8 / 24)
    assert mattnet_iou_xywh((0, 0, 4, 4), (3, 0, 4, 4)) == 0.0  # one shared column: no room for x1 < x2


def test_generalised_iou_of_apart_boxes_is_minus_the_gap():
    assert box_giou_xywh((0, 0, 1, 1), (3, 0, 1, 1)) == pytest.approx(-0.5)
    assert box_giou_xywh((0, 0, 2, 2), (0, 0, 2, 2)) == 1.0
    assert box_giou_xywh((0, 0, 0, 0), (0, 0, 0, 0)) == -1.0
