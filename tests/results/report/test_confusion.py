"""A table of counts as a picture: every count where its names say, nothing lost by shortening."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.report.axes import Frame
from results.report.confusion import draw_confusion, shorten

SVG = "{http://www.w3.org/2000/svg}"
FRAME = Frame("Confusion", "called", "truth")


def test_every_count_is_drawn_and_told():
    root = ElementTree.fromstring(
        draw_confusion(np.array([[3, 0, 1], [0, 5, 0]]), ["a", "b"], ["a", "b", "none"], FRAME)
    )
    told = [each.text for each in root.iter(f"{SVG}title")]
    assert "a called a: 3 of 4" in told and "a called none: 1 of 4" in told and "b called b: 5 of 5" in told
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"3", "1", "5"} <= set(texts) and "0" not in texts
    [words] = [each.text for each in root.iter(f"{SVG}desc")]
    assert "a: a 3, none 1" in words


def test_hostile_names_stay_words():
    svg = draw_confusion(np.array([[1]]), ["</svg><script>alert(1)</script>"], ["\x00&<b>"], FRAME)
    root = ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert not [each for each in root.iter() if each.tag in (f"{SVG}script", "script")]


def test_other_numbers_of_names_are_refused():
    with pytest.raises(ValueError, match="names"):
        draw_confusion(np.zeros((2, 2), dtype=np.int64), ["a"], ["a", "b"], FRAME)


@given(st.integers(1, 8), st.integers(0, 2), st.integers(1, 9), st.randoms(use_true_random=False))
def test_shortening_keeps_the_sum_and_the_names(rows, extra, most, random):
    counts = np.array([[random.choice([0, 0, 1, 7]) for _ in range(rows + extra)] for _ in range(rows)])
    names = [f"n{at}" for at in range(rows)]
    table, row_names, column_names = shorten(counts, names, [*names, *(f"x{at}" for at in range(extra))], most)
    assert table.shape == (len(row_names), len(column_names))
    assert table.sum() == counts.sum()
    assert len(row_names) <= most + 1
    for row, name in enumerate(row_names):
        if name != "others" and name in column_names:
            at = names.index(name)
            assert table[row, column_names.index(name)] == counts[at, at]
