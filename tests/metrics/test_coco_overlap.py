"""Overlaps equal pycocotools' to the last bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from metrics.coco_overlap import COCO_SIGMAS, KeypointOverlap, box_iou
from metrics.matching import Pairs


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_box_iou_equals_pycocotools(seed, whole):
    rng = np.random.default_rng(seed)
    found, true = rng.uniform(0, 30, (2, 12, 4))
    if whole:
        found, true = found.round(), true.round()
    crowd = rng.random(12) < 0.3
    want = rle.iou(found, true, crowd.astype(np.uint8))
    for i in range(12):
        np.testing.assert_array_equal(box_iou(found, np.roll(true, i, axis=0), np.roll(crowd, i)),
                                      want[np.arange(12), (np.arange(12) - i) % 12])  # fmt: skip


def test_boxes_that_touch_do_not_overlap_and_a_crowd_is_covered_by_a_part():
    boxes = np.array([[0.0, 0, 10, 10]])
    assert box_iou(boxes, np.array([[10.0, 0, 10, 10]]), np.array([False]))[0] == 0
    assert box_iou(boxes, np.array([[0.0, 0, 20, 10]]), np.array([False]))[0] == 0.5
    assert box_iou(boxes, np.array([[0.0, 0, 20, 10]]), np.array([True]))[0] == 1
    assert box_iou(np.zeros((1, 4)), boxes, np.array([False]))[0] == 0


def test_poses_without_labelled_joints_are_compared_by_the_doubled_box():
    box = np.array([[10.0, 10, 10, 10]])
    # Each joint is inside the box doubled on each side, [0, 30], except one that is 3 px to the right of it.
    found = np.full((1, 17, 2), 30.0)
    found[0, 4, 0] = 33
    overlap = KeypointOverlap(found, np.zeros((1, 17, 3)), box, np.array([100.0]), COCO_SIGMAS)
    pair = Pairs(np.array([0]), np.array([0]), np.array([0, 1]), np.array([1]))
    off = np.exp(-(3**2) / (2 * (2 * COCO_SIGMAS[4]) ** 2 * 100))
    assert abs(overlap(pair)[0] - (16 + off) / 17) < 1e-15
