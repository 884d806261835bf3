"""Kinds of mistakes: each one planted is found as what it is, and AP50 is that of the metric."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import detection
from metrics.boxes import box_iou
from metrics.detection import Objects, measure_image
from results.report.breakdown import KINDS, Scene, break_down, confusion

BOX = (0.0, 0.0, 10.0, 10.0)
FAR = (50.0, 50.0, 60.0, 60.0)
SHIFTED = (0.0, 0.0, 10.0, 4.0)
"""IoU 0.4 with BOX."""


def scene(found, true, crowd=()):
    """Found objects are (box, category, score), true ones (box, category)."""
    overlap = [[box_iou(box, other) for other, _ in true] for box, _, _ in found]
    return Scene(
        score=np.array([score for *_, score in found], dtype=np.float64),
        category=np.array([category for _, category, _ in found], dtype=np.int64),
        true_category=np.array([category for _, category in true], dtype=np.int64),
        overlap=np.array(overlap, dtype=np.float64).reshape(len(found), len(true)),
        crowd=np.array([place in crowd for place in range(len(true))], dtype=bool),
    )


@pytest.mark.parametrize(
    "kind, found, true",
    [
        ("classification", [(BOX, 1, 0.9)], [(BOX, 0)]),
        ("localisation", [(SHIFTED, 0, 0.9)], [(BOX, 0)]),
        ("both", [(SHIFTED, 1, 0.9)], [(BOX, 0)]),
        ("duplicate", [(BOX, 0, 0.9), (BOX, 0, 0.8)], [(BOX, 0)]),
        ("background", [(FAR, 0, 0.9), (BOX, 0, 0.95)], [(BOX, 0)]),
        ("missed", [(BOX, 0, 0.9)], [(BOX, 0), (FAR, 0)]),
    ],
)
def test_a_planted_mistake_is_found_as_what_it_is(kind, found, true):
    result = break_down([scene(found, true)])
    others = {"both": {"missed"}}.get(kind, set())  # an object that is wrongly named and badly met is missed, too
    assert {name for name, count in result.counts.items() if count} == {kind, *others}
    assert result.counts[kind] == 1


@pytest.mark.parametrize("kind, box, category", [("classification", BOX, 1), ("localisation", SHIFTED, 0)])
def test_putting_a_mistake_right_makes_it_a_hit(kind, box, category):
    """One object of two is found: AP50 is 51/101 (the recalls up to one half), and 1 once the mistake is mended."""
    result = break_down([scene([(FAR, 0, 0.9), (box, category, 0.8)], [(FAR, 0), (BOX, 0)])])
    assert result.ap50 == pytest.approx(51 / 101, abs=1e-12)
    assert result.gains[kind] == pytest.approx(1 - 51 / 101, abs=1e-12)


def test_of_two_mistakes_on_one_object_the_surer_one_is_mended_and_the_other_goes():
    result = break_down([scene([(SHIFTED, 0, 0.9), (SHIFTED, 0, 0.8)], [(BOX, 0)])])
    assert result.counts["localisation"] == 2
    assert result.gains["localisation"] == pytest.approx(1.0)


def test_a_duplicate_in_front_of_hits_costs_precision():
    found = [(BOX, 0, 0.9), (BOX, 0, 0.8), (FAR, 0, 0.7)]
    result = break_down([scene(found, [(BOX, 0), (FAR, 0)])])
    assert result.gains["duplicate"] == pytest.approx(1 - result.ap50)
    assert result.gains["background"] == 0


def test_a_perfect_answer_has_no_mistakes_and_an_empty_one_misses_all():
    perfect = break_down([scene([(BOX, 0, 0.9), (FAR, 1, 0.2)], [(BOX, 0), (FAR, 1)])])
    assert perfect.ap50 == 1 and not any(perfect.counts.values()) and not any(perfect.gains.values())
    empty = break_down([scene([], [(BOX, 0), (FAR, 1)])])
    assert empty.ap50 == 0 and empty.counts["missed"] == 2


def test_what_lies_in_a_crowd_of_its_category_is_no_mistake():
    result = break_down([scene([(BOX, 0, 0.9)], [(BOX, 0)], crowd=(0,))])
    assert not any(result.counts.values())
    assert math.isnan(result.ap50)  # a crowd is no object that could be found


def test_nothing_at_all_is_undefined():
    assert math.isnan(break_down([]).ap50)
    assert set(break_down([]).counts) == set(KINDS)


BOXES = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(
    lambda xy: (8.0 * xy[0], 8.0 * xy[1], 8.0 * xy[0] + 12, 8.0 * xy[1] + 12)
)
FOUND = st.lists(
    st.tuples(BOXES, st.integers(0, 2), st.integers(1, 10_000)), max_size=8, unique_by=lambda each: each[2]
)
TRUE = st.lists(st.tuples(BOXES, st.integers(0, 2)), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FOUND, TRUE), min_size=1, max_size=4))
def test_ap50_is_that_of_the_metric(images):
    """The metric is tested against pycocotools; scores are all different, so that no order of ties matters."""
    images = [
        ([(box, c, (score * 4 + at) / 50_000) for box, c, score in found], true)
        for at, (found, true) in enumerate(images)
    ]
    rows = []
    for found, true in images:
        sides = [np.array([each[0] for each in side], dtype=np.float64).reshape(-1, 4) for side in (found, true)]
        for side in sides:
            side[:, 2:] -= side[:, :2]
        matches = measure_image(
            Objects(
                np.array([c for _, c, _ in found], dtype=np.int64),
                box_xywh=sides[0],
                score=np.array([s for *_, s in found]),
            ),
            Objects(np.array([c for _, c in true], dtype=np.int64), box_xywh=sides[1]),
        )
        rows.append(matches)
    expected = detection.aggregate(rows, 3)["ap50"]
    result = break_down([scene(found, true) for found, true in images])
    assert result.ap50 == pytest.approx(expected, abs=1e-9)  # sums in another order
    assert all(gain >= 0 for gain in result.gains.values())


def test_confusion_counts_what_the_surest_object_is_called():
    found = [(BOX, 1, 0.9), (BOX, 0, 0.8), (FAR, 1, 0.7)]
    table = confusion([scene(found, [(BOX, 0), (FAR, 1), (FAR, 0), ((80, 80, 90, 90), 0)])], 2)
    assert table.tolist() == [[0, 2, 1], [0, 1, 0]]
