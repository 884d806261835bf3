"""Generalised RES by ReLA's rules: the refusal is a flag of its own, apart from the mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from metrics.errors import DataError
from metrics.gres import GRES, aggregate, measure


def encode(array):
    return coco.encode(np.asfortranarray(array, dtype=np.uint8))


def mask(*rows):
    """Draw a mask: '#' is the object."""
    return encode(np.array([[char == "#" for char in row] for row in rows]))


LEFT, RIGHT, NOTHING = mask("##..", "##.."), mask("..##", "...."), mask("....", "....")
CASES = {
    "target found": (measure(LEFT, LEFT), (4, 4)),
    "target missed": (measure(RIGHT, LEFT), (0, 6)),
    "target refused, right mask emitted": (measure(LEFT, LEFT, says_no_target=True), (0, 4)),
    "target refused, other mask emitted": (measure(RIGHT, LEFT, says_no_target=True), (0, 6)),
    "target refused without mask": (measure(None, LEFT, says_no_target=True), (0, 4)),
    "no target, refused": (measure(None, None, says_no_target=True), (0, 0)),
    "no target, refused with a mask": (measure(LEFT, None, says_no_target=True), (0, 0)),
    "no target, something found": (measure(LEFT, None), (0, 4)),
    "no target, empty mask without refusal": (measure(NOTHING, None), (0, 0)),
    "no target, silence": (measure(None, None), (0, 0)),
    "target, silence": (measure(None, LEFT), (0, 4)),
}


@pytest.mark.parametrize("case", CASES)
def test_pixels_of_every_case(case):
    row, want = CASES[case]
    assert (row["inter"], row["union"]) == want
    assert row["missing"] == int("silence" in case)


@pytest.mark.parametrize("case", CASES)
def test_iou_of_every_case(case):
    right = case in {"target found", "no target, refused", "no target, refused with a mask"}
    assert aggregate([CASES[case][0]])["giou"] == float(right)


def test_flag_accuracies():
    rows = [row for row, _ in CASES.values()]
    scores = aggregate(rows)
    assert scores["n_acc"] == pytest.approx(2 / 5)
    assert scores["t_acc"] == pytest.approx(3 / 6)
    assert scores["t_acc_penalised"] == pytest.approx(2 / 6)
    assert scores["pr@0.7"] == pytest.approx(1 / 6)
    assert scores["ciou"] == pytest.approx(4 / 32)


def test_without_any_missing_target_both_flag_accuracies_are_zero():
    scores = aggregate([measure(LEFT, LEFT), measure(None, LEFT)])
    assert (scores["n_acc"], scores["t_acc"]) == (0.0, 0.0)
    assert "t_acc_penalised" not in scores


def test_never_answering_earns_nothing_but_relas_t_acc():
    scores = aggregate([measure(None, LEFT), measure(None, None)])
    assert {key: value for key, value in scores.items() if value} == {"t_acc": 1.0}


@given(st.lists(st.sampled_from(sorted(CASES)), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(names, rng):
    rows = [CASES[name][0] for name in names]
    assert aggregate(rows) == aggregate(rng.sample(rows, len(rows)))


def test_perfect_answers_score_one_everywhere():
    scores = aggregate([measure(LEFT, LEFT), measure(None, None, says_no_target=True)])
    assert set(scores.values()) == {1.0}


def test_an_annotation_without_pixels_is_still_a_target():
    row = measure(NOTHING, NOTHING)
    assert row["no_target"] == 0
    assert aggregate([row])["giou"] == 0.0


def test_masks_of_another_size_and_no_rows_are_refused():
    with pytest.raises(DataError, match="2 x 4 but the other is 1 x 1"):
        measure(LEFT, mask("#"))
    with pytest.raises(ValueError, match="gres has no rows"):
        aggregate([])


def test_the_card_names_every_key():
    scores = aggregate([row for row, _ in CASES.values()])
    assert set(scores) == set(GRES.card.keys)
    assert GRES.headline in scores
