"""`refbench eval` through the whole house with the sanity models, where all is well."""

import json
import os
from pathlib import Path

import pytest

from benchmarks.index_cache import cache_folder

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
MINI = SHARED / "data" / "refcoco_mini"
ROW_KEYS = {
    "model", "task", "dataset", "split", "data", "limit", "n", "failed", "missing", "unparsable", "metrics",
    "intervals", "run", "prompt_set", "regime", "protocol", "failures",
}  # fmt: skip
REC_KEYS = {"acc@0.25", "acc@0.5", "acc@0.75", "miou"}
RES_KEYS = {"ciou", "giou", "p@0.5", "p@0.6", "p@0.7", "p@0.8", "p@0.9"}


def test_without_a_data_root_the_sample_world_is_used_and_said(refbench):
    outcome = refbench("eval", "--task", "refcocog_res", "--model", "oracle", "--limit", "20", "--json")
    assert outcome.code == 0
    hint = outcome.err.splitlines()[0]
    assert "sample world" in hint
    assert "--data-root" in hint
    assert "REFBENCH_DATA" in hint
    rows = outcome.json["rows"]
    assert [(row["split"], row["data"], row["n"], row["limit"]) for row in rows] == [
        ("val", "sample", 20, 20),
        ("test", "sample", 20, 20),
    ]
    assert (cache_folder() / "world").is_dir()


def test_json_keeps_the_contract(oracle, small_world):
    answer = oracle("refcoco_rec,refcocog_res", small_world, "--json").json
    assert set(answer) == {"rows", "refbench"}
    assert [(row["task"], row["split"]) for row in answer["rows"]] == [
        ("refcoco_rec", "val"),
        ("refcoco_rec", "testA"),
        ("refcoco_rec", "testB"),
        ("refcocog_res", "val"),
        ("refcocog_res", "test"),
    ]
    for row in answer["rows"]:
        assert set(row) == ROW_KEYS
        assert set(row["metrics"]) == (REC_KEYS if row["task"] == "refcoco_rec" else RES_KEYS)
        assert set(row["metrics"].values()) == {1.0}
        assert not Path(row["run"]).is_absolute()
        result = json.loads(("runs" / Path(row["run"]) / "result.json").read_text())
        assert result["metrics"] == row["metrics"]


def test_the_constant_model_does_not_score_perfectly(refbench, small_world):
    words = ["--task", "refcocog_res,refcocog_rec", "--model", "constant", "--data-root", small_world, "--json"]
    rows = refbench("eval", *words).json["rows"]
    assert all(value < 0.5 for row in rows for value in row["metrics"].values())


def test_the_table_has_a_row_per_split_and_slices_by_kind_of_expression(oracle, small_world):
    outcome = oracle("refcocog_res", small_world)
    lines = outcome.out.splitlines()
    assert [line.split()[:5] for line in lines[2:4]] == [
        ["oracle", "refcocog_res", "refcocog/umd", "val", "sample"],
        ["oracle", "refcocog_res", "refcocog/umd", "test", "sample"],
    ]
    assert "refcocog_res test, by kind of expression" in lines
    kinds = {line.split()[0] for line in lines if line}
    assert {"attribute", "superlative", "direction", "distance"} <= kinds


def test_official_data_has_no_slices_and_says_what_it_is_a_part_of(oracle, unmarked_world):
    text = oracle("refcocog_res", unmarked_world, "--split", "test").out
    assert "by kind of expression" not in text
    assert "of 9602" in text


def test_a_finished_run_answers_again_and_fresh_starts_over(oracle, small_world):
    first = oracle("refcocog_rec", small_world, "--split", "val")
    second = oracle("refcocog_rec", small_world, "--split", "val")
    assert second.out == first.out
    assert "finished before" in second.err
    third = oracle("refcocog_rec", small_world, "--split", "val", "--fresh")
    assert third.out == first.out
    assert "finished before" not in third.err


def test_splits_and_tasks_given_twice_run_once(oracle, small_world):
    rows = oracle("refcocog_rec,refcocog_rec", small_world, "--split", "test,test", "--json").json["rows"]
    assert [(row["task"], row["split"]) for row in rows] == [("refcocog_rec", "test")]


def test_the_shifted_split_is_there_when_asked_for(oracle, small_world):
    [row] = oracle("refcocog_rec", small_world, "--split", "shifted", "--json").json["rows"]
    assert row["split"] == "shifted"


def test_quiet_leaves_standard_error_empty(oracle, small_world):
    outcome = oracle("refcocog_rec", small_world, "--split", "val", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert "refcocog_rec" in outcome.out
    refused = oracle("refcocog_rec", "nowhere", "--quiet")
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_official_splits_that_are_not_there_are_named_and_the_others_run(oracle, unmarked_world):
    import pickle

    path = unmarked_world / "refcocog" / "refs(umd).p"
    refs = [ref for ref in pickle.loads(path.read_bytes()) if ref["split"] == "val"]
    path.write_bytes(pickle.dumps(refs, protocol=2))
    outcome = oracle("refcocog_rec", unmarked_world, "--json")
    assert outcome.code == 0
    assert "lacks the official test; running val" in outcome.err
    assert [row["split"] for row in outcome.json["rows"]] == ["val"]
    refused = oracle("refcocog_rec", unmarked_world, "--split", "test")
    assert refused.code == 2
    assert "holds no expression of split test" in refused.err
    assert "part of the sample world only" in oracle("refcocog_rec", unmarked_world, "--split", "shifted").err


@pytest.mark.skipif(not MINI.is_dir(), reason="needs the folder of real photos")
def test_real_photos_and_expressions_run_and_score(oracle):
    rows = oracle("refcocog_res,refcoco_rec,refcocop_res", MINI, "--json").json["rows"]
    assert [(row["task"], row["split"], row["data"], row["n"]) for row in rows] == [
        ("refcocog_res", "val", "official", 4),
        ("refcocog_res", "test", "official", 2),
        ("refcoco_rec", "testB", "official", 8),
        ("refcocop_res", "testB", "official", 6),
    ]
    assert {value for row in rows for value in row["metrics"].values()} == {1.0}


def test_what_a_reader_has_to_say_about_a_split_is_said(refbench, unmarked_world):
    path = unmarked_world / "coco" / "annotations" / "instances_val2017.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["bbox"][2] = 0
    path.write_text(json.dumps(content))
    words = ("--task", "coco_detection", "--model", "constant", "--data-root", unmarked_world, "--json")
    done = refbench("eval", *words)
    assert done.code == 0
    assert "coco_detection val2017: instances_val2017.json: 1 objects have a box without area" in done.err
