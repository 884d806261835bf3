"""The PointQA tasks through the command line."""

import json

import pytest

from benchmarks.errors import ConfigError, UnknownName
from benchmarks.schema import ImageRef, Prediction, Sample, TextTarget
from metrics import pointqa
from tasks.pointqa import configure


def test_a_point_stands_in_the_prompt_and_the_constant_knows_nothing(refbench, small_world, tmp_path):
    words = ("--model", "constant", "--data-root", small_world, "--out", tmp_path / "runs", "--json")
    rows = refbench("eval", "--task", "pointqa_looktwice,pointqa_local", *words).json["rows"]
    assert [row["split"] for row in rows] == ["test_general", "test_super", "test_object", "test_final"]
    assert all(row["n"] > 0 and row["metrics"] == {"accuracy": 0} for row in rows)
    [path] = (tmp_path / "runs").rglob("pointqa_local/*/predictions.jsonl")
    assert json.loads(path.read_text().splitlines()[0])["prompt"].count("<region>") == 1


def test_answers_that_were_handed_in_are_scored(refbench, small_world, tmp_path):
    from benchmarks.registry import benchmark

    samples = benchmark("pointqa/local").open(small_world, "test_final", "sample").samples
    said = [each.target.answers[0].upper() if k % 3 else "a thing" for k, each in enumerate(samples)]
    lines = [{"sample_id": each.id, "text": text} for each, text in zip(samples, said, strict=True)]
    (path := tmp_path / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("--predictions", path, "--data-root", small_world, "--json")
    done = refbench("score", "--task", "pointqa_local", *words).json
    assert done["metrics"]["accuracy"] == pytest.approx(1 - len(samples[::3]) / len(samples), abs=1e-12)


def test_the_protocol_chooses_how_answers_are_compared():
    sample = Sample("s", ImageRef("a.jpg", (1, 1)), "a", "?", TextTarget(("4",)))
    said = Prediction(sample.id, "ok", "four")
    for match, score in (("vip", 0), ("shikra", 0), ("vqa", 1)):
        kind = configure({"match": match})
        assert kind.measure(sample, said)["pointqa"]["score"] == score
        assert pointqa.aggregate([kind.measure(sample, kind.perfect(sample))["pointqa"]]) == {"accuracy": 1}
    with pytest.raises(ConfigError, match="protocol option match is 'loose'"):
        configure({"match": "loose"})
    with pytest.raises(UnknownName, match="did you mean match"):
        configure({"matc": "vip"})
