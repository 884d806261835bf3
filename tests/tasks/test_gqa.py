"""The task `gqa` through the command line, held to the official file route on the same answers."""

import json

import pytest

from benchmarks.errors import ConfigError, UnknownName
from tasks.gqa import configure


@pytest.fixture
def targets(small_world):
    return small_world / "gqa" / "questions1.2" / "testdev_balanced_questions.json"


def test_official_results_score_as_the_metric_scores_them(refbench, small_world, targets, tmp_path):
    asked = json.loads(targets.read_text())
    said = {number: each["answer"] if k % 2 else "Yes." for k, (number, each) in enumerate(asked.items())}
    found = [{"questionId": number, "prediction": text} for number, text in said.items()]
    (results := tmp_path / "results.json").write_text(json.dumps([*found[1:], {"questionId": "99", "prediction": "x"}]))
    words = ("--predictions", results, "--data-root", small_world, "--split", "testdev_balanced", "--json")
    outcome = refbench("score", "--task", "gqa", *words)
    done = outcome.json
    official = refbench("score", "gqa", "--targets", targets, "--predictions", results, "--json").json
    assert done["missing"] == official["missing"] == 1
    assert done["metrics"] == official["metrics"]
    assert 0.4 < done["metrics"]["accuracy"] < 0.6
    assert "1 answers belong to no sample of the split (first: '99'): not scored" in outcome.err


def test_the_constant_is_right_on_some_yes_or_no_questions_only(refbench, small_world):
    rows = refbench("eval", "--task", "gqa", "--model", "constant", "--data-root", small_world, "--json").json["rows"]
    assert [row["split"] for row in rows] == ["testdev_balanced", "val_balanced"]
    assert all(row["metrics"]["accuracy"] <= 0.25 for row in rows)  # one question in four is answered yes or no


def test_results_are_sliced_by_type(refbench, small_world, tmp_path):
    words = ("--model", "oracle", "--split", "testdev_balanced", "--data-root", small_world, "--out", tmp_path / "runs")
    [row] = refbench("eval", "--task", "gqa", *words, "--json").json["rows"]
    result = json.loads((tmp_path / "runs" / row["run"].removeprefix("runs/") / "result.json").read_text())
    assert set(result["slices"]["structural"]) == {"verify", "query", "choose"}
    assert set(result["slices"]["semantic"]) == {"obj", "attr", "rel"}


def test_the_protocol_chooses_what_is_ignored():
    from benchmarks.schema import ImageRef, Prediction, Sample, TextTarget

    sample = Sample("gqa/1/question-1", ImageRef("a.jpg", (1, 1)), "a", "?", TextTarget(("yes",)))
    said = Prediction(sample.id, "ok", "Yes.")
    scores = {name: configure({"match": name}).measure(sample, said)["gqa"]["score"] for name in ("exact", "llava")}
    assert scores == {"exact": 0, "llava": 1}
    with pytest.raises(ConfigError, match="protocol option match is 'loose'"):
        configure({"match": "loose"})
    with pytest.raises(UnknownName, match="did you mean match"):
        configure({"matc": "exact"})
