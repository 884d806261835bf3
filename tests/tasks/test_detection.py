"""The tasks `coco_detection`, `coco_instance`, `lvis_detection` and `lvis_instance` through the command line."""

import json
import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
REAL = SHARED / "data/coco_instances_mini"
RESULTS = SHARED / "data/real_predictions"
real_data = pytest.mark.skipif(not REAL.is_dir() or not RESULTS.is_dir(), reason="the real photos are not here")
TASKS = ["coco_detection", "coco_instance", "lvis_detection", "lvis_instance"]


@pytest.fixture
def real_root(tmp_path):
    """A data root with the real photos, which are of train2017."""
    root = tmp_path / "real"
    (root / "coco").mkdir(parents=True)
    for name in ("annotations", "train2017"):
        (root / "coco" / name).symlink_to(REAL / name)
    return root


def noisy(annotations, field):
    """Results of a middling detector: objects shifted, some of a wrong category, some missing."""
    for k, each in enumerate(annotations):
        if k % 5 == 4:
            continue
        x, y, width, height = each["bbox"]
        category = each["category_id"] % 7 + 1 if k % 7 == 3 else each["category_id"]
        shape = [x + k % 3, y, width, height + k % 4] if field == "bbox" else annotations[k - (k % 3 == 2)][field]
        yield {"image_id": each["image_id"], "category_id": category, field: shape, "score": (k * 37 % 11) / 11}


@pytest.mark.parametrize("task", TASKS)
def test_handed_in_results_score_as_official_files_do(refbench, small_world, tmp_path, task):
    name = "lvis/lvis_v1_val.json" if "lvis" in task else "coco/annotations/instances_val2017.json"
    field = "bbox" if "detection" in task else "segmentation"
    found = list(noisy(json.loads((small_world / name).read_text())["annotations"], field))
    (results := tmp_path / "results.json").write_text(json.dumps(found))
    done = refbench("score", "--task", task, "--predictions", results, "--data-root", small_world, "--json").json
    metric = "lvis" if "lvis" in task else "bbox" if field == "bbox" else "segm"
    options = ("--option", "type=bbox") if task == "lvis_detection" else ()
    words = ("--targets", small_world / name, "--predictions", results, "--json", *options)
    official = refbench("score", metric, *words).json
    assert done["protocol"] == official["protocol"]
    assert 0.05 < done["metrics"]["ap"] < 0.9
    assert {key: done["metrics"][key] for key in official["metrics"]} == pytest.approx(official["metrics"], abs=1e-12)


@pytest.mark.parametrize("task", TASKS)
def test_the_constant_is_far_from_perfect(refbench, small_world, task):
    words = ("--model", "constant", "--data-root", small_world, "--json")
    [row] = refbench("eval", "--task", task, *words).json["rows"]
    assert row["metrics"]["ap"] < 0.2
    assert row["metrics"]["unmapped"] == 0


@real_data
@pytest.mark.parametrize("task", TASKS[:2])
def test_the_oracle_is_perfect_on_real_photos(refbench, real_root, task):
    words = ("--model", "oracle", "--split", "train2017", "--data-root", real_root, "--json")
    [row] = refbench("eval", "--task", task, *words).json["rows"]
    assert (row["n"], row["failed"], row["data"]) == (66, 0, "official")
    keys = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar100")
    assert {key: row["metrics"][key] for key in keys} == pytest.approx(dict.fromkeys(keys, 1.0))


@real_data
def test_a_real_detector_scores_as_pycocotools_scored_it(refbench, real_root):
    results = RESULTS / "centernet_bbox_coco_instances_mini.json"
    words = ("--predictions", results, "--data-root", real_root, "--split", "train2017", "--json")
    done = refbench("score", "--task", "coco_detection", *words)
    expected = json.loads((RESULTS / "expected_stats.json").read_text())[results.name]["stats"]
    order = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
    ours = list(done.json["metrics"].values())[:12]
    assert ours == pytest.approx([expected[key] for key in order], abs=1e-6)  # its file has six digits
    targets = real_root / "coco/annotations/instances_train2017.json"
    official = refbench("score", "bbox", "--targets", targets, "--predictions", results, "--json").json
    assert ours == list(official["metrics"].values())
    assert "coco train2017 holds 66 of 118287 published samples" in done.err
