"""The canvas: sizes, and labels that stay inside the picture and off each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from results.report.canvas import Canvas, Place


def test_the_picture_keeps_its_pixels_at_its_own_size():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Canvas(pixels).picture()), pixels)
    np.testing.assert_array_equal(np.asarray(Canvas(Image.fromarray(pixels)).picture()), pixels)


def test_the_given_array_is_not_drawn_on():
    pixels = np.zeros((30, 50, 3), dtype=np.uint8)
    Canvas(pixels).fill_box((0, 0, 10, 10), (255, 0, 0))
    assert not pixels.any()


def test_every_side_has_at_least_one_pixel():
    assert Canvas(np.zeros((2, 500, 3), dtype=np.uint8), 0.01).shown_hw == (1, 5)


@pytest.mark.parametrize(
    ("image", "scale", "text"),
    [
        (np.zeros((3, 3), dtype=np.uint8), 1, r"must be uint8 \[H, W, 3\]"),
        (np.zeros((3, 3, 3)), 1, "got float64"),
        (np.zeros((3, 3, 3), dtype=np.uint8), 0, "scale must be above 0"),
        (np.zeros((3, 3, 3), dtype=np.uint8), float("nan"), "scale must be above 0"),
    ],
)
def test_what_is_no_picture_is_refused(image, scale, text):
    with pytest.raises(ValueError, match=text):
        Canvas(image, scale)


def plate(canvas, colour):
    """Left, top, right, bottom of all pixels of a colour."""
    rows, columns = np.nonzero((canvas.pixels == colour).all(axis=-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_a_label_stands_on_the_upper_left_corner_of_its_box():
    canvas = Canvas(np.zeros((100, 200, 3), dtype=np.uint8))
    canvas.label("cat", Place((50, 40, 90, 80)), (255, 255, 0))
    left, _, _, bottom = plate(canvas, (255, 255, 0))
    assert (left, bottom) == (50, 40)


@settings(max_examples=40, deadline=None)
@given(
    box=st.tuples(*[st.integers(-300, 500)] * 4),
    text=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=60),
    centred=st.booleans(),
)
def test_a_label_never_leaves_the_picture(box, text, centred):
    canvas = Canvas(np.zeros((60, 90, 3), dtype=np.uint8))
    canvas.label(text, Place(box, centred), (0, 255, 255))
    left, top, right, bottom = plate(canvas, (0, 255, 255))
    assert bottom - top >= canvas.text_px  # a whole line, not what the edge left of it
    assert 0 <= left < right <= 90
    assert 0 <= top < bottom <= 60


def test_labels_avoid_each_other():
    canvas = Canvas(np.zeros((100, 200, 3), dtype=np.uint8))
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    for colour in colours:
        canvas.label("object", Place((60, 40, 120, 80)), colour)
    sizes = {np.subtract(plate(canvas, colour)[2:], plate(canvas, colour)[:2]).tolist()[0] for colour in colours}
    assert len(sizes) == 1  # none of the three is partly hidden


def test_a_picture_lower_than_a_line_has_no_labels_and_says_so():
    canvas = Canvas(np.zeros((8, 200, 3), dtype=np.uint8))
    canvas.label("cat", Place((0, 0, 5, 5)), (255, 255, 0))
    assert not canvas.pixels.any()
    assert canvas.notes == ["the picture is too small for its labels"]


def test_far_away_lines_are_no_error():
    canvas = Canvas(np.zeros((20, 20, 3), dtype=np.uint8))
    canvas.stroke([(-1e300, 10), (1e300, 10)], 1, (255, 0, 0))
    assert (canvas.pixels[10, :, 0] == 255).all()
