"""Boxes, masks, points, poses and prompts: exact pixels, and nothing a model says makes drawing fail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco_mask

from results.report import skeletons
from results.report.canvas import Canvas, scale_between
from results.report.draw import draw_boxes, draw_masks, draw_points, outline
from results.report.poses import draw_poses
from results.report.prompts import PROMPT, draw_prompt

RED = (255, 0, 0)
ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)


def blank(height=40, width=60, scale=1.0):
    """A black canvas."""
    return Canvas(np.zeros((height, width, 3), dtype=np.uint8), scale)


def pixels(canvas, colour):
    """Which pixels have exactly a colour: bool [h, w]."""
    return (canvas.pixels == colour).all(axis=-1)


def filled(height, width, top, left, bottom, right):
    mask = np.zeros((height, width), dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("scale", [1, 3])
def test_the_edges_of_a_box_lie_at_its_coordinates(scale):
    canvas = blank(40, 60, scale)
    draw_boxes(canvas, [(10, 5, 30, 25)], colours=[RED])
    whole = filled(40 * scale, 60 * scale, 5 * scale, 10 * scale, 25 * scale, 30 * scale)
    thick = canvas.line_px
    inner = filled(
        40 * scale, 60 * scale, 5 * scale + thick, 10 * scale + thick, 25 * scale - thick, 30 * scale - thick
    )
    np.testing.assert_array_equal(pixels(canvas, RED), whole & ~inner)
    assert canvas.notes == []


def test_a_dashed_box_lies_on_the_same_pixels_in_two_colours():
    canvas = blank()
    draw_boxes(canvas, [(10, 5, 50, 35)], colours=[RED], dashed=True)
    drawn = pixels(canvas, RED) | pixels(canvas, (255, 255, 255))
    np.testing.assert_array_equal(drawn, filled(40, 60, 5, 10, 35, 50) & ~filled(40, 60, 6, 11, 34, 49))
    assert pixels(canvas, RED)[5, 10:49].tolist() == [place // 4 % 2 == 0 for place in range(39)]


def test_a_box_without_area_is_one_pixel():
    canvas = blank()
    draw_boxes(canvas, [(7, 9, 7, 9)], colours=[RED])
    assert np.argwhere(pixels(canvas, RED)).tolist() == [[9, 7]]


def test_what_lies_outside_is_cut_off_or_left_out_and_said():
    canvas = blank()
    draw_boxes(canvas, [(-20, 10, 20, 20), (100, 100, 120, 120), (np.nan, 0, 1, 1), (9, 9, 1, 1)], colours=[RED] * 4)
    drawn = pixels(canvas, RED)
    assert drawn[10, :20].all()
    assert drawn[10:20, 19].all()
    assert not drawn[12:18, 0].any()  # its left edge is not in the picture
    assert not drawn[:, 20:].any()
    assert canvas.notes == [
        "a box is cut off where the picture ends",
        "a box outside the picture is left out",
        "a box that is none is left out",
    ]


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("form", ["array", "run lengths"])
def test_a_mask_tints_exactly_its_pixels(scale, form):
    rng = np.random.default_rng(0)
    mask = rng.random((24, 36)) > 0.6
    given = mask if form == "array" else coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    canvas = blank(24, 36, scale)
    draw_masks(canvas, [given], colours=[(200, 100, 50)], alpha=0.5, contours=False)
    shown = np.kron(mask, np.ones((scale, scale), dtype=bool))
    np.testing.assert_array_equal(pixels(canvas, (100, 50, 25)), shown)
    np.testing.assert_array_equal(pixels(canvas, (0, 0, 0)), ~shown)


def test_contours_are_the_outermost_pixels_of_their_mask():
    canvas = blank()
    draw_masks(canvas, [filled(40, 60, 10, 10, 20, 20)], colours=[RED], alpha=1.0)
    ring = filled(40, 60, 10, 10, 20, 20) & ~filled(40, 60, 11, 11, 19, 19)
    np.testing.assert_array_equal(pixels(canvas, (255, 255, 255)), ring)


def test_the_edge_of_the_picture_is_no_outline():
    mask = filled(6, 6, 0, 0, 6, 3)
    np.testing.assert_array_equal(outline(mask), filled(6, 6, 0, 2, 6, 3))
    np.testing.assert_array_equal(outline(mask, 2), filled(6, 6, 0, 1, 6, 3))


def test_an_empty_mask_changes_nothing_and_is_said():
    canvas = blank()
    draw_masks(canvas, [np.zeros((40, 60), dtype=bool)], ["nothing"])
    assert not canvas.pixels.any()
    assert canvas.notes == ["an empty mask is left out"]


def test_a_mask_of_another_size_is_stretched_and_said():
    canvas = blank()
    draw_masks(canvas, [filled(20, 30, 0, 0, 10, 15)], colours=[RED], alpha=1.0, contours=False)
    np.testing.assert_array_equal(pixels(canvas, RED), filled(40, 60, 0, 0, 20, 30))
    assert canvas.notes == ["a map of 30x20 is stretched over 60x40"]


def test_a_point_is_a_disc_around_its_coordinates():
    canvas = blank(40, 60, 4)
    draw_points(canvas, [(30.5, 20.5)], colours=[RED])
    where = np.argwhere(pixels(canvas, RED)) + 0.5
    np.testing.assert_allclose(where.mean(axis=0), (4 * 20.5, 4 * 30.5), atol=1e-9)
    radius = canvas.line_px + 2
    assert radius - 1.2 < np.hypot(*(where - (82, 122)).T).max() <= radius - 0.5  # beyond, the edge is smooth


def test_joints_and_bones_of_a_pose_are_where_they_belong():
    pose = np.zeros((17, 3))
    pose[5], pose[7], pose[9], pose[6] = (10, 10, 2), (10, 30, 2), (30, 30, 1), (50, 35, 0)
    canvas = blank(40, 60, 4)
    draw_poses(canvas, [pose], colours=[RED], hidden_below=2)
    red = pixels(canvas, RED)
    assert red[40, 40]  # shoulder
    assert red[80, 40]  # middle of the upper arm, which is an edge of the skeleton
    assert red[120, 80]  # middle of the lower arm
    assert tuple(canvas.pixels[120, 120]) == (255, 255, 255)  # the hidden wrist is a ring
    assert not canvas.pixels[140, 200].any()  # the other shoulder is not there


def test_edges_may_be_given_and_must_fit():
    canvas = blank()
    draw_poses(canvas, [[(5, 20, 1), (55, 20, 1)]], colours=[RED])
    assert not pixels(canvas, RED)[20, 30]  # two joints have no skeleton of their own
    draw_poses(canvas, [[(5, 20, 1), (55, 20, 1)]], edges=((0, 1),), colours=[RED])
    assert pixels(canvas, RED)[20, 30]
    with pytest.raises(ValueError, match="names a joint"):
        draw_poses(canvas, [[(5, 20, 1)]], edges=((0, 1),))


def test_skeletons_touch_every_joint_and_hang_together():
    for count, edges in skeletons.BY_JOINTS.items():
        reached = {0}
        for _ in range(count):
            reached |= {end for edge in edges if reached & set(edge) for end in edge}
        assert reached == set(range(count))


def test_the_skeleton_of_coco_is_that_of_its_annotations():
    official = [
        [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9], [8, 10], [9, 11],
        [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
    ]  # fmt: skip
    assert [[one + 1, other + 1] for one, other in skeletons.COCO_17] == official


def test_prompts_are_drawn_in_their_own_colour():
    shapes = {
        "box": (10, 10, 30, 30),
        "point": [(20, 20)],
        "scribble": [(5, 20), (30, 20)],
        "mask": filled(40, 60, 9, 9, 31, 31),
    }
    for kind, shape in shapes.items():
        canvas = blank()
        draw_prompt(canvas, kind, shape)
        assert pixels(canvas, PROMPT).any(), kind
        assert canvas.notes == []
    canvas = blank()
    draw_prompt(canvas, "scribble", [(5, 20), (30, 20)])
    assert pixels(canvas, PROMPT)[20, 5:30].all()


def test_a_prompt_given_by_its_pixels_is_drawn_by_them():
    canvas = blank()
    draw_prompt(canvas, "scribble", filled(40, 60, 20, 5, 21, 50))
    np.testing.assert_array_equal(pixels(canvas, PROMPT), filled(40, 60, 20, 5, 21, 50))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda canvas: draw_boxes(canvas, [(1, 2, 3)]), r"boxes_xyxy must be float \[N, 4\]"),
        (lambda canvas: draw_boxes(canvas, [(1, 2, 3, 4)], ["a", "b"]), "2 labels for 1 things"),
        (lambda canvas: draw_boxes(canvas, [(1, 2, 3, 4)], scores=[1, 2]), "2 scores for 1 things"),
        (lambda canvas: draw_points(canvas, [(1, 2)], colours=[RED, RED]), "2 colours for 1 things"),
        (lambda canvas: draw_masks(canvas, [np.zeros((4, 4))]), r"must be bool \[H, W\], got float64 \(4, 4\)"),
        (lambda canvas: draw_masks(canvas, [], alpha=2), "alpha must be from 0 to 1"),
        (lambda canvas: draw_poses(canvas, [[(1, 2)]]), r"a pose must be float \[N, 3\]"),
    ],
)
def test_arrays_of_a_wrong_shape_are_refused_with_the_rule(call, text):
    with pytest.raises(ValueError, match=text):
        call(blank())


def test_nothing_to_draw_is_fine():
    canvas = blank()
    draw_boxes(canvas, [])
    draw_masks(canvas, [])
    draw_points(canvas, [])
    draw_poses(canvas, [])
    assert not canvas.pixels.any()


@settings(max_examples=50, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    scale=st.floats(0.02, 4),
    boxes=arrays.arrays(np.float64, st.tuples(st.integers(1, 4), st.just(4)), elements=ANY),
    label=st.text(max_size=30),
)
def test_any_box_on_any_picture_can_be_drawn(size, scale, boxes, label):
    canvas = blank(*size, scale)
    shape = canvas.pixels.shape
    draw_boxes(canvas, boxes, [label] * len(boxes), [0.5] * len(boxes))
    draw_boxes(canvas, boxes, dashed=True)
    assert canvas.pixels.shape == shape


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    joints=arrays.arrays(np.float64, (17, 3), elements=ANY),
    kind=st.sampled_from(["point", "scribble"]),
)
def test_any_joints_and_prompts_on_any_picture_can_be_drawn(size, joints, kind):
    canvas = blank(*size, 2)
    draw_poses(canvas, [joints], labels=["someone"])
    draw_prompt(canvas, kind, joints[:, :2], "1")
    assert canvas.pixels.shape == (2 * size[0], 2 * size[1], 3)


def test_scale_is_a_whole_number_or_makes_a_large_picture_smaller():
    assert scale_between((128, 100), least_px=384) == 3
    assert scale_between((128, 100), least_px=300) == 3
    assert scale_between((480, 640), least_px=384, most_px=1024) == 1
    assert scale_between((2000, 4000), most_px=1000) == 0.25
    assert scale_between((600, 600), least_px=700, most_px=1000) == pytest.approx(1000 / 600)
