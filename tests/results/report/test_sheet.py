"""Sheets: rows and columns of panels, words around them, the same bytes every time."""

import io

import numpy as np
import pytest
from PIL import Image

from results.report.sheet import Layout, Line, Panel, grid, to_bytes

RED = (255, 0, 0)


def red(width, height):
    return Image.new("RGB", (width, height), RED)


def spots(sheet):
    """(left, top, width, height) of the red pictures' rows and columns."""
    where = (np.asarray(sheet) == RED).all(axis=-1)
    return np.flatnonzero(where.any(axis=0)), np.flatnonzero(where.any(axis=1))


def test_pictures_keep_their_size_and_stand_in_rows_and_columns():
    sheet = grid([Panel(red(50, 40)) for _ in range(3)], Layout(columns=2, gap_px=10))
    columns, rows = spots(sheet)
    assert columns.tolist() == [*range(10, 60), *range(70, 120)]
    assert len(rows) == 80
    assert sheet.width == 130


def test_titles_lines_and_keys_make_room_for_themselves():
    plain = grid([Panel(red(200, 40))], Layout())
    full = grid(
        [Panel(red(200, 40), "truth", (Line("a question"), Line("a value", muted=True)), red(200, 9))], Layout()
    )
    assert full.height > plain.height + 15 + 9 + 2 * 12
    assert np.count_nonzero((np.asarray(full) == RED).all(axis=-1)) == 200 * 49  # no word lies on a picture


def test_pictures_of_a_row_stand_at_one_height_whatever_their_words():
    panels = [Panel(red(60, 40), "a title", (Line("word " * 20),)), Panel(red(60, 40))]
    columns, rows = spots(grid(panels, Layout(columns=2)))
    assert len(rows) == 40
    assert len(columns) == 120


def test_a_heading_stands_above_everything():
    sheet = np.asarray(grid([Panel(red(300, 20))], Layout(), [Line("what was asked")]))
    rows = np.flatnonzero((sheet == RED).all(axis=-1).any(axis=1))
    assert (sheet[: rows[0]] < 100).any()


def test_no_panels_are_a_heading_and_no_columns_an_error():
    assert grid([], Layout(), [Line("nothing to show")]).height > 16
    with pytest.raises(ValueError, match="at least 1 column"):
        grid([Panel(red(5, 5))], Layout(columns=0))


def test_the_last_row_may_be_short_and_pictures_of_any_size():
    sizes = [(30, 20), (80, 10), (5, 60), (1, 1)]
    sheet = grid([Panel(red(*size)) for size in sizes], Layout(columns=3))
    assert np.count_nonzero((np.asarray(sheet) == RED).all(axis=-1)) == sum(width * height for width, height in sizes)


@pytest.mark.parametrize(("name", "form"), [("a.png", "PNG"), ("b.WEBP", "WEBP")])
def test_files_have_the_same_bytes_every_time(name, form):
    panel = Panel(red(50, 40), "title", (Line("a line"),))
    first, second = (to_bytes(grid([panel], Layout()), name) for _ in range(2))
    assert first == second
    with Image.open(io.BytesIO(first)) as picture:
        assert picture.format == form


def test_other_endings_are_refused():
    with pytest.raises(ValueError, match=r"must end in \.png or \.webp"):
        to_bytes(red(2, 2), "a.gif")
