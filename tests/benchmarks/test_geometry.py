"""Boxes and masks against pycocotools and a polygon test that shares no code with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco_mask

from benchmarks.geometry import union_rle, xywh_to_xyxy

# pycocotools 2.0 predates NumPy 2's `copy` keyword; only its decoder warns, and only these tests decode.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SQUARE = [2, 1, 6, 1, 6, 5, 2, 5]
FAR = [10, 10, 14, 10, 14, 12, 10, 12]


def decoded(segmentation, size_hw):
    return coco_mask.decode(union_rle(segmentation, size_hw)).astype(bool)


def test_xywh_becomes_xyxy():
    assert xywh_to_xyxy([10, 5.5, 20, 30]) == (10.0, 5.5, 30.0, 35.5)


def test_a_mask_is_the_union_of_its_polygons_in_h_w_order():
    mask = decoded([SQUARE, FAR], (20, 30))
    assert mask.shape == (20, 30)
    assert mask.sum() == 4 * 4 + 2 * 4
    assert mask[1:5, 2:6].all()
    assert mask[10:12, 10:14].all()


def test_overlapping_polygons_count_once():
    assert decoded([SQUARE, SQUARE], (20, 30)).sum() == 16


@given(corners=st.integers(3, 15), radius=st.floats(8, 30), turn=st.floats(0, 6))
def test_convex_polygons_hold_the_pixels_on_the_inner_side_of_every_edge(corners, radius, turn):
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    hull = np.stack([30 + radius * np.cos(angles), 20 + 0.6 * radius * np.sin(angles)], axis=1)
    ours = decoded([hull.ravel().tolist()], (40, 60))
    edges = np.roll(hull, -1, axis=0) - hull
    ys, xs = np.mgrid[:40, :60] + 0.5
    offsets = np.stack([xs, ys], axis=-1)[..., None, :] - hull
    depth = (edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0]) / np.linalg.norm(edges, axis=1)
    depth_px = depth.min(axis=-1)
    # COCO rounds the outline on a grid of 1/5 px and by column, so pixels within 1 px of it may fall either way.
    assert ours[depth_px > 1].all()
    assert not ours[depth_px < -1].any()


@given(arrays.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(np.any))
def test_both_forms_of_rle_give_back_the_mask(mask):
    compressed = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    uncompressed = runs if not flat[0] else [0, *runs]
    size = list(mask.shape)
    for counts in (compressed["counts"].decode(), uncompressed):
        np.testing.assert_array_equal(decoded({"size": size, "counts": counts}, mask.shape), mask)


def test_long_runs_survive_the_compressed_form():
    mask = np.zeros((700, 900), np.uint8, order="F")
    mask[100:650, 50:850:3] = 1
    rle = coco_mask.encode(mask)
    again = union_rle({"size": [700, 900], "counts": rle["counts"].decode()}, (700, 900))
    assert again["counts"] == rle["counts"].decode()


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        (None, "neither a list of polygons nor an RLE"),
        ([], "neither a list of polygons nor an RLE"),
        ([[1, 2, 3, 4]], "has 4 coordinates; it needs an even number, 6 or more"),
        ([[1, 2, 3, 4, 5, 6, 7]], "has 7 coordinates"),
        ([SQUARE, []], "has 0 coordinates"),
        ([1, 2, 3, 4, 5, 6], "has no coordinates"),
        ([[1, 2, 3, 4, 5, "6"]], "not a finite number"),
        ([[1, 2, 3, 4, 5, float("inf")]], "not a finite number"),
        ([[1, 2, 3, 4, 5, 1e9]], "reaches 1000000000"),
        ([[0, 0, 0, 0, 0, 0]], "covers no pixel"),
        ({"size": [30, 20], "counts": [600]}, r"is for \[H, W\] = \[30, 20\] but the image is \[20, 30\]"),
        ({"size": [20, 30], "counts": [1, 2]}, "cover 3 of 600 pixels"),
        ({"size": [20, 30], "counts": [601, -1]}, "not run lengths"),
        ({"size": [20, 30], "counts": [600]}, "covers no pixel"),
        ({"size": [20, 30], "counts": None}, "not run lengths"),
        ({"size": [20, 30], "counts": "a b"}, "character ' '"),
        ({"size": [20, 30], "counts": "T"}, "end in the middle"),
        ({"counts": "abc"}, "but the image is"),
    ],
)
def test_unusable_segmentations_say_why(segmentation, reason):
    with pytest.raises(ValueError, match=reason):
        union_rle(segmentation, (20, 30))
