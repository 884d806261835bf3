"""Visual prompts as pixels: exact ones where a shape is fixed, ranges where a seed decides."""

import random

import numpy as np
import pytest
from PIL import Image

from benchmarks.geometry import encode
from benchmarks.schema import Region
from tasks.models.visual_prompts import COLOURS, WORDS, Mark, Style, choose, draw_all
from tasks.models.visual_shapes import draw, extent, widest_angle

GREY = 100
RED_ON_GREY = (178, 50, 50)
"""128 / 255 of red over grey 100, as Pillow composites it."""
BOX = Region("box", box_xyxy=(2.0, 1.0, 7.0, 5.0))
STYLE = Style(anchor=10)


def mark(shape, alpha=128):
    return Mark(shape, "red", (255, 0, 0), alpha)


def canvas(size=(10, 8)):
    return Image.new("RGB", size, (GREY, GREY, GREY))


def painted(region, shape, style=STYLE, size=(10, 8), seed=0):
    """Draw one mark on grey; returns which pixels are red, as rows of text, and checks that the others are grey."""
    seen = np.asarray(draw_all(canvas(size), [region], [mark(shape)], style, seed))
    red = (seen == RED_ON_GREY).all(2)
    assert (red | (seen == GREY).all(2)).all()
    return ["".join(".#"[int(value)] for value in row) for row in red]


def mask(*rows):
    return Region("mask", mask_rle=encode(np.array([[char == "#" for char in row] for row in rows])))


BLOB = mask(
    "..........", "..........", "...####...", "...####...", "...####...", "...####...", "..........", ".........."
)


def test_a_rectangle_is_an_outline_that_grows_inward():
    assert painted(BOX, "rectangle", Style(anchor=30)) == [
        "..........",
        "..######..",
        "..#....#..",
        "..#....#..",
        "..#....#..",
        "..######..",
        "..........",
        "..........",
    ]
    assert painted(BOX, "rectangle", Style(anchor=15))[1:4] == ["..######..", "..######..", "..##..##.."]


def test_a_mask_is_filled_and_its_contour_is_the_thickened_rim():
    assert painted(BLOB, "mask")[1:7] == ["..........", *["...####..."] * 4, ".........."]
    assert painted(BLOB, "mask contour") == [
        "..........",
        "..######..",
        "..######..",
        "..######..",
        "..######..",
        "..######..",
        "..######..",
        "..........",
    ]
    assert painted(BLOB, "mask contour", size=(10, 8), style=Style(anchor=1000))[1] == "..######.."  # never below 1


def test_a_box_stands_for_a_mask_that_there_is_not():
    assert painted(BOX, "mask")[1] == "..######.."
    assert painted(BOX, "mask contour")[2] == "..#....#.."


def test_a_point_is_a_disc_at_its_place():
    region = Region("point", points_xy=((5.0, 4.0),))
    assert painted(region, "point", Style(anchor=40)) == [
        "..........",
        "..........",
        "....###...",
        "...#####..",
        "...#####..",
        "...#####..",
        "....###...",
        "..........",
    ]
    assert painted(BOX, "point", Style(anchor=80))[3] == "...###...."  # middle of the box: 4.5, 3


def test_an_ellipse_touches_the_box():
    rows = painted(BOX, "ellipse", Style(anchor=30))
    assert rows[1] == "...####..." and rows[5] == "...####..."
    assert rows[3] == "..#....#.."


def test_a_scribble_keeps_the_stroke_that_was_drawn():
    line = Region("scribble", points_xy=((1.0, 2.0), (8.0, 2.0)))
    assert painted(line, "scribble", Style(anchor=30)) == [*["." * 10] * 2, ".########.", *["." * 10] * 5]
    raster = Region("scribble", mask_rle=mask(*["." * 10] * 3, "..#.......", *["." * 10] * 4).mask_rle)
    assert painted(raster, "scribble", Style(anchor=30))[2:5] == [".###......"] * 3


@pytest.mark.parametrize("shape", list(WORDS))
@pytest.mark.parametrize("region", [BOX, BLOB, Region("point", points_xy=((4.0, 4.0),))], ids=lambda r: r.kind)
@pytest.mark.parametrize("random_widths", [False, True])
def test_every_shape_marks_every_region_and_a_seed_fixes_it(shape, region, random_widths):
    style = Style(anchor=10, random_widths=random_widths)
    first, again = (painted(region, shape, style, (40, 32), seed=7) for _ in range(2))
    assert first == again
    assert "#" in "".join(first)


@pytest.mark.parametrize("shape", ["triangle", "scribble", "arrow"])
def test_another_seed_draws_another_shape(shape):
    drawn = {tuple(painted(BOX, shape, STYLE, (40, 32), seed=seed)) for seed in range(5)}
    assert len(drawn) == 5


def test_an_arrow_points_into_the_box_and_triangles_stay_inside():
    region = Region("box", box_xyxy=(100.0, 100.0, 200.0, 180.0))
    for seed in range(20):
        layer = np.asarray(draw((300, 300), region, mark("arrow"), Style(), random.Random(seed)))[:, :, 3]
        assert layer[120:161, 125:176].any()  # its tip is in the middle half
        rows, columns = np.asarray(draw((300, 300), region, mark("triangle"), Style(), random.Random(seed)))[
            :, :, 3
        ].nonzero()
        assert rows.min() >= 96 and rows.max() <= 184  # half a line's width beyond the box at most
        assert columns.min() >= 96 and columns.max() <= 204


def test_alpha_blends():
    for alpha in (0, 64, 255):
        seen = draw_all(canvas(), [BOX], [mark("mask", alpha)], STYLE, 0).getpixel((4, 3))
        share = alpha / 255
        assert seen == pytest.approx((share * 255 + (1 - share) * GREY, *[(1 - share) * GREY] * 2), abs=1)


def test_later_marks_cover_earlier_ones():
    over = [mark("mask", 255), Mark("mask", "blue", (0, 0, 255), 255)]
    assert draw_all(canvas(), [BOX, BOX], over, STYLE, 0).getpixel((4, 3)) == (0, 0, 255)


def test_colours_differ_while_named_ones_are_left():
    marks = choose([BOX] * 10, Style(), seed=3)
    assert [each.name for each in marks] == [*COLOURS, ""]
    assert choose([BOX], Style(colour="gold"), 0)[0].rgb == (255, 215, 0)
    drawn = choose([BOX] * 9, Style(colour="random"), seed=3)
    assert {each.name for each in drawn} == set(COLOURS) and [each.name for each in drawn] != list(COLOURS)
    assert drawn == choose([BOX] * 9, Style(colour="random"), seed=3)


def test_each_region_is_shown_as_it_is_unless_told_otherwise():
    regions = [BOX, BLOB, Region("point", points_xy=((1.0, 1.0),)), Region("scribble", points_xy=((0, 0), (3, 3)))]
    assert [each.shape for each in choose(regions, Style(), 0)] == ["rectangle", "mask contour", "point", "scribble"]
    assert {each.shape for each in choose(regions, Style(shape="arrow"), 0)} == {"arrow"}
    assert len({each.shape for each in choose([BOX] * 60, Style(shape="random"), 0)}) == len(WORDS)


def test_alpha_of_training_is_drawn_from_its_range():
    alphas = [each.alpha for each in choose([BOX] * 200, Style(alpha=None), 1)]
    assert 96 <= min(alphas) < 110 and 240 < max(alphas) <= 255
    masks = [each.alpha for each in choose([BOX] * 200, Style(shape="mask", alpha=None), 1)]
    assert 48 <= min(masks) < 60 and 118 < max(masks) <= 128


def test_words_refer_to_a_mark():
    assert mark("arrow").words() == "pointed to by the red arrow"
    assert mark("mask contour").words(coloured=False) == "with the mask contour"
    assert Mark("point", "", (1, 2, 3), 9).words() == "at the point"


def test_extents():
    assert extent(BLOB, 1) == (3.0, 2.0, 7.0, 6.0)
    assert extent(Region("point", points_xy=((4.0, 5.0),)), 2) == (2.0, 3.0, 6.0, 7.0)
    assert extent(Region("scribble", points_xy=((1.0, 5.0), (4.0, 2.0))), 2) == (1.0, 2.0, 4.0, 5.0)


def test_the_widest_angle():
    assert widest_angle([(0, 0), (1, 0), (0, 1)]) == pytest.approx(90)
    assert widest_angle([(0, 0), (1, 0), (2, 0)]) == pytest.approx(180)
    assert widest_angle([(0, 0), (0, 0), (2, 0)]) == 180
