"""Curves by hand; equality with pycocotools is in test_detection.py."""

import numpy as np
import pytest

from metrics.coco_eval import ALL, Figure, Rules, accumulate
from metrics.matching import FALSE_POSITIVE, IGNORED, TRUE_POSITIVE, Matches

RULES = Rules({"all": ALL}, (1, 100))
AP = Figure("precision", None, "all", 100)


def ranking(*outcomes, objects):
    """Make one image with one category, its detections by descending score, alike at every threshold."""
    count = len(outcomes)
    column = np.array(outcomes, dtype=np.int8).reshape(-1, 1, 1)
    zeros = np.zeros(count, np.int64)
    ones = np.zeros(objects, np.int64)
    score = np.linspace(1, 0, count)
    counted = np.ones((objects, 1), dtype=bool)
    return Matches(zeros, zeros, score, np.arange(count), np.tile(column, (1, 10, 1)), ones, ones, counted)


def test_precision_is_the_best_at_that_recall_or_beyond():
    # Right, wrong, right, right of 4 objects: precision 1 up to recall 1/4, then 3/4 up to 3/4, then nothing.
    matches = ranking(TRUE_POSITIVE, FALSE_POSITIVE, TRUE_POSITIVE, TRUE_POSITIVE, objects=4)
    curves = accumulate(matches, RULES, 2)
    line = curves.precision[0, :, 0, 0, 1]
    assert line[:26] == pytest.approx(np.ones(26))
    assert line[26:76] == pytest.approx(np.full(50, 0.75))
    assert (line[76:] == 0).all()
    assert curves.recall[0, 0, 0].tolist() == [0.25, 0.75]
    assert AP.of(curves) == pytest.approx((26 + 50 * 0.75) / 101)


def test_ignored_detections_leave_no_trace():
    plain = accumulate(ranking(TRUE_POSITIVE, FALSE_POSITIVE, TRUE_POSITIVE, objects=3), RULES, 1)
    padded = ranking(TRUE_POSITIVE, IGNORED, FALSE_POSITIVE, IGNORED, TRUE_POSITIVE, objects=3)
    np.testing.assert_array_equal(accumulate(padded, RULES, 1).precision[..., 1], plain.precision[..., 1])


def test_what_has_no_object_is_undefined_and_what_has_no_detection_is_zero():
    curves = accumulate(ranking(objects=2), RULES, 2)
    assert (curves.precision[:, :, 0] == 0).all()
    assert (curves.precision[:, :, 1] == -1).all()
    assert AP.of(curves) == 0
    assert AP.of(curves, np.array([1])) is None
    assert Figure("recall", 0.5, "all", 7).of(curves) is None


def test_scores_are_those_at_which_each_recall_is_reached():
    curves = accumulate(ranking(TRUE_POSITIVE, FALSE_POSITIVE, TRUE_POSITIVE, objects=2), RULES, 1)
    line = curves.scores[0, :, 0, 0, 1]
    assert set(line[:51]) == {1.0}
    assert set(line[51:]) == {0.0}
