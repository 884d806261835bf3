"""Colours: told apart, stable, readable; scales rise in lightness; grey where nothing is known."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.report import palette

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB; rows give red, green, blue.
DEUTAN = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]])
PROTAN = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])


def linear(colour):
    """Linear RGB of a colour, 0 to 1."""
    part = np.array(colour) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def test_places_of_all_usual_benchmarks_have_colours_of_their_own():
    colours = [palette.hue(place) for place in range(150)]  # ADE20K has the most classes of a map
    assert colours[:7] == list(palette.SERIES)
    assert len(set(colours)) == 150
    assert all(0 <= part <= 255 for colour in colours for part in colour)
    first = np.array(colours[:30], dtype=float)
    apart = np.linalg.norm(first[:, None] - first[None], axis=-1) + 1e9 * np.eye(30)
    assert apart.min() > 15  # of 255, between any two of the first 30


def test_lightness_and_hue_become_the_colours_that_the_space_says():
    # White, and sRGB red with the coordinates that CSS Color 4 gives it: oklch(62.8% 0.25768 29.234deg).
    assert palette._from_oklch(1.0, 0.0, 0.0) == (255, 255, 255)
    red = palette._from_oklch(0.62796, 0.25768, np.deg2rad(29.234))
    np.testing.assert_allclose(red, (255, 0, 0), atol=1)


@pytest.mark.parametrize("seen", [np.eye(3), DEUTAN, PROTAN], ids=["all", "no green cones", "no red cones"])
def test_the_first_seven_colours_stay_apart_for_colour_blind_eyes(seen):
    shown = [np.clip(seen @ linear(colour), 0, 1) ** (1 / 2.2) * 255 for colour in palette.SERIES]
    assert min(np.linalg.norm(one - other) for one, other in combinations(shown, 2)) > 25


def test_a_category_keeps_its_colour_and_unknown_words_have_one_too():
    names = ["sky", "grass", "person"]
    assert [palette.hue_of(name, names) for name in names] == [palette.hue(place) for place in range(3)]
    assert palette.hue_of("unicorn", names) == palette.hue_of("unicorn")
    assert palette.hue_of("unicorn") != palette.hue_of("dragon")


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_ink_is_readable_on_every_colour(colour):
    low, high = sorted((luminance(colour), luminance(palette.ink_on(colour))))
    assert (high + 0.05) / (low + 0.05) >= 4.5  # what WCAG 2 asks of text


@pytest.mark.parametrize("scale", [palette.VIRIDIS, palette.INFERNO])
def test_scales_get_lighter_all_the_way(scale):
    assert all(luminance(one) < luminance(other) for one, other in pairwise(scale))


def test_shade_meets_the_ends_and_greys_what_is_unknown():
    shown = palette.shade(np.array([[2.0, 10.0, -5.0, 99.0, np.nan, np.inf]]), 2.0, 10.0, palette.VIRIDIS)[0]
    first, last = palette.VIRIDIS[0], palette.VIRIDIS[-1]
    assert [tuple(pixel) for pixel in shown.tolist()] == [first, last, first, last, palette.UNKNOWN, palette.UNKNOWN]
    assert tuple(palette.shade(np.array([[6.0]]), 2.0, 10.0, palette.VIRIDIS)[0, 0].tolist()) == palette.VIRIDIS[4]


def test_a_scale_without_a_range_is_one_colour():
    assert tuple(palette.shade(np.array([[3.0]]), 3.0, 3.0, palette.VIRIDIS)[0, 0].tolist()) == palette.VIRIDIS[0]
