"""`refbench score fidelity` over finished runs: what was generated against its own plan and the truth."""

import json

import pytest

TASKS = "refcocog_rec,coco_detection,pope"


@pytest.fixture
def runs(refbench, small_world, tmp_path):
    """Runs of the bundled model over a few samples of two units and of words."""
    words = ("--task", TASKS, "--data-root", small_world, "--limit", "4", "--out", tmp_path / "runs", "--json")
    assert refbench("eval", *words).code == 0
    return tmp_path / "runs"


def lines_of(runs, task):
    [path, *_] = sorted(runs.glob(f"*/{task}/test*/predictions.jsonl"))
    return path, [json.loads(line) for line in path.read_text().splitlines()]


def test_answers_keep_to_their_plan_by_kind_of_task_and_broken_ones_are_found(refbench, runs):
    whole = refbench("score", "fidelity", "--predictions", runs, "--json").json
    assert (whole["metrics"]["parse_rate"], whole["metrics"]["plan_agreement"]) == (1, 1)
    assert set(whole["per_class"]) == {"rec", "detection", "pope"}
    assert whole["per_class"]["pope"] == {"parse_rate": 1}  # words are stored without their plan
    assert whole["per_class"]["rec"]["count_mae"] == 0
    path, lines = lines_of(runs, "refcocog_rec")
    lines[0]["text"] = lines[0]["text"].replace("Num: 1", "Num: 2")
    lines[1]["text"] = lines[1]["text"].replace("</Task>", "")
    lines[2]["text"] = lines[2]["text"].replace("[0]<REF>", "[0]<REF>[1]<REF>")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    one = refbench("score", "fidelity", "--predictions", path.parent, "--json").json
    count = len(lines)
    assert (one["n"], one["malformed"]) == (count, 1)
    assert one["metrics"]["parse_rate"] == pytest.approx(1 - 1 / count)
    assert one["metrics"]["plan_agreement"] == pytest.approx(1 - 3 / count)
    assert one["metrics"]["count_mae"] == pytest.approx(2 / count)  # one lost with its answer, one too many


def test_what_is_no_run_in_the_grammar_is_refused(refbench, small_world, tmp_path):
    empty = refbench("score", "fidelity", "--predictions", tmp_path)
    assert empty.code == 2
    assert "no predictions.jsonl of a finished run" in empty.err
    words = ("--task", "refcocog_rec", "--model", "oracle", "--data-root", small_world, "--out", tmp_path / "runs")
    assert refbench("eval", *words).code == 0
    refused = refbench("score", "fidelity", "--predictions", tmp_path / "runs")
    assert refused.code == 2
    assert "no answer in the triplet grammar" in refused.err
