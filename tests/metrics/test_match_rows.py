"""Rows of samples give back the matches they were cut from, in any order, and count twice when drawn twice."""

import json

import numpy as np
import pytest

from metrics.coco_eval import ALL, LARGE, Rules, accumulate
from metrics.match_rows import from_rows, to_rows
from metrics.matching import Matches

RULES = Rules({"all": ALL, "large": LARGE}, (20,))


@pytest.fixture
def matches():
    """Four images, of which one is empty; scores tie within and between images; detections best first in each image."""
    rng = np.random.default_rng(5)
    image, truth_image = np.array([0, 0, 0, 1, 3, 3]), np.array([3, 0, 0, 1, 3])
    return Matches(
        image=image,
        category=np.array([0, 0, 1, 1, 0, 0]),
        score=np.array([0.9, 0.9, 0.5, 0.9, 0.5, 0.5]),
        rank=np.array([0, 1, 0, 0, 0, 1]),
        outcome=rng.integers(-1, 2, (6, 10, 2)).astype(np.int8),
        truth_image=truth_image,
        truth_category=np.array([0, 0, 1, 1, 0]),
        counted=np.array([[True, False], [True, True], [True, True], [True, False], [False, False]]),
    )


def test_rows_of_images_give_back_the_matches_whatever_their_order(matches):
    rows = to_rows(matches, matches.image, matches.truth_image, np.arange(4))
    assert json.loads(json.dumps(rows)) == rows
    assert rows[2]["score"] == rows[2]["counted"] == []
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        again = from_rows([rows[place] for place in order], 2)
        for name in ("image", "category", "score", "rank", "outcome"):
            assert np.array_equal(getattr(again, name), getattr(matches, name)), name
        stored = np.argsort(matches.truth_image, kind="stable")
        for name in ("truth_image", "truth_category", "counted"):
            assert np.array_equal(getattr(again, name), getattr(matches, name)[stored]), name


def test_an_image_may_be_shared_by_several_samples(matches):
    found_by, asked_in = np.array([1, 0, 1, 2, 3, 3]), np.array([3, 0, 1, 2, -1])
    rows = to_rows(matches, found_by, asked_in, np.array([0, 0, 1, 3]))
    assert [row["score"] for row in rows] == [[0.9], [0.9, 0.5], [0.9], [0.5, 0.5]]
    assert [len(row["counted"]) for row in rows] == [1, 1, 1, 1]
    whole = to_rows(matches, matches.image, matches.truth_image, np.arange(4))
    # Within an image the order of equal scores changes which precision comes first, but never the highest recall.
    one, other = (accumulate(from_rows(each, 2), RULES, 2).recall for each in (rows, whole))
    assert np.array_equal(one, other)


def test_a_row_that_is_drawn_twice_counts_twice(matches):
    rows = to_rows(matches, matches.image, matches.truth_image, np.arange(4))
    again = from_rows([rows[1], rows[1]], 2)
    assert again.score.tolist() == [0.9, 0.9]
    assert again.counted.tolist() == [[True, False]] * 2


def test_no_rows_and_rows_without_anything_are_no_matches():
    for rows in ([], from_nothing()):
        empty = from_rows(rows, 3)
        assert empty.outcome.shape == (0, 10, 3)
        assert empty.counted.shape == (0, 3)


def from_nothing():
    whole = np.zeros(0, dtype=np.int64)
    nothing = Matches(whole, whole, np.zeros(0), whole, np.zeros((0, 10, 3), dtype=np.int8), whole, whole,
                      np.zeros((0, 3), dtype=bool))  # fmt: skip
    return to_rows(nothing, whole, whole, np.arange(2))
