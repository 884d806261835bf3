"""The matcher by hand, and the same whatever the size of its blocks; equality with COCO is in test_detection.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import matching
from metrics.coco_overlap import BoxOverlap
from metrics.matching import FALSE_POSITIVE, IGNORED, TRUE_POSITIVE, Detections, Truth, join, match

EVERYTHING = np.array([[0.0, 1e10]])


def truth(boxes, image=0, **flags):
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    off = np.zeros(len(boxes), dtype=bool)
    fields = {"ignored": off, "crowd": off, "nameless": off} | {k: np.asarray(v, dtype=bool) for k, v in flags.items()}
    image = np.broadcast_to(image, len(boxes)).astype(np.int64)
    return Truth(image, np.zeros(len(boxes), np.int64), boxes[:, 2] * boxes[:, 3], **fields), boxes


def found(boxes, score, image=0, **flags):
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    off = np.zeros(len(boxes), dtype=bool)
    fields = {"unusable": off, "lenient": off} | {k: np.asarray(v, dtype=bool) for k, v in flags.items()}
    image = np.broadcast_to(image, len(boxes)).astype(np.int64)
    score = np.asarray(score, dtype=float)
    return Detections(image, np.zeros(len(boxes), np.int64), score, boxes[:, 2] * boxes[:, 3], **fields), boxes


def outcomes(true, answer, limit=100, areas=EVERYTHING):
    """Match and return the outcomes at IoU 0.5, by descending score."""
    overlap = BoxOverlap(answer[1], true[1], true[0].crowd)
    return match(true[0], answer[0], areas, limit, overlap).outcome[:, 0, 0].tolist()


BOX = [0, 0, 10, 10]
FAR = [50, 50, 10, 10]


def test_the_best_score_takes_the_object_and_the_second_is_wrong():
    assert outcomes(truth([BOX]), found([BOX, BOX], [0.1, 0.9])) == [TRUE_POSITIVE, FALSE_POSITIVE]


def test_a_crowd_takes_everything_and_a_counted_object_comes_first():
    both = truth([BOX, BOX], ignored=[1, 0], crowd=[1, 0])
    assert outcomes(both, found([BOX] * 3, [0.9, 0.8, 0.7])) == [TRUE_POSITIVE, IGNORED, IGNORED]


def test_an_ignored_object_that_is_no_crowd_takes_one():
    assert outcomes(truth([BOX], ignored=[1]), found([BOX] * 2, [0.9, 0.8])) == [IGNORED, FALSE_POSITIVE]


def test_on_equal_overlap_the_later_object_is_taken():
    # If the first object were taken, the second detection, which overlaps only the later one, would be right as well.
    true = truth([[0, 0, 10, 10], [4, 0, 10, 10]])
    assert outcomes(true, found([[2, 0, 10, 10], [8, 0, 10, 10]], [0.9, 0.8])) == [TRUE_POSITIVE, FALSE_POSITIVE]


def test_only_the_best_are_kept():
    assert outcomes(truth([BOX]), found([FAR, FAR, BOX], [0.9, 0.8, 0.7]), limit=2) == [FALSE_POSITIVE] * 2


def test_a_match_to_a_nameless_object_does_not_count():
    assert outcomes(truth([BOX], nameless=[1]), found([BOX], [0.9])) == [FALSE_POSITIVE]


def test_an_unusable_detection_is_wrong_even_outside_the_range():
    large = np.array([[1e4, 1e10]])
    assert outcomes(truth([FAR]), found([BOX], [0.9]), areas=large) == [IGNORED]
    assert outcomes(truth([BOX]), found([BOX], [0.9], unusable=[1]), areas=large) == [FALSE_POSITIVE]


def test_a_lenient_detection_is_ignored_when_it_matches_nothing():
    assert outcomes(truth([BOX]), found([BOX, FAR], [0.9, 0.8], lenient=[1, 1])) == [TRUE_POSITIVE, IGNORED]


def test_nothing_on_either_side():
    assert outcomes(truth([]), found([], [])) == []
    assert outcomes(truth([]), found([BOX], [0.5])) == [FALSE_POSITIVE]
    assert outcomes(truth([BOX]), found([], [])) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_blocks_of_pairs_do_not_change_the_result(seed, at_once):
    rng = np.random.default_rng(seed)
    true = truth(rng.integers(1, 12, (15, 4)), rng.integers(0, 4, 15))
    answer = found(rng.integers(1, 12, (25, 4)), rng.choice([0.2, 0.5, 0.9], 25), rng.integers(0, 4, 25))
    overlap = BoxOverlap(answer[1], true[1], true[0].crowd)
    whole = match(true[0], answer[0], EVERYTHING, 100, overlap)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "PAIRS_AT_ONCE", at_once)
        parts = match(true[0], answer[0], EVERYTHING, 100, overlap)
    np.testing.assert_array_equal(whole.outcome, parts.outcome)
    joined = join(whole.per_image(4))
    np.testing.assert_array_equal(joined.outcome, whole.outcome)
    assert joined.counted.sum() == whole.counted.sum()
