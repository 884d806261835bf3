"""Depth errors by hand, their properties, and what happens to missing, broken and unscorable maps."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.depth import DELTAS, ERRORS, aggregate, errors, measure
from metrics.depth_protocols import preset
from metrics.errors import DataError

PLAIN = preset("zoedepth", "kitti")
repeatable = settings(deadline=None, derandomize=True)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def scene(rng, size=(40, 60)):
    return rng.uniform(1, 70, size).astype(np.float32)


def test_errors_by_hand():
    scores = errors(np.array([2.0, 8.0]), np.array([4.0, 8.0]))
    half = math.log(2)
    assert scores == pytest.approx(
        {
            "abs_rel": 0.25, "sq_rel": 0.5, "rmse": math.sqrt(2), "rmse_log": half / math.sqrt(2),
            "log10": math.log10(2) / 2, "silog": 100 * half / 2, "silog_l1_x100": 100 * half / 2,
            "silog_l0.5": math.sqrt(half**2 / 2 - 0.5 * half**2 / 4), "i_rmse": 0.25 / math.sqrt(2),
            "delta1": 0.5, "delta2": 0.5, "delta3": 0.5,
        }
    )


def test_delta_is_strict():
    assert errors(np.array([1.25]), np.array([1.0]))["delta1"] == 0.0
    assert errors(np.array([1.25]), np.array([1.0]))["delta2"] == 1.0


def test_silog_with_lambda_one_forgives_a_global_scale():
    target = np.array([1.0, 2.0, 5.0])
    scores = errors(2 * target, target, (1.0, 1.0))
    assert scores["silog"] == pytest.approx(0, abs=1e-7)
    assert scores["silog_l0.5"] == pytest.approx(math.log(2) / math.sqrt(2))


@repeatable
@given(generators)
def test_the_truth_itself_is_perfect_and_a_better_map_scores_better(rng):
    target = scene(rng)
    row = measure(target, target, PLAIN)
    assert [row[key] for key in ERRORS] == [0.0] * len(ERRORS)
    assert [row[key] for key in DELTAS] == [1.0] * len(DELTAS)
    close, far = (measure(target * (1 + e), target, PLAIN) for e in (0.1, 0.2))
    assert all(close[key] < far[key] for key in ("abs_rel", "sq_rel", "rmse", "rmse_log", "log10"))


@repeatable
@given(generators)
def test_the_order_of_images_does_not_matter(rng):
    rows = [measure(scene(rng), scene(rng), PLAIN) for _ in range(4)]
    assert aggregate(rows[::-1]) == aggregate(rows)


def test_means_are_over_images_not_pixels():
    few, many = np.zeros((40, 60), np.float32), np.full((40, 60), 10.0, np.float32)
    few[25, 30] = 10.0
    rows = [measure(np.full((40, 60), 20.0), few, PLAIN), measure(many, many, PLAIN)]
    assert aggregate(rows)["abs_rel"] == 0.5


def test_a_missing_map_lowers_coverage_and_counts_as_the_worst():
    target = np.full((40, 60), 10.0, np.float32)
    scores = aggregate([measure(target, target, PLAIN), measure(None, target, PLAIN)])
    assert (scores["coverage"], scores["delta1"], scores["abs_rel"]) == (0.5, 1.0, 0.0)
    assert (scores["delta1_penalised"], scores["abs_rel_penalised"]) == (0.5, 0.5)


def test_an_image_without_valid_pixels_is_left_out():
    target = np.full((40, 60), 10.0, np.float32)
    rows = [measure(target, np.zeros_like(target), PLAIN), measure(None, np.full_like(target, np.nan), PLAIN)]
    assert [row["eligible"] for row in rows] == [0, 0]
    assert all(math.isnan(value) for value in aggregate(rows).values())
    assert aggregate([*rows, measure(target, target, PLAIN)])["coverage"] == 1.0


def test_fewer_valid_pixels_than_the_protocol_asks_for_leave_an_image_out():
    target = np.zeros((4, 5), np.float32)
    target[0] = target[1, :4] = 2.0
    protocol = preset("depth_anything_v2", "nyu")
    assert measure(target, target, protocol)["eligible"] == 0
    target[1] = 2.0
    assert measure(target, target, protocol)["eligible"] == 1


def test_values_that_are_not_finite_are_capped_or_make_the_map_unusable():
    target = np.full((40, 60), 10.0, np.float32)
    pred = target.copy()
    pred[25, 30:33] = (np.nan, np.inf, -1.0)
    row = measure(pred, target, PLAIN)
    assert (row["answered"], row["replaced_px"]) == (1, 2)
    assert row["delta1"] == pytest.approx(1 - 3 / row["valid_px"])
    unclamped = preset("depth_anything_v2", "kitti")
    assert measure(pred, target, unclamped)["answered"] == 0
    assert measure(np.full_like(target, np.nan), target, PLAIN)["answered"] == 0


@pytest.mark.parametrize("pred", [np.zeros((2, 2, 3)), np.zeros((0, 4))])
def test_arrays_that_are_no_map_are_refused(pred):
    with pytest.raises(DataError, match=r"the prediction must be a map \[H, W\]"):
        measure(pred, np.ones((40, 60), np.float32), PLAIN)
