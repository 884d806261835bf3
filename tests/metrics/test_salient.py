"""Saliency scores by hand, their properties, and files. Golden values of PySODMetrics are in test_golden_dense."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from metrics.errors import DataError
from metrics.salient import aggregate, e_measure, f_measure, measure, normalise
from metrics.salient_files import score
from metrics.salient_structure import structure, weighted_f

repeatable = settings(deadline=None, derandomize=True, max_examples=30)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def disc(rng, size=(31, 37)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    y, x, r = rng.uniform(8, 22), rng.uniform(8, 28), rng.uniform(3, 8)
    return (((rows - y) ** 2 + (columns - x) ** 2 < r * r) * 255).astype(np.uint8)


def test_128_is_background_and_predictions_use_their_full_range():
    values, mask = normalise(np.array([[50, 100, 150]], np.uint8), np.array([[127, 128, 129]], np.uint8))
    assert values == pytest.approx(np.array([[0.0, 0.5, 1.0]]), abs=1e-15)
    assert mask.tolist() == [[False, False, True]]
    assert normalise(np.full((1, 2), 51, np.uint8), np.zeros((1, 2), np.uint8))[0].tolist() == [[0.2, 0.2]]


def test_f_measure_by_hand():
    """Precision 1/2, recall 1: F = 1.3 * 0.5 / (0.3 * 0.5 + 1)."""
    assert f_measure(np.array([2, 0]), np.array([4, 0]), 2) == pytest.approx([1.3 * 0.5 / 1.15, 0.0])


def test_e_measure_equals_the_pixelwise_definition():
    rng = np.random.default_rng(0)
    pred, target = rng.random((9, 8)) < 0.4, rng.random((9, 8)) < 0.3
    a, b = pred - pred.mean(), target - target.mean()
    pixelwise = ((2 * a * b / (a * a + b * b) + 1) ** 2 / 4).sum() / (pred.size - 1)
    counted = e_measure(np.array([(pred & target).sum()]), np.array([pred.sum()]), int(target.sum()), pred.size)
    assert counted == pytest.approx([pixelwise], rel=1e-12)


def test_weighted_f_equals_a_plain_convolution():
    """The separable blur equals scipy's two-dimensional one."""
    from scipy.ndimage import convolve, distance_transform_edt

    rng = np.random.default_rng(1)
    target, pred = disc(rng) > 0, rng.random((31, 37))
    y, x = np.mgrid[-3:4, -3:4]
    kernel = np.exp(-(x * x + y * y) / 50)
    distance, nearest = distance_transform_edt(~target, return_indices=True)
    error = np.abs(pred - target)
    blurred = convolve(error[tuple(nearest)], kernel / kernel.sum(), mode="constant")
    weighted = np.where(target, np.minimum(error, blurred), error * (2 - 0.5 ** (distance / 5)))
    hit = target.sum() - weighted[target].sum()
    recall, precision = 1 - weighted[target].mean(), hit / (hit + weighted[~target].sum())
    assert weighted_f(pred, target) == pytest.approx(2 * recall * precision / (recall + precision), rel=1e-12)


@repeatable
@given(generators)
def test_the_mask_itself_is_perfect_and_its_inverse_is_worst(rng):
    target = disc(rng)
    best, worst = aggregate([measure(target, target)]), aggregate([measure(255 - target, target)])
    assert (best["mae"], worst["mae"]) == (0.0, 1.0)
    for key in ("f_max", "f_adaptive", "wf", "s_measure", "e_max", "e_adaptive"):
        assert best[key] == pytest.approx(1, abs=1e-3)
        assert worst[key] < best[key] / 2


@repeatable
@given(generators)
def test_order_and_mirroring_do_not_matter(rng):
    """Mirrored pixels sum in another order, hence 1e-9; S rounds its centre, so it may move."""
    target = disc(rng)
    pred = np.clip(target * 0.7 + rng.uniform(0, 80, target.shape), 0, 255).astype(np.uint8)
    rows = [measure(pred, target), measure(target, target), measure(None, target)]
    assert aggregate(rows[::-1]) == pytest.approx(aggregate(rows), rel=1e-12)
    mirrored = measure(pred[:, ::-1].copy(), target[:, ::-1].copy())
    kept = [key for key in rows[0] if key not in ("s_measure", "wf")]
    assert {k: mirrored[k] for k in kept} == pytest.approx({k: rows[0][k] for k in kept}, rel=1e-9)


def test_maxima_belong_to_the_mean_curve():
    target = np.zeros((4, 4), np.uint8)
    target[0] = 255
    low, high = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    low[:2], low[0], low[3, 3] = 100, 120, 255
    high[:2], high[0] = 200, 255
    rows = [measure(low, target), measure(high, target)]
    assert aggregate(rows)["f_max"] < np.mean([aggregate([row])["f_max"] for row in rows])


def test_a_missing_map_is_the_worst():
    scores = aggregate([measure(None, np.zeros((3, 3), np.uint8))])
    assert scores.pop("mae") == 1.0
    assert set(scores.values()) == {0.0}
    assert all(math.isnan(value) for value in aggregate([]).values())


def test_targets_of_one_colour_use_the_mean_prediction():
    pred = np.array([[0.0, 0.5]])
    assert structure(pred, np.zeros((1, 2), bool)) == 0.75
    assert structure(pred, np.ones((1, 2), bool)) == 0.25
    assert weighted_f(pred, np.zeros((1, 2), bool)) == 0.0


@pytest.mark.parametrize(
    ("pred", "text"),
    [
        (np.zeros((2, 3), np.uint8), "one size"),
        (np.zeros((2, 2)), "uint8"),
        (np.zeros((2, 2, 3), np.uint8), "one size"),
    ],
)
def test_unusable_arrays_are_refused(pred, text):
    with pytest.raises(DataError, match=text):
        measure(pred, np.zeros((2, 2), np.uint8))


def test_files_are_scored_and_broken_ones_named(tmp_path):
    rng = np.random.default_rng(2)
    truth, answer = tmp_path / "gt", tmp_path / "pred"
    truth.mkdir(), answer.mkdir()
    masks = {name: disc(rng) for name in "abc"}
    for name, mask in masks.items():
        Image.fromarray(mask).save(truth / f"{name}.png")
    Image.fromarray(masks["a"]).save(answer / "a.png")
    Image.fromarray(masks["b"] > 0).save(answer / "b.png")
    Image.fromarray(masks["a"]).save(answer / "z.png")
    report = score(truth, answer, {})
    assert (report.n, report.missing, report.metrics["mae"]) == (3, 1, pytest.approx(1 / 3))
    assert report.notes == (
        "1 targets have no prediction: MAE 1 and 0 elsewhere",
        "1 predicted files belong to no target: not scored",
    )
    Image.fromarray(masks["c"][:5]).save(answer / "c.png")
    with pytest.raises(DataError, match=r"c\.png is \(5, 37\) but .*c\.png is \(31, 37\)"):
        score(truth, answer, {})
    Image.fromarray(np.zeros((31, 37, 3), np.uint8)).save(answer / "c.png")
    with pytest.raises(DataError, match=r"c\.png is an image of kind RGB: write an 8-bit grey image"):
        score(truth, answer, {})
