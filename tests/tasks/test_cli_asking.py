"""`refbench eval --prompt-set` and `--regime`: rows per way of asking, the exact prompts, mean and spread."""

import json
from pathlib import Path

import pytest

from benchmarks.schema import Prediction
from tasks.base import ModelEntry
from tasks.models import registry as models


@pytest.fixture
def boxes(refbench, small_world):
    """Evaluate the oracle on boxes of one split."""

    def run(*words):
        base = ("--task", "refcocog_rec", "--split", "val", "--limit", 2, "--data-root", small_world)
        return refbench("eval", *base, "--model", "oracle", *words)

    return run


def prompts(row):
    """The exact prompts of a run."""
    lines = ("runs" / Path(row["run"]) / "predictions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["prompt"] for line in lines]


def test_all_wordings_are_rows_with_mean_and_spread(boxes):
    answer = boxes("--prompt-set", "all", "--json").json
    assert [row["prompt_set"] for row in answer["rows"]] == ["default", "1", "2", "3", "4"]
    assert len({row["run"] for row in answer["rows"]}) == 5
    assert len({prompts(row)[0] for row in answer["rows"]}) == 5
    [group] = answer["prompt_sets"]
    assert group["prompt_sets"] == ["default", "1", "2", "3", "4"]
    assert (group["mean"]["acc@0.5"], group["spread"]["acc@0.5"]) == (1.0, 0.0)
    text = boxes("--prompt-set", "all").out
    assert "mean of 5" in text
    assert "spread of 5" in text
    assert "refcocog_rec val 2, by kind of expression" in text.splitlines()


def test_the_default_wording_is_the_same_run_named_or_not(boxes):
    [plain] = boxes("--json").json["rows"]
    [named] = boxes("--prompt-set", "default", "--json").json["rows"]
    assert plain == named
    assert plain["prompt_set"] == "default"
    assert "prompt" not in boxes().out.splitlines()[0].split()
    assert "prompt" in boxes("--prompt-set", "2").out.splitlines()[0].split()


def test_a_wording_that_there_is_not_stops_before_anything_runs(boxes):
    outcome = boxes("--prompt-set", "17")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no prompt set of locate_expression is called '17'" in outcome.err
    assert list(Path().iterdir()) == []


def test_regimes_are_rows_of_their_own_and_change_the_prompt_only(boxes):
    rows = boxes("--regime", "all", "--json").json["rows"]
    assert [row["regime"] for row in rows] == ["full", "instruction", "wrong"]
    full, instruction, wrong = (prompts(row)[0] for row in rows)
    assert full == f"Command:\n- task: detection\n- answer elements: phrase, unit\n- unit: box\n{instruction}"
    assert wrong == f"Command:\n- task: segmentation\n- answer elements: phrase, unit\n- unit: mask\n{instruction}"
    assert {row["metrics"]["acc@0.5"] for row in rows} == {1.0}
    table = boxes("--regime", "wrong,full").out.splitlines()
    assert [line.split()[5] for line in table[2:4]] == ["full", "wrong"]


def test_without_a_regime_the_models_own_is_named(boxes):
    [row] = boxes("--json").json["rows"]
    assert row["regime"] == "instruction"
    assert row == boxes("--regime", "instruction", "--json").json["rows"][0]


def test_an_unknown_regime_gets_the_nearest_name(boxes):
    outcome = boxes("--regime", "ful")
    assert outcome.code == 2
    assert "no regime is called 'ful'; did you mean full?" in outcome.err


@pytest.mark.parametrize(("task", "limit"), [("vqav2", 16), ("pope", 128), ("coco_captions", 64), ("okvqa", None)])
def test_the_limit_on_an_answer_of_a_task_reaches_the_model(refbench, small_world, monkeypatch, task, limit):
    asked = []

    class Reader:
        """Remembers its queries."""

        def predict(self, queries):
            asked.extend(queries)
            return [Prediction(query.sample_id, "ok", "yes") for query in queries]

        def fingerprint(self):
            return "reader/1"

    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "left out for speed")
    reader = ModelEntry("reader", "test", ("text",), lambda options: Reader())
    monkeypatch.setattr(models, "find", lambda name, include: reader)
    assert refbench("eval", "--task", task, "--limit", 1, "--data-root", small_world).code == 0
    assert {query.max_new_tokens for query in asked} == {limit}
