"""The tasks `vqav2` and `okvqa` through the command line, held to the official file route on the same answers."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data/vqa_samples"


@pytest.mark.parametrize(("task", "prefix"), [("vqav2", "v2_"), ("okvqa", "")])
def test_handed_in_answers_score_as_official_files_do(refbench, small_world, tmp_path, task, prefix):
    targets = small_world / task / f"{prefix}mscoco_val2014_annotations.json"
    found = [
        {"question_id": each["question_id"], "answer": "2" if k % 3 else each["answers"][0]["answer"]}
        for k, each in enumerate(json.loads(targets.read_text())["annotations"])
    ][1:]
    (results := tmp_path / "results.json").write_text(json.dumps(found))
    lines = [{"sample_id": f"{task}/val2014/val/question-{f['question_id']}", "text": f["answer"]} for f in found]
    (ours := tmp_path / "ours.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = refbench("score", "--task", task, "--predictions", ours, "--data-root", small_world, "--json").json
    official = refbench("score", "vqa", "--targets", targets, "--predictions", results, "--json").json
    assert done["missing"] == official["missing"] == 1
    assert 0 < done["metrics"]["accuracy"] < 1
    assert done["metrics"] == official["metrics"]
    same = refbench("score", "--task", task, "--predictions", results, "--data-root", small_world, "--json").json
    assert same == done


def test_the_constant_is_right_on_some_yes_or_no_questions_only(refbench, small_world):
    words = ("--model", "constant", "--data-root", small_world, "--json")
    [row] = refbench("eval", "--task", "vqav2", *words).json["rows"]
    assert 0 < row["metrics"]["accuracy"] < 0.25  # one question in four is answered yes or no


@pytest.mark.skipif(not REAL.is_dir(), reason="the official files are not here")
def test_real_annotations_are_evaluated_with_official_results(refbench, tmp_path):
    content = json.loads((REAL / "v2_mscoco_val2014_annotations.sample.json").read_text())
    rows = content["annotations"]
    (photos := tmp_path / "data" / "images" / "val2014").mkdir(parents=True)
    for image_id in {row["image_id"] for row in rows}:  # neither the photos nor the questions' texts are here
        Image.new("L", (5, 4)).save(photos / f"COCO_val2014_{image_id:012d}.jpg")
    (folder := tmp_path / "data" / "vqav2").mkdir()
    (targets := folder / "v2_mscoco_val2014_annotations.json").write_text(json.dumps(content))
    asked = [{"question_id": row["question_id"], "image_id": row["image_id"], "question": "?"} for row in rows]
    (folder / "v2_OpenEnded_mscoco_val2014_questions.json").write_text(json.dumps({"questions": asked}))
    found = [
        {"question_id": row["question_id"], "answer": row["answers"][k % 10]["answer"]} for k, row in enumerate(rows)
    ]
    (results := tmp_path / "results.json").write_text(json.dumps(found))
    words = ("--predictions", results, "--data-root", tmp_path / "data", "--json")
    done = refbench("score", "--task", "vqav2", *words).json
    official = refbench("score", "vqa", "--targets", targets, "--predictions", results, "--json").json
    assert done["n"] == 100
    assert done["metrics"] == official["metrics"]
    assert 0.5 < done["metrics"]["accuracy"] < 1
