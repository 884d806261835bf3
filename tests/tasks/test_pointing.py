"""The kind `pointing` and the tasks of Visual7W through the command line."""

import json

import pytest

from benchmarks.errors import ConfigError, DataError
from benchmarks.registry import benchmark
from tasks.pointing import configure

TASKS = ("visual7w_pointing", "visual7w_pointing_box")


@pytest.fixture
def samples(small_world):
    return benchmark("visual7w/pointing").open(small_world, "test", "sample").samples


@pytest.fixture
def results(samples, tmp_path):
    """Results as the toolkit writes them: every third answer is wrong, one names no candidate, one is of no sample."""
    chosen = [s.target.ids[s.target.right if k % 3 else s.target.right - 1] for k, s in enumerate(samples)]
    rows = [
        {"qa_id": int(s.id.rpartition("-")[2]), "question": s.question, "candidates": [{"answer": box_id}]}
        for s, box_id in zip(samples, chosen, strict=True)
    ]
    rows[1]["candidates"][0]["answer"] = 10**9
    (path := tmp_path / "result_visual7w-pointing_mc.json").write_text(json.dumps([*rows, {**rows[0], "qa_id": 5}]))
    return path


@pytest.mark.parametrize("task", TASKS)
def test_results_of_the_toolkit_are_scored_by_box_id(refbench, small_world, samples, results, task):
    outcome = refbench("score", "--task", task, "--predictions", results, "--data-root", small_world, "--json")
    done, wrong = outcome.json, {*range(0, len(samples), 3), 1}
    assert done["metrics"]["accuracy"] == pytest.approx(1 - len(wrong) / len(samples), abs=1e-12)
    assert (done["missing"], done["malformed"]) == (0, 1)
    assert "1 answers belong to no sample of the split (first: '5')" in outcome.err


@pytest.mark.parametrize("task", TASKS)
def test_the_constant_is_far_from_right_and_four_regions_stand_in_the_prompt(refbench, small_world, tmp_path, task):
    words = ("--model", "constant", "--data-root", small_world, "--out", tmp_path / "runs", "--json")
    [row] = refbench("eval", "--task", task, *words).json["rows"]
    assert row["metrics"]["accuracy"] < 0.5
    [path] = (tmp_path / "runs").rglob("predictions.jsonl")
    assert json.loads(path.read_text().splitlines()[0])["prompt"].count("<region>") == 4


@pytest.mark.parametrize("options", [{}, {"match": "parsed"}, {"answer": "box"}])
def test_the_perfect_answer_is_right_in_every_way_of_answering(samples, options):
    kind = configure(options)
    assert kind.wants == ("box" if options.get("answer") else "text")
    assert all(kind.measure(s, kind.perfect(s))["pointing"] == {"score": 1, "named": 1} for s in samples)


def test_options_that_do_not_fit_are_told():
    with pytest.raises(ConfigError, match="protocol option answer is 'number', not one of letter, box"):
        configure({"answer": "number"})
    with pytest.raises(ConfigError, match="protocol option match is for letters"):
        configure({"answer": "box", "match": "parsed"})


@pytest.mark.parametrize(
    "row", [{"qa_id": "3", "candidates": [{"answer": 1}]}, {"qa_id": 3, "candidates": []}, {"qa_id": 3}]
)
def test_a_broken_entry_is_told(samples, tmp_path, row):
    (path := tmp_path / "results.json").write_text(json.dumps([row]))
    with pytest.raises(DataError, match="needs qa_id and candidates"):
        configure({}).official(path, samples)
