"""Rows of plain numbers carry all that AP needs: through JSON, in any order, drawn twice."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.ap_rows import categories_of, from_rows, to_rows
from metrics.coco_eval import accumulate, figures
from metrics.coco_overlap import BoxOverlap
from metrics.detection import AREAS, BBOX, RULES, aggregate_rows, wanted
from metrics.matching import Detections, Truth, match

counts = st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(1, 4), st.integers(0, 2**32 - 1))
repeatable = settings(deadline=None, derandomize=True)


def matches(objects, found, images, seed):
    """Match random boxes on a small grid, so that hits, misses, ties and all sizes occur."""
    rng = np.random.default_rng(seed)
    objects, found = objects * images, found * images

    def boxes(count):
        return np.concatenate((rng.integers(0, 2, (count, 2)) * 9, rng.choice([9, 12, 50, 120], (count, 2))), axis=1)

    true_xywh, found_xywh = boxes(objects).astype(float), boxes(found).astype(float)
    crowd = rng.random(objects) < 0.2
    no = np.zeros(found, dtype=bool)
    truth = Truth(
        rng.integers(0, images, objects), rng.integers(1, 4, objects), true_xywh[:, 2:].prod(1), crowd, crowd,
        np.zeros(objects, dtype=bool),
    )  # fmt: skip
    detections = Detections(
        rng.integers(0, images, found), rng.integers(1, 5, found), rng.integers(0, 3, found) / 2.0,
        found_xywh[:, 2:].prod(1), no, no,
    )  # fmt: skip
    return match(truth, detections, RULES.ranges(), 100, BoxOverlap(found_xywh, true_xywh, crowd)), images


def of_all(found):
    values = figures(wanted(RULES.max_dets), accumulate(found, RULES, categories_of(found)))
    return {key: np.nan if value is None else value for key, value in values.items()}


@repeatable
@given(counts, st.randoms(use_true_random=False))
def test_rows_in_any_order_give_the_figures_of_all_matches(sizes, random):
    found, images = matches(*sizes)
    rows = json.loads(json.dumps(to_rows(found, [7 * number for number in range(images)])))
    random.shuffle(rows)
    # the same numbers in the same order of summation: equal to the last bit
    assert aggregate_rows(rows) == pytest.approx(of_all(found), abs=0, nan_ok=True)


@repeatable
@given(counts)
def test_every_row_drawn_twice_is_twice_the_objects(sizes):
    found, images = matches(*sizes)
    rows = to_rows(found, range(images))
    once, twice = from_rows(rows, len(AREAS)), from_rows([*rows, *rows], len(AREAS))
    assert len(twice.score) == 2 * len(once.score)
    assert twice.counted.sum() == 2 * once.counted.sum()
    # recall counts objects alone, so doubling both sides leaves it as it is (up to rounding of a quotient)
    for key in ("ar1", "ar100", "ar_small"):
        assert aggregate_rows([*rows, *rows])[key] == pytest.approx(aggregate_rows(rows)[key], nan_ok=True)


def test_rows_hold_plain_numbers_and_flat_lists_only():
    found, images = matches(3, 4, 2, 0)
    for row in to_rows(found, range(images)):
        for value in row.values():
            assert all(type(each) in (int, float) for each in (value if isinstance(value, list) else [value]))


def test_refused_answers_are_shown_where_there_are_any():
    found, images = matches(3, 4, 2, 0)
    rows = to_rows(found, range(images))
    assert "unscored" not in aggregate_rows(rows)
    rows[0]["unscored"] = 1
    assert aggregate_rows(rows)["unscored"] == 1
    assert set(aggregate_rows(rows)) <= set(BBOX.card.keys)
