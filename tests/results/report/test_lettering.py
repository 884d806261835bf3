"""Text: measured, wrapped and cut so that it stays inside, whatever it holds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from results.harmless import plain
from results.report import lettering


@given(st.text(max_size=80), st.integers(0, 200), st.integers(1, 4))
def test_wrapped_lines_fit_and_are_not_too_many(text, limit, most):
    lines = lettering.wrap(text, 12, limit, most)
    assert len(lines) <= most
    widest_letter = max((lettering.width(letter, 12) for letter in plain(text)), default=0)
    assert all(lettering.width(line, 12) <= max(limit, widest_letter) for line in lines)


def test_words_break_between_each_other_and_nothing_is_lost():
    text = "the small green triangle to the left of a large blue star"
    lines = lettering.wrap(text, 12, 120, 9)
    assert len(lines) > 1
    assert " ".join(lines) == text


def test_what_does_not_fit_ends_in_dots():
    assert lettering.cut("a very long expression", 12, 60).endswith("...")
    assert lettering.cut("short", 12, 200) == "short"
    assert lettering.cut("anything", 12, 3) == ""
    assert lettering.wrap("one two three four five six", 12, 50, 2)[-1].endswith("...")


def test_a_word_longer_than_a_line_is_broken():
    lines = lettering.wrap("w" * 30, 12, 60, 20)
    assert "".join(lines) == "w" * 30
    assert all(lettering.width(line, 12) <= 60 for line in lines)


def test_letters_stay_within_the_height_of_their_line():
    for size in range(9, 30):
        tall = lettering.height(size)
        drawn = Image.new("RGB", (300, 3 * tall))
        lettering.write(drawn, (0, tall), "ÀAgjpqy|Q", size, (255, 255, 255))
        rows = np.flatnonzero(np.asarray(drawn).any(axis=(1, 2)))
        assert tall - size // 4 <= rows[0]  # the accent of a capital may touch the line above
        assert rows[-1] < 2 * tall
