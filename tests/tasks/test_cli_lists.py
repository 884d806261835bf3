"""`tasks`, `models`, `metrics`, `data`: lists for people and for machines."""

import json

import pytest

from benchmarks.registry import benchmark
from metrics.registry import metrics, scorers
from tasks.models.registry import all_models
from tasks.registry import task_files


@pytest.mark.parametrize("command", ["tasks", "models", "metrics"])
def test_a_list_for_machines_has_the_names_of_the_list_for_people(refbench, command):
    entries = refbench(command, "--json").json
    assert entries
    assert all(entry["name"] and entry["kind"] for entry in entries)
    lines = refbench(command).out.splitlines()
    assert [line.split()[0] for line in lines[2 : 2 + len(entries)]] == [entry["name"] for entry in entries]


def test_all_tasks_models_and_metrics_are_listed(refbench):
    entries = refbench("tasks", "--json").json
    assert {entry["name"] for entry in entries} == set(task_files())
    assert [(entry["kind"], entry["name"]) for entry in entries] == sorted((e["kind"], e["name"]) for e in entries)
    assert [entry["name"] for entry in refbench("models", "--json").json] == list(all_models())
    names = {metric.name for metric in metrics()} | {scorer.name for scorer in scorers()}
    assert [entry["name"] for entry in refbench("metrics", "--json").json] == sorted(names)


def test_one_task_shows_counts_prompt_protocol_and_files(refbench, small_world):
    text = refbench("tasks", "refcocog_res").out
    for fact in ("val: 4896 samples", "test: 9602 samples", "Segment {question} with a mask.", "res: res/1",
                 "DATA_ROOT/refcocog/refs(umd).p", "arXiv:1511.02283", "shifted: only by --split"):  # fmt: skip
        assert fact in text
    [card] = refbench("tasks", "refcocog_res", "--json", "--data-root", small_world).json
    assert card["splits"] == {"val": "4896 samples", "test": "9602 samples"}
    assert all(place.endswith("(here)") for place in card["data"])
    assert card["data_state"] == "sample"
    assert list(card["prompt_sets"])[:2] == ["default", "1"]
    assert list(card["metrics"]) == ["ciou", "giou", "p@0.5", "p@0.6", "p@0.7", "p@0.8", "p@0.9"]


def test_one_task_marks_files_that_are_missing(refbench, tmp_path):
    [card] = refbench("tasks", "refcocog_res", "--json", "--data-root", tmp_path).json
    assert all(place.endswith("(missing)") for place in card["data"])


def test_one_model_and_one_metric_show_their_card(refbench):
    assert "weights: bundled (Apache-2.0)" in refbench("models", "refvlm").out
    [card] = refbench("models", "refvlm", "--json").json
    assert (card["name"], card["regime"]) == ("refvlm", "full")
    text = refbench("metrics", "bbox").out
    assert "targets: COCO instances JSON" in text
    assert "max_dets: three ascending limits" in text


def test_tasks_of_an_included_folder_are_listed_and_run(refbench, small_world, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my_boxes.yaml").write_text(
        "kind: rec\nbenchmark: refcoco/unc\nsplits: [testB]\nprompt: locate_expression\ndescription: mine\n"
    )
    assert "my_boxes" in refbench("tasks", "--include", tmp_path / "mine").out
    words = ["--task", "my_boxes", "--include", tmp_path / "mine", "--data-root", small_world, "--model", "oracle"]
    [row] = refbench("eval", *words, "--json").json["rows"]
    assert (row["task"], row["split"], row["metrics"]["acc@0.5"]) == ("my_boxes", "testB", 1.0)


def test_data_status_without_a_root_lists_what_is_needed(refbench):
    outcome = refbench("data", "status")
    assert outcome.code == 0
    assert "missing: refcocog/refs(umd).p" in outcome.out
    assert "REFBENCH_DATA" in outcome.err
    rows = refbench("data", "status", "--json").json
    assert {(row["benchmark"], row["split"]): row["published"] for row in rows}[("refcocog/umd", "test")] == 9602


def test_data_status_counts_and_compares_with_the_published_number(refbench, unmarked_world, monkeypatch):
    monkeypatch.setenv("REFBENCH_DATA", str(unmarked_world))
    rows = {(row["benchmark"], row["split"]): row for row in refbench("data", "status", "--json").json}
    split = benchmark("refcocog/umd").open(unmarked_world, "test", "official")
    assert rows[("refcocog/umd", "test")]["found"] == len(split.samples) > 0
    assert not rows[("refcocog/umd", "test")]["complete"]
    text = refbench("data", "status").out
    assert "results will say 'n of N'" in text
    assert "not an official split" in text  # the sample world's shifted one
    assert "not in these files" in text  # train


def test_data_status_tells_what_is_broken(refbench, unmarked_world):
    (unmarked_world / "refcocog" / "refs(umd).p").write_bytes(b"not a pickle")
    outcome = refbench("data", "status", "--data-root", unmarked_world)
    assert outcome.code == 0
    assert "not a readable pickle" in outcome.out


def test_data_sample_writes_a_world_that_eval_marks_as_sample(refbench, monkeypatch, tmp_path):
    from benchmarks.world import write

    monkeypatch.setattr(write, "SCENES", {"val": 2, "test": 2})
    outcome = refbench("data", "sample", "--out", "world", "--seed", 5, "--json", "--quiet")
    assert (outcome.code, outcome.json) == (0, {"data_root": "world", "seed": 5})
    assert outcome.err == ""
    words = ["--task", "refcocog_rec", "--data-root", "world", "--model", "oracle", "--json"]
    assert {row["data"] for row in refbench("eval", *words).json["rows"]} == {"sample"}
    again = refbench("data", "sample", "--out", "world")
    assert again.code == 2
    assert "world is not an empty folder" in again.err


def test_json_of_lists_has_no_number_that_json_lacks(refbench):
    text = refbench("metrics", "--json").out
    assert json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
