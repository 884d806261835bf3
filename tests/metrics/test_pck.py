"""PCK, PCKh, tPCK, AUC, EPE and NME by eye; goldens from mmpose are in tests/test_golden_coco.py."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.errors import DataError
from metrics.pck import METRICS, SCORERS, Thresholds, aggregate, measure, scores
from metrics.pck_joints import distances, per_joint
from metrics.pck_mpii import weighted

SCORE = SCORERS[0].score


def arrays(folder, found, **truth):
    np.savez(folder / "truth.npz", **truth)
    np.savez(folder / "found.npz", pred=found)
    return folder / "truth.npz", folder / "found.npz"


def persons(count=2, joints=3):
    return {
        "gt": np.zeros((count, joints, 2)),
        "visible": np.ones((count, joints), dtype=bool),
        "bbox_xyxy": np.tile([0.0, 0, 50, 100], (count, 1)),
    }


def test_joints_within_a_fraction_of_the_longer_box_side_are_right(tmp_path):
    found = np.zeros((1, 3, 2))
    found[0, :, 0] = [4.9, 5.0, 12]
    report = SCORE(*arrays(tmp_path, found, **persons(1)), {})
    # A distance of exactly the threshold is wrong.
    assert report.metrics["pck@0.05"] == pytest.approx(1 / 3)
    assert report.metrics["pck@0.1"] == pytest.approx(2 / 3)
    assert report.metrics["pck@0.2"] == pytest.approx(1)
    assert report.metrics["epe"] == pytest.approx((4.9 + 5 + 12) / 3)
    assert report.metrics["nme"] == pytest.approx((4.9 + 5 + 12) / 300)
    assert report.per_class["joint 2"]["pck@0.05"] == 0


def test_the_mean_runs_over_joints_and_not_over_all_visible_points(tmp_path):
    found = np.zeros((3, 2, 2))
    found[1:, 0] = 99
    truth = {**persons(3, 2), "visible": np.array([[1, 1], [1, 0], [1, 0]])}
    assert SCORE(*arrays(tmp_path, found, **truth), {}).metrics["pck@0.1"] == pytest.approx((1 / 3 + 1) / 2)


def test_a_missing_pose_has_all_joints_wrong(tmp_path):
    found = np.zeros((2, 3, 2))
    found[1] = np.nan
    report = SCORE(*arrays(tmp_path, found, **persons()), {})
    assert (report.n, report.missing) == (2, 1)
    assert report.metrics["pck@0.2"] == pytest.approx(0.5)
    assert report.metrics["auc"] == pytest.approx(0.5 * 19 / 20)
    assert report.metrics["epe"] is None


def test_persons_of_length_zero_are_left_out(tmp_path):
    found = np.zeros((2, 3, 2))
    found[1] = 50
    truth = {**persons(), "head_size": np.array([10.0, 0])}
    report = SCORE(*arrays(tmp_path, found, **truth), {})
    assert report.metrics["pckh@0.5"] == pytest.approx(1)
    assert report.metrics["pck@0.2"] == pytest.approx(0.5)
    assert any("head of size 0" in note for note in report.notes)


def test_torso_below_one_pixel_is_taken_from_the_answer(tmp_path):
    truth = persons(2, 3)
    truth["gt"][0] = [[0, 0], [0, 100], [0, 0]]
    found = truth["gt"].copy()
    found[0, 2] = [0, 19]
    found[1] = [[0, 0], [0, 10], [0, 3]]
    report = SCORE(*arrays(tmp_path, found, **truth), {"torso_joints": "0,1"})
    # Person 0: joint 2 is off by 0.19 torsos. Person 1: the found torso has 10 px, joints 1 and 2 are off by 1 and 0.3.
    assert report.per_class["joint 0"]["tpck@0.2"] == 1
    assert report.per_class["joint 1"]["tpck@0.2"] == 0.5
    assert report.per_class["joint 2"]["tpck@0.2"] == 0.5
    with pytest.raises(DataError, match="two joint numbers below 3"):
        SCORE(*arrays(tmp_path, found, **truth), {"torso_joints": "0,7"})


def test_the_mpii_table_weighs_joints_by_visibility():
    apart = np.full((4, 16), 0.0)
    apart[:, 0] = 9
    visible = np.zeros((4, 16), dtype=bool)
    visible[:, 0] = visible[:2, 1] = True
    visible[:, [6, 7]] = True
    # Joint 0 is wrong in 4 persons, joint 1 right in 2; pelvis and thorax do not count.
    assert weighted(np.where(visible, apart, np.nan), visible, 0.5) == pytest.approx(2 / 6)


def test_mpii_persons_without_a_head_follow_the_option(tmp_path):
    truth = {**persons(2, 16), "head_size": np.array([10.0, 0])}
    found = np.full((2, 16, 2), -1.0)
    found[:, :, 0] = 2  # 3 px off after the shift of one pixel: right at 0.5 head sizes, wrong at 0.1
    files = arrays(tmp_path, found, **truth)
    official = SCORE(*files, {"style": "mpii"}).metrics
    fixed = SCORE(*files, {"style": "mpii", "zero_head": "fixed"}).metrics
    assert official == pytest.approx({"pckh@0.5": 1, "pckh@0.1": 0.5})
    assert fixed == pytest.approx({"pckh@0.5": 1, "pckh@0.1": 0})


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 5))
def test_rows_give_the_same_scores_as_arrays_in_any_order(seed, count, joints):
    rng = np.random.default_rng(seed)
    true, found = rng.uniform(0, 100, (2, count, joints, 2))
    found[rng.random(count) < 0.2] = np.nan
    visible = rng.random((count, joints)) < 0.7
    visible[0, 0] = True
    lengths = {"px": np.ones(count), "box": rng.choice([0, 40, 200], count), "head": rng.choice([0, 20, 90], count)}
    apart = {name: distances(found, true, visible, length) for name, length in lengths.items()}
    want = {key: value for key, value in scores(apart, Thresholds()).items() if value is not None}
    rows = [
        measure(
            None if np.isnan(found[i]).any() else found[i],
            true[i],
            visible[i],
            {name: float(lengths[name][i]) for name in ("box", "head")},
        )
        for i in rng.permutation(count)
    ]
    assert aggregate(rows) == pytest.approx(want, abs=1e-12)
    assert json.loads(json.dumps(rows)) == rows


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_pck_grows_with_the_threshold(seed):
    apart = np.random.default_rng(seed).uniform(0, 1, (6, 4))
    shares = [per_joint(apart, t) for t in (0.1, 0.5, 0.9)]
    assert (shares[0] <= shares[1]).all()
    assert (shares[1] <= shares[2]).all()


def test_poses_of_a_coco_file_are_answered_by_annotation(tmp_path):
    pose = [10, 10, 2, 20, 20, 1, 0, 0, 0]
    row = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 100], "area": 100, "iscrowd": 0}
    annotations = [
        {**row, "id": 4, "keypoints": pose, "num_keypoints": 2},
        {**row, "id": 7, "keypoints": pose, "num_keypoints": 2},
        {**row, "id": 9, "keypoints": [0] * 9, "num_keypoints": 0},
    ]
    names = {"id": 1, "name": "person", "keypoints": ["nose", "ear", "toe"]}
    truth, found = tmp_path / "gt.json", tmp_path / "dt.json"
    truth.write_text(json.dumps({"images": [{"id": 1}], "categories": [names], "annotations": annotations}))
    found.write_text(json.dumps([{"annotation_id": 7, "keypoints": [10, 10, 1, 20, 28, 1, 5, 5, 1]}]))
    report = SCORE(truth, found, {})
    assert (report.n, report.missing) == (2, 1)
    assert report.per_class["nose"]["pck@0.05"] == 0.5
    assert report.per_class["ear"] == {"pck@0.05": 0, "pck@0.1": 0.5, "pck@0.2": 0.5}
    assert report.per_class["toe"]["pck@0.2"] is None
    for answers, message in (
        ([{"annotation_id": 9, "keypoints": [0] * 9}], "names 9, which is no annotation with labelled joints"),
        ([{"annotation_id": 7, "keypoints": [0] * 9}] * 2, "annotation 7 has more than one answer"),
        ([{"annotation_id": 7, "keypoints": [0] * 6}], "list of 9 numbers"),
        ({}, "JSON array of answers"),
    ):
        found.write_text(json.dumps(answers))
        with pytest.raises(DataError, match=message):
            SCORE(truth, found, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gt": np.zeros((2, 3))}, r"gt is float64 \(2, 3\) but must be numbers \[any, any, 2\]"),
        ({"visible": np.ones((2, 4))}, r"visible is \(2, 4\)"),
        ({"gt": np.full((2, 3, 2), np.nan)}, "gt of person 0 is not finite"),
        ({"bbox_xyxy": np.array([[0, 0, 5, 5], [5, 0, 1, 5.0]])}, "person 1 ends before it begins"),
        ({"head_size": np.array([1.0])}, "head_size"),
    ],
)
def test_broken_truth_is_named(tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        SCORE(*arrays(tmp_path, np.zeros((2, 3, 2)), **{**persons(), **change}), {})


def test_broken_answers_are_named(tmp_path):
    half = np.zeros((2, 3, 2))
    half[1, 0, 0] = np.nan
    with pytest.raises(DataError, match="pred of person 1 is not finite"):
        SCORE(*arrays(tmp_path, half, **persons()), {})
    with pytest.raises(DataError, match=r"pred is float64 \(3, 3, 2\)"):
        SCORE(*arrays(tmp_path, np.zeros((3, 3, 2)), **persons()), {})
    truth, found = arrays(tmp_path, np.zeros((2, 3, 2)), **persons())
    found.write_bytes(b"no archive")
    with pytest.raises(DataError, match="no readable npz"):
        SCORE(truth, found, {})
    with pytest.raises(DataError, match="has no array gt"):
        np.savez(truth, other=1)
        np.savez(found, pred=1)
        SCORE(truth, found, {})
    with pytest.raises(DataError, match="is missing"):
        SCORE(tmp_path / "absent.npz", found, {})
    with pytest.raises(DataError, match="head_size"):
        SCORE(*arrays(tmp_path, np.zeros((2, 3, 2)), **persons()), {"style": "mpii"})


def test_the_card_describes_every_family_of_keys(tmp_path):
    report = SCORE(*arrays(tmp_path, np.zeros((2, 3, 2)), **persons()), {"torso_joints": "0,1"})
    families = {f"{key.partition('@')[0]}@T" if "@" in key else key for key in report.metrics}
    assert families <= set(METRICS[0].card.keys)
    assert METRICS[0].headline in report.metrics
