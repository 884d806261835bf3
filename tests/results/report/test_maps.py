"""Maps: a colour for each segment, depth on a scale with its numbers, errors, legends."""

import numpy as np
import pytest

from results.report import maps
from results.report.canvas import Canvas
from results.report.palette import INFERNO, UNKNOWN, VIRIDIS

BLUE, GREEN = (0, 0, 255), (0, 255, 0)


def grey(height=30, width=40, scale=1.0):
    return Canvas(np.full((height, width, 3), 100, dtype=np.uint8), scale)


def test_every_pixel_of_a_segment_has_its_colour_and_nobodys_are_darker():
    owners = np.full((30, 40), -1)
    owners[:, 10:20], owners[:, 20:] = 0, 1
    canvas = grey()
    maps.draw_segments(canvas, owners, colours=[BLUE, GREEN], alpha=1.0)
    assert (canvas.pixels[:, :10] == 40).all()
    assert (canvas.pixels[:, 12:18] == BLUE).all()
    assert (canvas.pixels[:, 22:] == GREEN).all()
    assert (canvas.pixels[:, 20] > 200).any(axis=-1).all()  # a light border


def test_names_stand_on_large_segments_only():
    owners = np.zeros((120, 160), dtype=int)
    owners[0, 0] = 1
    named, unnamed = grey(120, 160), grey(120, 160)
    maps.draw_segments(named, owners, ["sky", "speck"], [BLUE, GREEN])
    maps.draw_segments(unnamed, owners, (), [BLUE, GREEN])
    rows, columns = np.nonzero((named.pixels != unnamed.pixels).any(axis=-1))
    assert 40 < rows.mean() < 80
    assert 60 < columns.mean() < 100


@pytest.mark.parametrize(
    ("owners", "names", "text"),
    [
        (np.zeros((3, 3)), (), r"owners must be int \[H, W\], got float64"),
        (np.zeros((3,), dtype=int), (), r"owners must be int \[H, W\]"),
        (np.full((30, 40), 5), ("sky",), "owners hold 5 but there are 1 names"),
    ],
)
def test_maps_that_are_none_are_refused(owners, names, text):
    with pytest.raises(ValueError, match=text):
        maps.draw_segments(grey(), owners, names)


def test_depth_is_coloured_between_its_ends_and_grey_without_a_reading():
    depth = np.full((30, 40), 2.0)
    depth[:, 20:], depth[0, 0], depth[0, 1], depth[0, 2] = 10.0, 0.0, np.nan, np.inf
    canvas = grey()
    ends = maps.depth_range(depth)
    maps.draw_depth(canvas, depth, *ends)
    assert ends == (2.0, 10.0)
    assert (canvas.pixels[0, :3] == UNKNOWN).all()
    assert (canvas.pixels[5:, :20] == VIRIDIS[0]).all()
    assert (canvas.pixels[5:, 20:] == VIRIDIS[-1]).all()


def test_depth_of_another_size_is_stretched_and_said():
    canvas = grey(scale=2)
    maps.draw_depth(canvas, np.array([[1.0, 2.0]]), 1.0, 2.0)
    assert (canvas.pixels[:, :40] == VIRIDIS[0]).all()
    assert (canvas.pixels[:, 40:] == VIRIDIS[-1]).all()
    assert canvas.notes == ["a map of 2x1 is stretched over 40x30"]


def test_no_reading_at_all_has_a_range():
    assert maps.depth_range(np.zeros((3, 3))) == (0.0, 1.0)
    assert maps.depth_range(np.full((3, 3), np.nan)) == (0.0, 1.0)


def test_errors_rise_from_black():
    errors = np.zeros((30, 40))
    errors[:, 20:], errors[0, 0] = 0.5, np.nan
    canvas = grey()
    maps.draw_error(canvas, errors, 0.5)
    assert (canvas.pixels[1:, :20] == INFERNO[0]).all()
    assert (canvas.pixels[:, 20:] == INFERNO[-1]).all()
    assert tuple(canvas.pixels[0, 0]) == UNKNOWN


def test_the_bar_runs_from_the_first_colour_to_the_last_with_three_ticks():
    bar = np.asarray(maps.colour_bar(200, (0.5, 10.0)))
    assert tuple(bar[0, 0]) == VIRIDIS[0]
    assert tuple(bar[0, -1]) == VIRIDIS[-1]
    ticks = np.flatnonzero((bar[12] == maps.INK).all(axis=-1))
    assert ticks.tolist() == [0, 100, 199]


@pytest.mark.parametrize("width", [1, 5, 30, 60])
def test_a_narrow_bar_leaves_out_numbers(width):
    assert maps.colour_bar(width, (0.5, 10.0)).width == width


def test_a_legend_has_a_square_for_each_name_and_wraps():
    names = ["sky", "grass", "a person with a rather long name"]
    colours = [BLUE, GREEN, (255, 0, 0)]
    wide, narrow = maps.legend(600, names, colours), maps.legend(90, names, colours)
    assert narrow.height == 2 * wide.height
    for colour in colours:
        assert np.count_nonzero((np.asarray(wide) == colour).all(axis=-1)) == 144
    with pytest.raises(ValueError, match="zip"):
        maps.legend(100, names, colours[:1])
