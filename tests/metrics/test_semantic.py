"""Semantic scores on maps one can count, their properties, and agreement with an independent engine."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from metrics.errors import DataError
from metrics.semantic import aggregate, confusion, measure, score, shift_zero

IGNORE = 255
repeatable = settings(deadline=None, derandomize=True)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def labels(*rows):
    return np.array([[IGNORE if c == "." else int(c) for c in row] for row in rows], np.uint8)


def test_scores_by_hand():
    scores = aggregate([measure(labels("0011"), labels("0001"), 2)])
    assert scores == pytest.approx({"miou": (2 / 3 + 1 / 2) / 2, "fwiou": (3 * 2 / 3 + 1 / 2) / 4,
                                    "macc": (2 / 3 + 1) / 2, "pacc": 3 / 4})


def test_ignored_pixels_leave_the_predicted_totals_too():
    assert aggregate([measure(labels("0011"), labels("00.."), 2)])["miou"] == 1.0


def test_a_class_that_is_only_predicted_counts_in_one_convention():
    rows = [measure(labels("0002"), labels("0000"), 3)]
    assert aggregate(rows)["miou"] == 3 / 4
    assert aggregate(rows, "mmseg")["miou"] == 3 / 8


def test_an_unknown_class_counts_against_its_target():
    row = measure(np.array([[0, 0, 7, 255]]), labels("0000"), 2)
    assert (row["unknown"], aggregate([row])["miou"]) == (2, 0.5)
    assert confusion(np.array([[-1]]), labels("0"), 2).tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_a_missing_prediction_is_wrong_everywhere():
    row = measure(None, labels("011."), 2)
    assert aggregate([row]) == {"miou": 0.0, "fwiou": 0.0, "macc": 0.0, "pacc": 0.0}
    assert row["unknown"] == 0


def test_it_is_not_a_mean_of_images():
    rows = [measure(labels("0000"), labels("0000"), 2), measure(labels("1"), labels("0"), 2)]
    assert aggregate(rows)["miou"] == 4 / 5


def test_without_labelled_pixels_nothing_is_defined():
    assert all(math.isnan(v) for v in aggregate([measure(labels("0"), labels("."), 2)]).values())


def test_ade20k_labels_move_down_by_one():
    assert shift_zero(np.array([0, 1, 150, 255], np.uint8), 255).tolist() == [255, 0, 149, 255]


@pytest.mark.parametrize(
    ("pred", "target", "text"),
    [
        (labels("00"), labels("0"), "resize the scores"),
        (np.array([[0.0]]), labels("0"), "whole numbers"),
        (labels("0"), labels("5"), "target label 5 is neither below num_classes=2 nor ignore=255"),
    ],
)
def test_unusable_arrays_are_refused(pred, target, text):
    with pytest.raises(DataError, match=text):
        measure(pred, target, 2)


def random_pair(rng, classes=5):
    target = rng.integers(0, classes, (9, 11)).astype(np.uint8)
    target[rng.random(target.shape) < 0.1] = IGNORE
    pred = np.where(rng.random(target.shape) < 0.6, target, rng.integers(0, classes, target.shape))
    return np.where(pred == IGNORE, 0, pred).astype(np.uint8), target


@repeatable
@given(generators)
def test_perfect_scores_one_and_order_does_not_matter(rng):
    pairs = [random_pair(rng) for _ in range(3)]
    perfect = aggregate([measure(t, t, 5) for _, t in pairs])
    assert set(perfect.values()) == {1.0}
    rows = [measure(p, t, 5) for p, t in pairs]
    assert aggregate(rows[::-1]) == pytest.approx(aggregate(rows), abs=0)


@repeatable
@given(generators)
def test_random_maps_score_as_hotcoco_does(rng):
    """hotcoco follows mmseg; only the order of sums may differ, hence 1e-12."""
    engine = pytest.importorskip("hotcoco.semantic")
    evaluation = engine.SemanticEval(5)
    pairs = [random_pair(rng) for _ in range(3)]
    for pred, target in pairs:
        evaluation.update(target, pred)
    theirs = evaluation.report()["metrics"]
    ours = aggregate([measure(p, t, 5) for p, t in pairs], "mmseg")
    names = {"miou": "mIoU", "fwiou": "fwIoU", "macc": "mAcc", "pacc": "aAcc"}
    assert ours == pytest.approx({key: theirs[name] for key, name in names.items()}, abs=1e-12)


@pytest.fixture
def folders(tmp_path):
    for name, maps in {"gt": ("01.", "11."), "pred": ("010",)}.items():
        (tmp_path / name).mkdir()
        for number, rows in enumerate(maps):
            Image.fromarray(labels(rows)).save(tmp_path / name / f"{number}.png")
    return tmp_path / "gt", tmp_path / "pred"


def test_files_are_scored_and_missing_ones_counted(folders):
    report = score(*folders, {"num_classes": "2"})
    assert (report.n, report.missing) == (2, 1)
    assert report.metrics["pacc"] == 0.5
    assert report.per_class == {"0": {"iou": 1.0, "acc": 1.0}, "1": {"iou": 1 / 3, "acc": 1 / 3}}
    assert report.protocol == "semantic/1 average=detectron2 ignore=255 reduce_zero=no"
    assert report.notes == ("1 targets have no prediction: all their pixels count as wrong",)


def test_class_names_come_from_a_file(folders):
    truth, _ = folders
    names = truth.parent / "classes.json"
    names.write_text(json.dumps({"class_names": ["cat", "dog"]}))
    assert set(score(*folders, {}).per_class) == {"cat", "dog"}
    with pytest.raises(DataError, match=r"num_classes=3 but .*classes\.json names 2 classes"):
        score(*folders, {"num_classes": "3"})
    for content, text in (("", "is empty"), ('{"x": 1}', "list of names"), ('["a", "a"]', "twice")):
        names.write_text(content)
        with pytest.raises(DataError, match=text):
            score(*folders, {})


def test_zero_can_be_reduced_on_either_side(folders):
    target_only = score(*folders, {"num_classes": "1", "reduce_zero": "target"})
    both = score(*folders, {"num_classes": "1", "reduce_zero": "both"})
    assert (target_only.metrics["pacc"], both.metrics["pacc"]) == (0.0, 1 / 3)


def test_broken_files_and_options_are_named(folders):
    truth, answer = folders
    with pytest.raises(DataError, match="give num_classes=N"):
        score(truth, answer, {})
    with pytest.raises(DataError, match="option average=best is not one of detectron2, mmseg"):
        score(truth, answer, {"average": "best"})
    with pytest.raises(DataError, match=r"gt.0\.png: target label 1 is neither"):
        score(truth, answer, {"num_classes": "1", "ignore": "0"})
    Image.fromarray(labels("01")).save(answer / "1.png")
    with pytest.raises(DataError, match=r"pred.1\.png is \(1, 2\) but .*gt.1\.png is \(1, 3\)"):
        score(truth, answer, {"num_classes": "2"})
    Image.fromarray(np.zeros((1, 3, 3), np.uint8)).save(answer / "1.png")
    with pytest.raises(DataError, match=r"1\.png is an image of kind RGB"):
        score(truth, answer, {"num_classes": "2"})
