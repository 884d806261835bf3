"""REC: the top box alone, inclusive thresholds, and no way to gain from a bad answer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.rec import REC, REC_GT, aggregate, measure

rows = st.lists(st.floats(0, 1).map(lambda iou: {"iou": iou, "malformed": 0, "missing": 0}), min_size=1, max_size=40)
boxes = st.tuples(st.floats(0, 500), st.floats(0, 500), st.floats(1, 300), st.floats(1, 300)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def test_an_exact_tie_is_a_hit_and_the_strict_rule_is_shown_beside_it():
    scores = aggregate([measure((0, 0, 1, 2), (0, 0, 2, 2)), measure((0, 0, 2, 2), (0, 0, 2, 2))])
    assert scores == {"acc@0.25": 1.0, "acc@0.5": 1.0, "acc@0.75": 0.5, "miou": 0.75, "acc@0.5_gt": 0.5}


def test_the_strict_variant_turns_the_two_around():
    tie = [measure((0, 0, 1, 2), (0, 0, 2, 2))]
    assert REC_GT.aggregate(tie) == {"acc@0.25": 1.0, "acc@0.5": 0.0, "acc@0.75": 0.0, "miou": 0.5, "acc@0.5_ge": 1.0}


def test_no_answer_counts_as_zero_and_is_marked():
    assert measure(None, (0, 0, 2, 2)) == {"iou": 0.0, "malformed": 0, "missing": 1}
    assert aggregate([measure(None, (0, 0, 2, 2)), measure((0, 0, 2, 2), (0, 0, 2, 2))])["acc@0.5"] == 0.5


@pytest.mark.parametrize("bad", [(2, 0, 0, 2), (0, 2, 2, 0), (0, 0, float("nan"), 2), (0, 0, float("inf"), 2)])
def test_malformed_boxes_are_zero_and_are_not_swapped(bad):
    assert measure(bad, (0, 0, 2, 2)) == {"iou": 0.0, "malformed": 1, "missing": 0}


def test_a_box_without_area_is_zero_but_well_formed():
    assert measure((1, 1, 1, 1), (0, 0, 2, 2)) == {"iou": 0.0, "malformed": 0, "missing": 0}


@given(st.lists(boxes, min_size=1, max_size=10))
def test_the_true_box_scores_one_everywhere(targets):
    scores = aggregate([measure(box, box) for box in targets])
    assert scores == {"acc@0.25": 1.0, "acc@0.5": 1.0, "acc@0.75": 1.0, "miou": 1.0}


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(some, rng: random.Random):
    shuffled = rng.sample(some, len(some))
    assert aggregate(some) == aggregate(shuffled)


@given(rows)
def test_scores_fall_with_the_threshold_and_strict_is_never_higher(some):
    scores, strict = REC.aggregate(some), REC_GT.aggregate(some)
    assert 1 >= scores["acc@0.25"] >= scores["acc@0.5"] >= scores["acc@0.75"] >= 0
    for threshold in ("0.25", "0.5", "0.75"):
        assert strict[f"acc@{threshold}"] <= scores[f"acc@{threshold}"]
        assert scores.get(f"acc@{threshold}_gt", scores[f"acc@{threshold}"]) == strict[f"acc@{threshold}"]


def test_no_rows_and_wrong_boxes_are_refused():
    with pytest.raises(ValueError, match="rec has no rows"):
        aggregate([])
    with pytest.raises(ValueError, match="target_box must be finite"):
        measure((0, 0, 1, 1), (3, 0, 1, 1))
    with pytest.raises(ValueError, match="got 3 numbers"):
        measure((0, 0, 1), (0, 0, 1, 1))


@pytest.mark.parametrize("metric", [REC, REC_GT])
def test_the_card_names_every_key(metric):
    scores = metric.aggregate([{"iou": 0.3, "malformed": 0, "missing": 0}])
    assert set(scores) <= set(metric.card.keys)
    assert metric.headline in scores
