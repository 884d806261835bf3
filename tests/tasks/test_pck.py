"""The task `mpii_pose`: the MPII table of the official evaluator, through official files."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from benchmarks.errors import ConfigError, DataError
from benchmarks.mpii import SHORT
from benchmarks.registry import benchmark
from benchmarks.schema import Prediction
from metrics.pck_mpii import PARTS
from tasks.pck import configure, official
from tasks.registry import find
from tasks.score import score

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
GOLDEN = SHARED / "golden" / "metrics" / "pck"


@pytest.fixture
def samples(small_world):
    return benchmark("mpii/pose").open(small_world, "val", "sample").samples


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden files are not here")
@pytest.mark.parametrize("zero_head", ["official", "fixed"])
def test_poses_in_official_files_score_as_mmpose_scores_them(refbench, tmp_path, zero_head):
    golden = np.load(GOLDEN / "mpii16.npz")
    (tmp_path / "mpii" / "annot").mkdir(parents=True)
    (tmp_path / "mpii" / "images").mkdir()
    Image.new("RGB", (900, 900)).save(tmp_path / "mpii" / "images" / "1.jpg")
    people = [
        {"image": "1.jpg", "center": [400, 400], "scale": 1, "joints": joints.tolist(), "joints_vis": seen.tolist()}
        for joints, seen in zip(golden["gt"], golden["visible"].astype(int), strict=True)
    ]
    (tmp_path / "mpii" / "annot" / "valid.json").write_text(json.dumps(people))
    heads = np.zeros((2, 2, len(people)))
    heads[1, 0] = golden["head_size"] / 0.6
    truth = {
        "jnt_missing": (~golden["visible"]).T.astype(np.uint8),
        "pos_gt_src": np.moveaxis(golden["gt"], 0, 2),
        "headboxes_src": heads,
        "dataset_joints": np.array([SHORT], dtype=object),
    }
    savemat(tmp_path / "mpii" / "annot" / "gt_valid.mat", truth)
    (results := tmp_path / "results").mkdir()
    savemat(results / "pred.mat", {"preds": golden["pred"] + 1.0})
    (mine := tmp_path / "tasks").mkdir()
    (mine / "mine.yaml").write_text(
        f"kind: pck\nbenchmark: mpii/pose\nsplits: [val]\nprompt: locate_joints_in_box\ndescription: mine\n"
        f"protocol: {{zero_head: {zero_head}}}\n"
    )
    task = find("mine", mine)
    split = benchmark("mpii/pose").open(tmp_path, "val", "official")
    found = task.kind.official(results, split.samples)
    values = score(task.kind, split.samples, [found[sample.id] for sample in split.samples]).metrics
    words = ("--targets", GOLDEN / "mpii16.npz", "--predictions", GOLDEN / "mpii16.npz", "--option", "style=mpii")
    by_files = refbench("score", "pck", *words, "--option", f"zero_head={zero_head}", "--json").json
    expected = {**by_files["metrics"], **{part: own["pckh@0.5"] for part, own in by_files["per_class"].items()}}
    # no distance of these files is so close to a threshold that float32 and float64 differ
    assert values == pytest.approx(expected, abs=1e-12)
    if zero_head == "official":
        whole = json.loads((GOLDEN / "expected.json").read_text())["mpii16"]["MPII_official_style_percent"]
        named = {"PCK": "pckh@0.5", "PCK@0.1": "pckh@0.1", **{f"{part.capitalize()} PCK": part for part in PARTS}}
        assert values["ankle"] is None  # a joint that is never visible, for which mmpose averages in a -1
        defined = {key: ours for key, ours in named.items() if values[ours] is not None}
        # 1e-4: the tolerance of the golden file, 1e-6, in percent
        assert {key: values[ours] * 100 for key, ours in defined.items()} == pytest.approx(
            {key: whole[key] for key in defined}, abs=1e-4
        )


def test_the_oracle_is_perfect_and_the_constant_is_not(refbench, small_world):
    words = ("--task", "mpii_pose", "--data-root", small_world, "--json")
    [row] = refbench("eval", "--model", "oracle", *words).json["rows"]
    assert set(row["metrics"]) == {"pckh@0.5", "pckh@0.1", *PARTS}
    assert [value for value in row["metrics"].values() if value is not None] == pytest.approx(
        [1.0] * len(row["metrics"])
    )
    [row] = refbench("eval", "--model", "constant", *words).json["rows"]
    assert row["metrics"]["pckh@0.5"] == 0


def test_answers_count_from_0_and_the_first_pose_counts(samples):
    kind = find("mpii_pose").kind
    answers = [kind.perfect(sample) for sample in samples]
    assert answers[0].groups[0].instances[0].keypoints[6][:2] == pytest.approx(
        [value - 1 for value in samples[0].target.joints_xy[6]]
    )

    def moved(prediction, share):
        """Move every joint by a share of the head size, in front of an answer without a fault."""
        by_id = {sample.id: sample.target.head_px for sample in samples}
        [pose] = prediction.groups[0].instances
        joints = tuple((x + share * by_id[prediction.sample_id], y, s) for x, y, s in pose.keypoints)
        group = replace(prediction.groups[0], instances=(replace(pose, keypoints=joints), pose))
        return replace(prediction, groups=(group,))

    for share, expected in ((0.09, (1, 1)), (0.4, (1, 0)), (0.6, (0, 0))):
        values = score(kind, samples, [moved(answer, share) for answer in answers]).metrics
        assert (values["pckh@0.5"], values["pckh@0.1"]) == pytest.approx(expected)


def test_another_number_of_joints_and_no_pose_have_all_joints_wrong(samples):
    kind = find("mpii_pose").kind
    right = kind.perfect(samples[0])
    [pose] = right.groups[0].instances
    short = replace(
        right, groups=(replace(right.groups[0], instances=(replace(pose, keypoints=pose.keypoints[:15]),)),)
    )
    for wrong in (short, replace(right, groups=()), Prediction(samples[0].id, "failed")):
        assert score(kind, samples[:1], [wrong]).metrics["pckh@0.5"] == 0


@pytest.mark.parametrize("drop", [0, 1])
def test_a_missing_pose_in_a_results_file_is_missing(refbench, samples, small_world, tmp_path, drop):
    poses = np.array([sample.target.joints_xy for sample in samples])
    poses[drop] = np.nan
    savemat(tmp_path / "pred.mat", {"preds": poses})
    words = ("--task", "mpii_pose", "--predictions", tmp_path, "--data-root", small_world, "--json")
    found = refbench("score", *words).json
    assert (found["n"], found["missing"]) == (len(samples), 1)
    assert 0 < found["metrics"]["pckh@0.5"] < 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"preds": np.zeros((3, 16, 2))}, r"preds is float64 \(3, 16, 2\), not numbers \(2, 16, 2\)"),
        ({"preds": np.full((2, 16, 2), np.inf)}, "pose 0 holds a number that is not finite"),
        ({"poses": np.zeros((2, 16, 2))}, "has no preds"),
        (None, "must be a folder with pred.mat"),
    ],
)
def test_broken_results_are_one_clear_error(samples, tmp_path, content, words):
    if content:
        savemat(tmp_path / "pred.mat", content)
    with pytest.raises(DataError, match=words):
        official(tmp_path, samples)


def test_a_protocol_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="zero_head is 'mine', not one of official, fixed"):
        configure({"zero_head": "mine"})
    assert configure({"zero_head": "fixed"}).metrics[0].protocol == "pck-mpii/1 zero_head=fixed"
