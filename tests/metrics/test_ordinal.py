"""The ordinal error by hand, its properties, and what happens to missing and broken maps."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.errors import DataError
from metrics.ordinal import PAIRS, aggregate, depth_of, draw, measure, relations

repeatable = settings(deadline=None, derandomize=True, max_examples=25)
FIRST_PAIRS = ([3, 0, 6, 0, 0], [1, 3, 5, 6, 2])
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def scene(rng, size=(12, 15)):
    """Disparities of 8 bits, a tenth of them 0 and a tenth without a reading."""
    disparity = rng.integers(1, 256, size).astype(np.float32)
    share = rng.random(size)
    disparity[share < 0.2] = 0
    disparity[share < 0.1] = np.nan
    return disparity


@pytest.mark.parametrize(
    ("first", "second", "relation"),
    [(103, 100, 1), (100, 103, -1), (102, 100, 0), (100, 102, 0), (7, 7, 0), (0, 0, 0), (1, 0, 1), (0, 1, -1)],
)
def test_relations_by_hand(first, second, relation):
    assert relations(np.array([float(first)]), np.array([float(second)])).tolist() == [relation]


def test_the_error_of_three_pixels_is_counted_pair_by_pair():
    disparity = np.array([[4.0, 2.0, 2.0, np.nan]], np.float32)
    pred = np.array([[0.25, 0.5, 0.25, -1]], np.float32)  # disparities 4, 2, 4: the third is told as near as the first
    pairs = [{int(one), int(other)} for one, other in zip(*draw("x", 3), strict=True)]
    # {0, 1} is right; {0, 2} is told equal; {1, 2} is told apart
    wrong = sum(pair != {0, 1} for pair in pairs)
    assert measure(pred, disparity, "x") == {"eligible": 1, "ordinal_error": wrong / PAIRS}
    # each of the three pairs is drawn a third of the time, with a standard error of 0.2 %
    assert wrong / PAIRS == pytest.approx(2 / 3, abs=0.01)


def test_a_map_turned_inside_out_is_wrong_on_every_pair():
    disparity = np.array([[1, 2, 4, 8]], np.float32)
    assert measure(disparity, disparity, "x")["ordinal_error"] == 1


def test_one_depth_everywhere_is_right_only_on_equal_points():
    rng = np.random.default_rng(3)
    disparity = scene(rng)
    flat = measure(np.full(disparity.shape, 3.0, np.float32), disparity, "x")["ordinal_error"]
    known = disparity[~np.isnan(disparity)]
    first, second = draw("x", known.size)
    low, high = np.minimum(known[first], known[second]), np.maximum(known[first], known[second])
    assert flat == np.mean(high * 100 >= low * 103) - np.mean((high == 0) & (low == 0))
    assert flat > 0.8


@repeatable
@given(generators, st.floats(0.01, 100))
def test_the_truth_is_perfect_at_any_scale(rng, scale):
    disparity = scene(rng)
    depth = depth_of(disparity)
    assert measure(depth, disparity, "x")["ordinal_error"] == 0
    assert measure(depth * np.float32(scale), disparity, "x")["ordinal_error"] == 0


@repeatable
@given(generators)
def test_16_bits_survive_the_way_through_float32_depth(rng):
    disparity = rng.integers(1, 2**16, (12, 15)).astype(np.float32)
    assert measure(depth_of(disparity), disparity, "x")["ordinal_error"] == 0


@repeatable
@given(generators, st.floats(0.1, 10))
def test_the_scale_of_neither_map_changes_the_error(rng, scale):
    disparity, pred = scene(rng), depth_of(rng.integers(1, 256, (12, 15)))
    error = measure(pred, disparity, "x")["ordinal_error"]
    assert 0 < error < 1
    assert measure(pred * np.float32(scale), disparity, "x")["ordinal_error"] == error
    assert measure(pred, disparity * np.float32(scale), "x")["ordinal_error"] == error


def test_pairs_are_the_same_for_an_image_and_differ_between_images():
    first, second = draw("hrwsi/val/a", 7)
    assert (first.size, second.size) == (PAIRS, PAIRS)
    assert not (first == second).any()
    assert {*first.tolist()} == {*second.tolist()} == set(range(7))
    # written down once: a change would make numbers of old and new runs differ without a word
    assert (first[:5].tolist(), second[:5].tolist()) == FIRST_PAIRS
    assert not np.array_equal(draw("hrwsi/val/b", 7)[0], first)


def test_every_pair_of_pixels_is_drawn_alike():
    first, second = draw("x", 4)
    counts = np.bincount(first * 4 + second, minlength=16).reshape(4, 4)
    off = counts[~np.eye(4, dtype=bool)] / PAIRS
    assert off == pytest.approx(np.full(12, 1 / 12), abs=0.006)  # five standard errors


def test_pixels_that_are_no_depth_are_wrong_on_their_pairs_only():
    disparity = np.array([[1, 2, 4]], np.float32)
    first, second = draw("x", 3)
    touched = np.mean((first == 1) | (second == 1))
    for broken in (0, -3, math.nan, -math.inf):
        pred = np.array([[1, broken, 0.25]], np.float32)
        assert measure(pred, disparity, "x")["ordinal_error"] == touched
    equal = np.array([[5, 5, 5]], np.float32)
    assert measure(np.array([[1, math.nan, 1]], np.float32), equal, "x")["ordinal_error"] == touched


def test_endless_depth_is_a_disparity_of_0():
    assert measure(np.array([[1, math.inf]]), np.array([[5.0, 0.0]]), "x")["ordinal_error"] == 0


def test_no_map_is_wrong_on_every_pair_and_an_image_without_readings_is_left_out():
    disparity = np.array([[1, 2, 4]], np.float32)
    missing = measure(None, disparity, "x")
    assert missing == {"eligible": 1, "ordinal_error": 1}
    blind = measure(None, np.array([[1, np.nan, np.nan]], np.float32), "x")
    assert blind == {"eligible": 0}
    right = measure(1 / disparity, disparity, "x")
    assert aggregate([missing, blind, right]) == {"ordinal_error": 0.5}
    assert math.isnan(aggregate([blind])["ordinal_error"])


@pytest.mark.parametrize(
    ("pred", "disparity", "said"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), r"prediction is \(2, 3\) but the target is \(3, 2\)"),
        (np.ones(3), np.ones(3), r"target must be a map"),
        (None, np.ones((0, 3)), r"target must be a map"),
        (None, np.array([[-1.0, 2.0]]), "negative or infinite"),
        (None, np.array([[math.inf, 2.0]]), "negative or infinite"),
    ],
)
def test_maps_that_cannot_be_compared_are_told(pred, disparity, said):
    with pytest.raises(DataError, match=said):
        measure(pred, disparity, "x")
