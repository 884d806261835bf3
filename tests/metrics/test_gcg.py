import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.gcg import aggregate, measure

MATRICES = st.integers(0, 4).flatmap(
    lambda g: st.integers(0, 4).flatmap(
        lambda p: st.lists(st.floats(0, 1), min_size=g * p, max_size=g * p).map(lambda v: np.array(v).reshape(g, p))
    )
)


def matched(iou, labels="dog cat", phrases="dog cat"):
    return measure(np.array(iou, float), labels.split(), phrases.split())


def test_pairs_are_taken_best_first_and_once():
    row = matched([[0.9, 0.8], [0.7, 0.1]])
    assert row["iou_mean"] == pytest.approx((0.9 + 0.1) / 2)
    assert row["iou_penalised"] == pytest.approx((0.9 + 0.1) / 2)


def test_objects_left_over_hurt_only_the_penalised_mean():
    row = matched([[0.8], [0.0], [0.0], [0.0]], "a b c d", "a")
    assert (row["iou_mean"], row["iou_penalised"]) == (pytest.approx(0.8), pytest.approx(0.2))
    row = matched([[0.8, 0, 0, 0]], "a", "a b c d")
    assert (row["iou_mean"], row["iou_penalised"]) == (pytest.approx(0.8), pytest.approx(0.2))


def test_recall_stops_at_the_first_pair_that_fails():
    assert matched([[0.9, 0], [0, 0.8]])["hits"] == 2
    assert matched([[0.9, 0], [0, 0.8]], phrases="dog bird")["hits"] == 1
    assert matched([[0.9, 0], [0, 0.8]], phrases="bird cat")["hits"] == 0  # the better pair fails and ends the image
    assert matched([[0.9, 0], [0, 0.4]])["hits"] == 1
    assert matched([[0.5]], "dog", "dog")["hits"] == 1


def test_an_image_without_prediction_scores_nothing_and_counts():
    empty = measure(np.zeros((2, 0)), ["dog", "cat"], [])
    assert empty == {"iou_mean": 0.0, "iou_penalised": 0.0, "hits": 0, "objects": 2}
    scores = aggregate([empty, matched([[1, 0], [0, 1]])])
    assert scores == {"miou": 0.5, "recall": 0.5, "miou_penalised": 0.5}


@given(MATRICES)
def test_penalised_is_never_above_and_hits_are_bounded(iou):
    labels, phrases = ["x"] * iou.shape[0], ["x"] * iou.shape[1]
    row = measure(iou, labels, phrases)
    assert row["iou_penalised"] <= row["iou_mean"] + 1e-12
    assert 0 <= row["iou_mean"] <= 1 + 1e-12
    assert row["hits"] <= min(iou.shape)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 labels and 1 phrases"):
        measure(np.zeros((2, 2)), ["a", "b"], ["a"])
    with pytest.raises(ValueError, match="at least one image"):
        aggregate([])
