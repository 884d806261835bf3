"""The tasks `coco_keypoints` and `coco_keypoints_box`: equal to pycocotools on results of real models, and fair."""

import contextlib
import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchmarks.coco_keypoints import FILE
from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.registry import benchmark
from benchmarks.schema import Group, Instance, Prediction
from metrics.keypoints import KEYPOINTS
from tasks.keypoints import configure
from tasks.pose_results import read_results
from tasks.registry import find
from tasks.score import score

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
DATA = SHARED / "data"
TRUTHS = {
    "coco_keypoints_mini": ("annotations/person_keypoints_train2017.json", "train2017"),
    "mmpose_coco": ("test_coco.json", "."),
}
KEYS = {"AP": "ap", "AP50": "ap50", "AP75": "ap75", "APm": "ap_medium", "APl": "ap_large",
        "AR": "ar", "AR50": "ar50", "AR75": "ar75", "ARm": "ar_medium", "ARl": "ar_large"}  # fmt: skip
AREAS = (500, 1024, 4000.5, 9216, 20000)
TASKS = ("coco_keypoints", "coco_keypoints_box")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real annotations are not here")


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A data root of each folder of real photos and annotations."""
    found = {}
    for name, (annotations, photos) in TRUTHS.items():
        root = found[name] = tmp_path_factory.mktemp(name)
        (root / FILE).parent.mkdir(parents=True)
        shutil.copy(DATA / name / annotations, root / FILE)
        (root / "coco" / "val2017").symlink_to((DATA / name / photos).resolve())
    return found


def official(truth_path, results):
    """Figures of pycocotools, in the order of KEYS."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(truth_path))
        evaluator = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [None if value == -1 else value for value in evaluator.stats.tolist()]


@needs_data
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", ["movenet_keypoints", "mediapipe_pose"])
@pytest.mark.parametrize("truth", TRUTHS)
def test_results_of_real_models_score_as_pycocotools_scores_them(refbench, roots, task, model, truth):
    results = DATA / "real_predictions" / f"{model}_{truth}.json"
    expected = json.loads((results.parent / "expected_stats.json").read_text())[results.name]
    words = ("score", "--task", task, "--predictions", results, "--data-root", roots[truth], "--json")
    found = refbench(*words).json
    assert {key: found["metrics"][ours] for key, ours in KEYS.items()} == pytest.approx(expected["stats"], abs=5e-7)
    # 1e-12: the same sums in the same order
    assert [found["metrics"][ours] for ours in KEYS.values()] == pytest.approx(
        official(roots[truth] / FILE, json.loads(results.read_text())), abs=1e-12
    )
    people = {"coco_keypoints_mini": 53, "mmpose_coco": 12}[truth]
    if task == "coco_keypoints_box":
        assert (found["n"], found["missing"]) == (people, people - expected["results"])


@needs_data
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("truth", TRUTHS)
def test_the_oracle_is_perfect_and_the_constant_is_not(refbench, roots, task, truth):
    words = ("--task", task, "--data-root", roots[truth], "--json")
    [row] = refbench("eval", "--model", "oracle", *words).json["rows"]
    # 1e-12: pycocotools adds 2.2e-16 to the denominator of precision
    assert row["metrics"] == pytest.approx(dict.fromkeys(KEYS.values(), 1.0), abs=1e-12)
    [row] = refbench("eval", "--model", "constant", *words).json["rows"]
    assert row["metrics"]["ap"] < 0.05


@needs_data
def test_a_part_of_the_people_is_scored_on_them_alone(refbench, roots):
    words = ("--task", "coco_keypoints_box", "--data-root", roots["mmpose_coco"], "--json", "--limit", "3")
    [row] = refbench("eval", "--model", "oracle", *words).json["rows"]
    assert row["n"] == 3
    assert row["metrics"]["ap"] == row["metrics"]["ar"] == pytest.approx(1.0)


@pytest.mark.parametrize("task", TASKS)
def test_the_sample_world_scores_as_pycocotools_does(task, small_world, tmp_path):
    split = find(task), benchmark(find(task).benchmark).open(small_world, "val", "sample")
    kind, samples = split[0].kind, split[1].samples
    rng = np.random.default_rng(0)
    people = [each for each in json.loads((small_world / FILE).read_text())["annotations"] if each["num_keypoints"]]
    results = [
        {"image_id": each["image_id"], "category_id": 1, "score": 0.5,
         "keypoints": (np.array(each["keypoints"]) + rng.normal(0, 2, 51)).tolist()}
        for each in people for _ in range(2)
    ]  # fmt: skip
    (path := tmp_path / "results.json").write_text(json.dumps(results))
    found = kind.official(path, samples)
    answers = [found.get(sample.id, Prediction(sample.id, "failed")) for sample in samples]
    values = score(kind, samples, answers).metrics
    assert [values[ours] for ours in KEYS.values()] == official(small_world / FILE, results)
    assert 0 < values["ap"] < 1


def random_truth(rng):
    """People of four images: crowds, people without labelled joints, annotation id 0, areas on the limits of sizes."""
    images = [{"id": number, "file_name": f"{number}.jpg", "height": 9, "width": 9} for number in (30, 4, 7, 100)]
    people = []
    for number in rng.permutation(12).tolist():
        crowd = rng.random() < 0.15
        seen = rng.choice([0, 1, 2], 17) * (rng.random() < 0.8 and not crowd)
        joints = np.column_stack((rng.uniform(0, 90, (17, 2)).round(1), seen))
        people.append(
            {"id": number, "image_id": int(rng.choice([30, 4, 7])), "category_id": 1, "iscrowd": int(crowd),
             "bbox": rng.uniform(1, 60, 4).round(2).tolist(), "area": float(rng.choice(AREAS)),
             "keypoints": joints.ravel().tolist(), "num_keypoints": int((seen > 0).sum())}
        )  # fmt: skip
    return {"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}


def random_results(rng, people, boxed):
    """Poses near true ones, with equal scores, and every third result twice."""
    found = []
    for place in range(40):
        person = people[rng.integers(len(people))]
        joints = np.array(person["keypoints"]) + rng.normal(0, rng.choice([0, 2, 6]), 51)
        pose = {"image_id": person["image_id"], "category_id": int(rng.choice([1, 1, 1, 5])),
                "keypoints": joints.round(1).tolist(), "score": float(rng.choice([0.2, 0.5, 0.9]))}  # fmt: skip
        found += [{**pose, "bbox": [3, 4, 32, 32]} if boxed else pose] * (1 + (place % 3 == 0))
    return found


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_random_results_score_as_pycocotools_scores_them(tmp_path, task, boxed, seed):
    rng = np.random.default_rng([seed, boxed])
    truth = random_truth(rng)
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(json.dumps(truth))
    (tmp_path / "coco" / "val2017").mkdir()
    for image in truth["images"]:
        (tmp_path / "coco" / "val2017" / image["file_name"]).touch()
    asked = {each["image_id"] for each in truth["annotations"] if each["num_keypoints"]}
    people = [each for each in truth["annotations"] if each["image_id"] in asked]
    results = random_results(rng, people, boxed)
    (path := tmp_path / "results.json").write_text(json.dumps(results))
    kind = find(task).kind
    samples = benchmark(find(task).benchmark).open(tmp_path, "val", "official").samples
    found = kind.official(path, samples)
    values = score(kind, samples, [found.get(sample.id, Prediction(sample.id, "failed")) for sample in samples]).metrics
    expected = official(tmp_path / FILE, results)
    # 1e-12: the same sums in the same order
    assert [values[ours] for ours in KEYS.values()] == pytest.approx(expected, abs=1e-12)


def test_every_row_order_gives_the_same_numbers(world_split):
    samples, kind = world_split
    rows = kind.rows(samples, [kind.perfect(sample) for sample in samples])[KEYPOINTS.name]
    assert KEYPOINTS.aggregate(rows[::-1]) == pytest.approx(KEYPOINTS.aggregate(rows), nan_ok=True)
    assert json.loads(json.dumps(rows)) == rows


@pytest.fixture(params=TASKS)
def world_split(request, small_world):
    task = find(request.param)
    return benchmark(task.benchmark).open(small_world, "val", "sample").samples, task.kind


def changed(prediction, change):
    """The same answer with every pose changed."""
    groups = tuple(replace(g, instances=tuple(change(i) for i in g.instances)) for g in prediction.groups)
    return replace(prediction, groups=groups)


def figures(kind, samples, change):
    return score(kind, samples, [changed(kind.perfect(sample), change) for sample in samples]).metrics


def test_answers_without_scores_are_refused_and_counted_unless_a_ranking_is_declared(world_split):
    samples, kind = world_split
    found = figures(kind, samples, lambda pose: replace(pose, score=None))
    people = sum(bool(kind.perfect(sample).groups[0].instances) for sample in samples)
    assert (found["ap"], found["unscored"]) == (0.0, people)
    for ranking in ("joints", "answer_order", "constant"):
        found = figures(configure({"scores": ranking}), samples, lambda pose: replace(pose, score=None))
        assert found["ap"] == pytest.approx(1.0)
        assert "unscored" not in found


def test_a_pose_with_another_number_of_joints_finds_nobody_and_is_a_false_positive(world_split):
    samples, kind = world_split
    assert figures(kind, samples, lambda pose: replace(pose, keypoints=pose.keypoints[:16]))["ap"] == 0
    answers = []
    for sample in samples:
        whole = kind.perfect(sample)
        odd = Instance(score=2.0, keypoints=((1.0, 1.0, 1.0),) * 16)
        answers.append(replace(whole, groups=(Group("", "keypoint", (odd, *whole.groups[0].instances)),)))
    found = score(kind, samples, answers).metrics
    assert found["ap"] < 0.9
    assert found["ar"] == 1.0


def test_an_instance_without_keypoints_is_no_pose_and_phrases_are_not_read(world_split):
    samples, kind = world_split
    extra = Group("dog", "box", (Instance(box_xyxy=(0.0, 0.0, 9.0, 9.0)),))
    answers = [kind.perfect(sample) for sample in samples]
    answers = [replace(each, groups=(extra, replace(each.groups[0], phrase="a dancer"))) for each in answers]
    assert score(kind, samples, answers).metrics["ap"] == pytest.approx(1.0)


def test_a_benchmark_without_joints_is_refused(small_world):
    kind, samples = find("coco_keypoints").kind, benchmark("coco").open(small_world, "val2017", "sample").samples
    with pytest.raises(DataError, match=r"annotation \d+ has 0 joints, not COCO's 17"):
        score(kind, samples, [Prediction(sample.id, "failed") for sample in samples])


def test_people_of_one_image_compete_together(small_world):
    task = find("coco_keypoints_box")
    samples = benchmark(task.benchmark).open(small_world, "val", "sample").samples
    assert len({sample.image_id for sample in samples}) == 1 < len(samples)
    answers = [task.kind.perfect(sample) for sample in samples]
    swapped = [replace(a, groups=b.groups) for a, b in zip(answers, answers[::-1], strict=True)]
    assert score(task.kind, samples, swapped).metrics["ap"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"score": "joints"}, UnknownName, "did you mean scores"),
        ({"scores": "none"}, ConfigError, "not one of required, joints, answer_order, constant"),
        ({"boxes": "detected"}, ConfigError, "protocol option boxes is 'detected'"),
    ],
)
def test_a_protocol_that_there_is_not_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        configure(options)


POSE = {"image_id": 20002, "category_id": 1, "keypoints": [1.0, 2.0, 2] * 17, "score": 0.5}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "must be one JSON list"),
        ([4], "result 0 needs image_id, category_id and keypoints"),
        ([{**POSE, "image_id": 9}], "nothing is asked about image 9"),
        ([{**POSE, "keypoints": [1.0] * 50}], "keypoints holds 50 values, not x, y, v of 17 joints"),
        ([{**POSE, "keypoints": [1.0] * 48}], "keypoints holds 48 values"),
        ([{**POSE, "keypoints": None}], "keypoints holds no values"),
        ([{**POSE, "keypoints": ["1"] * 51}], "not x, y, v of 17 joints in numbers"),
        ([{**POSE, "score": "high"}], "score is 'high', not a finite number"),
        ([{**POSE, "bbox": [1, 2, 3, 4]}, POSE], r"result 1 \(image 20002\): bbox must be x, y, width, height"),
    ],
)
def test_broken_results_are_one_clear_error(world_split, tmp_path, content, words):
    (path := tmp_path / "results.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=words):
        read_results(path, world_split[0])


def test_results_of_other_categories_are_left_out_and_boxes_give_areas(world_split, tmp_path):
    records = [{**POSE, "bbox": [0, 0, 4, 5]}, {**POSE, "category_id": 2}]
    (path := tmp_path / "results.json").write_text(json.dumps(records))
    [(name, found)] = read_results(path, world_split[0]).items()
    assert found.areas == (20.0,)
    assert name in {sample.id for sample in world_split[0]}
