"""RES: sum over sum and mean over expressions, empties by rule and by named variant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from metrics.errors import DataError
from metrics.res import RES, RES_LAVT, RES_LISA, aggregate, aggregate_lavt, aggregate_lisa, measure, measure_arrays

counts = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 1)).map(
    lambda c: {"inter": 0 if c[2] else min(c[:2]), "union": max(c[:2]), "missing": c[2]}
)
rows = st.lists(counts, min_size=1, max_size=40)


def encode(array):
    return coco.encode(np.asfortranarray(array, dtype=np.uint8))


def mask(*rows):
    """Draw a mask: '#' is the object."""
    return np.array([[char == "#" for char in row] for row in rows])


def test_ciou_weighs_pixels_and_giou_weighs_samples():
    drawn = [(mask("##", "##"), mask("##", "##")), (mask("#."), mask(".#"))]
    want = {"ciou": 4 / 6, "giou": 0.5, **{f"p@{t}": 0.5 for t in (0.5, 0.6, 0.7, 0.8, 0.9)}}
    assert aggregate([measure_arrays(*each) for each in drawn]) == pytest.approx(want, abs=1e-15)
    assert aggregate([measure(*map(encode, each)) for each in drawn]) == pytest.approx(want, abs=1e-15)


def test_a_threshold_is_reached_by_an_exact_tie():
    scores = aggregate([{"inter": 7000, "union": 10000, "missing": 0}, {"inter": 9, "union": 10, "missing": 0}])
    assert [scores[f"p@{t}"] for t in (0.6, 0.7, 0.8, 0.9)] == [1.0, 1.0, 0.5, 0.5]


def test_an_empty_answer_to_no_target_is_right_but_silence_is_not():
    nothing = mask("..", "..")
    agreed, silent = measure_arrays(nothing, nothing), measure_arrays(None, nothing)
    assert (agreed, silent) == ({"inter": 0, "union": 0, "missing": 0}, {"inter": 0, "union": 0, "missing": 1})
    assert aggregate([agreed])["giou"] == 1.0
    assert aggregate([agreed])["ciou"] == 0.0
    assert aggregate([silent])["giou"] == aggregate([silent])["p@0.5"] == 0.0


def test_variants_disagree_about_an_empty_union_only():
    agreed, silent = {"inter": 0, "union": 0, "missing": 0}, {"inter": 0, "union": 0, "missing": 1}
    assert aggregate_lavt([agreed])["giou"] == 0.0
    assert aggregate_lisa([silent])["giou"] == aggregate_lisa([agreed])["giou"] == 1.0
    plain = [{"inter": 3, "union": 4, "missing": 0}]
    assert aggregate_lavt(plain) == aggregate(plain)
    # 1e-5 in the denominator of LISA's per-sample IoU moves it by less than 1e-5.
    assert aggregate_lisa(plain) == pytest.approx({"ciou": 0.75, "giou": 0.75}, abs=1e-5)


def test_lisa_epsilons_are_its_own():
    assert aggregate_lisa([{"inter": 1, "union": 1, "missing": 0}]) == {"ciou": 1 / (1 + 1e-10), "giou": 1 / (1 + 1e-5)}


def test_silence_keeps_the_target_in_the_union():
    target = mask("##", "#.")
    assert measure_arrays(None, target) == measure(None, encode(target)) == {"inter": 0, "union": 3, "missing": 1}


@given(st.integers(1, 20).flatmap(lambda side: hnp.arrays(bool, (2, side, side + 1))))
def test_run_lengths_and_arrays_give_the_same_row(pair):
    assert measure(*map(encode, pair)) == measure_arrays(*pair)


@given(rows, st.randoms(use_true_random=False))
@pytest.mark.parametrize("metric", [RES, RES_LAVT, RES_LISA])
def test_the_order_of_rows_changes_no_bit(metric, some, rng):
    assert metric.aggregate(some) == metric.aggregate(rng.sample(some, len(some)))


@given(rows)
@pytest.mark.parametrize("metric", [RES, RES_LAVT, RES_LISA])
def test_scores_are_fractions(metric, some):
    assert all(0 <= value <= 1 for value in metric.aggregate(some).values())


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_perfect_masks_score_one(areas):
    perfect = [{"inter": each, "union": each, "missing": 0} for each in areas]
    assert set(aggregate(perfect).values()) == set(aggregate_lavt(perfect).values()) == {1.0}


def test_sums_beyond_32_bits_stay_exact():
    big = [{"inter": 2**31, "union": 2**32 - 1, "missing": 0}] * 1000
    assert aggregate(big)["ciou"] == 2**31 / (2**32 - 1)


def test_masks_of_another_size_and_no_rows_are_refused():
    with pytest.raises(DataError, match="1 x 2 but the other is 2 x 2"):
        measure(encode(mask("#.")), encode(mask("#.", "..")))
    with pytest.raises(DataError, match="1 x 2 but the other is 2 x 2"):
        measure_arrays(mask("#."), mask("#.", ".."))
    for metric in (RES, RES_LAVT, RES_LISA):
        with pytest.raises(ValueError, match="res has no rows"):
            metric.aggregate([])


@pytest.mark.parametrize("metric", [RES, RES_LAVT, RES_LISA])
def test_the_card_names_every_key(metric):
    scores = metric.aggregate([{"inter": 1, "union": 2, "missing": 0}])
    assert set(scores) == set(metric.card.keys)
    assert metric.headline in scores
