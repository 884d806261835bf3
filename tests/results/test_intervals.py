import numpy as np
import pytest
from scipy import stats

from metrics.base import Card, Metric
from metrics.depth import DEPTH, ERRORS, measure
from metrics.depth_protocols import preset
from metrics.rec import REC
from metrics.res import RES
from results.intervals import intervals

CARD = Card("toy", "nobody", (), {})


def rows_of(metric, count, seed):
    """Rows as the metric's `measure` makes them."""
    random = np.random.default_rng(seed)
    if metric is REC:
        return [{"iou": float(iou), "missing": 0, "malformed": 0} for iou in random.random(count)]
    if metric is DEPTH:
        return [depth_row(random, place) for place in range(count)]
    unions = random.integers(1, 500, count)
    return [{"inter": int(random.integers(0, union + 1)), "union": int(union), "missing": 0} for union in unions]


def depth_row(random, place):
    """Depth of a photo: of every fifth there is no answer, of every seventh no truth."""
    truth = np.zeros((4, 4)) if place % 7 == 6 else random.uniform(1, 9, (4, 4))
    answer = None if place % 5 == 4 else random.uniform(1, 9, (4, 4))
    return measure(answer, truth, preset("depth_anything_v2", "nyu"))


def test_with_one_question_to_an_image_the_interval_is_the_textbook_one():
    rows = rows_of(REC, 2000, seed=3)
    low, high = intervals(REC, rows, [str(place) for place in range(2000)], resamples=4000)["miou"]
    ious = [row["iou"] for row in rows]
    expected = stats.t.interval(0.95, 1999, loc=np.mean(ious), scale=stats.sem(ious))
    # bootstrap noise of a 2.5 % quantile from 4,000 draws is about 0.04 standard errors; allow five times that
    assert (low, high) == pytest.approx(expected, abs=0.2 * stats.sem(ious))


def test_questions_about_one_image_are_drawn_together():
    rows = [row for row in rows_of(REC, 50, seed=4) for _ in range(20)]
    alone = intervals(REC, rows, [str(place) for place in range(1000)])["miou"]
    together = intervals(REC, rows, [str(place // 20) for place in range(1000)])["miou"]
    # twenty copies of each answer: 50 independent facts, so about sqrt(20) times as wide
    assert (together[1] - together[0]) / (alone[1] - alone[0]) == pytest.approx(20**0.5, rel=0.15)


def test_the_order_of_rows_does_not_matter():
    rows, images = rows_of(RES, 60, seed=5), [str(place // 4) for place in range(60)]
    assert intervals(RES, rows, images) == intervals(RES, rows[::-1], images[::-1])


def test_one_image_has_no_interval():
    assert intervals(REC, rows_of(REC, 5, seed=6), ["same"] * 5) == {}


def test_a_key_that_is_neither_mean_nor_ratio_is_aggregated_again_and_nan_has_none():
    def aggregate(rows):
        values = [row["x"] for row in rows]
        always = {"mean": float(np.mean(values)), "median": float(np.median(values)), "nan": float("nan")}
        return always | ({"late": 1.0} if len(rows) > 1 else {})

    metric = Metric("toy", "toy", "toy/1", aggregate, "mean", CARD)
    rows = [{"x": value} for value in (0.0, 0.1, 0.2, 5.0)]
    found = intervals(metric, rows, list("abcd"))
    assert set(found) == {"mean", "median", "late"}
    assert found["late"] == (1.0, 1.0)
    assert found["median"][0] == 0.0


def test_a_share_of_independent_images_has_wilsons_interval_and_a_mean_of_zeros_has_not():
    rows = [{"iou": 1.0, "missing": 0, "malformed": 0}] * 10
    found = intervals(REC, rows, list("abcdefghij"))
    assert found["acc@0.5"] == pytest.approx((10 / (10 + 1.959964**2), 1.0), abs=1e-6)  # Wilson's formula by hand
    assert found["miou"] == (1.0, 1.0)


def test_means_over_answered_photos_have_intervals_and_without_any_truth_there_is_none():
    rows = rows_of(DEPTH, 60, seed=7)
    found = intervals(DEPTH, rows, [str(place) for place in range(60)])
    assert set(found) == set(DEPTH.aggregate(rows))
    low, high = found["coverage"]
    assert low < DEPTH.aggregate(rows)["coverage"] < high < 1
    assert intervals(DEPTH, [rows[6]] * 5, list("abcde")) == {}


def test_a_key_that_some_draws_leave_undefined_has_no_interval():
    rows = [next(row for row in rows_of(DEPTH, 20, seed=8) if row.get("answered") == wanted) for wanted in (1, 0, 0)]
    found = intervals(DEPTH, rows, list("abc"))
    assert "coverage" in found
    assert not set(ERRORS) & set(found)
