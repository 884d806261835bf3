"""The task `vipbench` through the command line: our own score, and the file for the official judge."""

import json

import pytest

from benchmarks.errors import DataError
from benchmarks.registry import benchmark
from benchmarks.schema import Prediction
from tasks.vipbench import JUDGE_FILE, judge_file, official, perfect

WORDS = ("eval", "--task", "vipbench", "--json")


@pytest.fixture
def samples(small_world):
    return benchmark("vipbench").open(small_world, "source", "sample").samples


def test_a_run_writes_the_file_for_the_judge_which_can_be_scored_again(refbench, small_world, tmp_path, samples):
    out = tmp_path / "runs"
    rows = refbench(*WORDS, "--model", "oracle", "--data-root", small_world, "--out", out).json["rows"]
    assert [row["split"] for row in rows] == ["bbox", "human", "source"]
    path = out / rows[2]["run"].removeprefix("runs/") / JUDGE_FILE
    written = json.loads(path.read_text())
    assert list(written) == [f"v1_{number}" for number in range(len(samples))]
    assert written["v1_0"] == perfect(samples[0]).text
    words = ("--split", "source", "--data-root", small_world, "--json")
    done = refbench("score", "--task", "vipbench", "--predictions", path, *words).json
    assert done["metrics"] == rows[2]["metrics"]
    assert done["metrics"]["overlap"] == 1
    assert done["metrics"]["overlap_ocr"] is None  # nothing is to be read in the sample world
    assert done["protocol"] == "vipbench_overlap/1"


def test_a_question_without_an_answer_has_an_empty_one_for_the_judge(samples):
    found = [Prediction(each.id, "failed" if k else "ok", "a \u201ccat\u201d") for k, each in enumerate(samples)]
    answers = json.loads(judge_file(samples, found)[JUDGE_FILE])
    assert set(answers.values()) == {"a \u201ccat\u201d", ""}
    assert list(answers.values()).count("") == len(samples) - 1


def test_published_results_are_read_as_they_are_and_missing_ones_count(refbench, small_world, tmp_path, samples):
    content = {each.id.rpartition("-")[2]: each.target.parts[0][0] for each in samples[1:]}
    (path := tmp_path / "vip-llava-7b-human.json").write_text(json.dumps({**content, "v1_999": "x"}, indent=2))
    words = ("--predictions", path, "--split", "human", "--data-root", small_world, "--json")
    outcome = refbench("score", "--task", "vipbench", *words)
    assert (outcome.json["missing"], outcome.json["n"]) == (1, len(samples))
    assert 0.5 < outcome.json["metrics"]["overlap"] < 1  # one is missing, and of some only the first part is said
    assert "1 answers belong to no sample of the split (first: 'v1_999')" in outcome.err


def test_the_constant_knows_nothing(refbench, small_world):
    for row in refbench(*WORDS, "--model", "constant", "--data-root", small_world).json["rows"]:
        assert row["metrics"]["overlap"] < 0.1
        assert row["intervals"]["overlap_rec"][1] < 0.1


def test_another_form_is_refused(tmp_path, samples):
    (path := tmp_path / "results.json").write_text("[]")
    with pytest.raises(DataError, match="must be an object of question id -> answer"):
        official(path, samples)
    path.write_text('{"v1_0": 3}')
    assert [each.status for each in official(path, samples).values()] == ["parse_error"]
