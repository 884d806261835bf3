"""The tasks `vqav2` and `okvqa` through the command line, held to the official file route on the same answers."""

import json

import pytest


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


def test_the_constant_is_right_on_some_yes_or_no_questions_only(refbench, small_world):
    words = ("--model", "constant", "--data-root", small_world, "--json")
    [row] = refbench("eval", "--task", "vqav2", *words).json["rows"]
    assert 0 < row["metrics"]["accuracy"] < 0.25  # one question in four is answered yes or no
