"""Evaluation while training: the training's numbers stay, the rows are those of `refbench eval`, nothing is lost."""

import json
import random

import numpy as np
import pytest
import torch
import yaml

import tasks.run
from benchmarks.errors import ConfigError, DataError, ModelError, UnknownName
from benchmarks.world.write import write_world
from refvlm import checkpoint
from refvlm.training.config import load_config
from refvlm.training.train import train
from tasks import registry
from tasks.run import Interrupted
from tasks.training_evaluation import Criterion, Watch, _criterion, kept_randomness, watch

NANO = {
    "model": {
        "trunk": {"stem_width": 8, "widths": [8, 8, 16, 16]},
        "encoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32},
        "llm": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 48},
        "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8},
        "max_new_tokens": 24,
    },
    "optim": {"steps": 3, "warmup_steps": 2, "precision": "fp32"},
    "log_every": 1,
    "save_every": 3,
}
EVALUATE = {"tasks": ["refcocog_rec", "refcocog_res"], "split": "val", "limit": 3, "every": 2}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluated") / "world"
    write_world(root, seed=5, scenes={"train": 4, "val": 3, "test": 2})
    return root


@pytest.fixture
def config(tmp_path, world):
    """Write a training file, with other sections where they are given; return its path."""

    def write(**sections):
        data = {
            "images_per_step": 2,
            "questions_per_image": 2,
            "root": str(world),
            "sources": [{"task": "refcoco_res"}],
        }
        path = tmp_path / "nano.yaml"
        path.write_text(yaml.safe_dump({**NANO, "data": data, **sections}))
        return path

    return write


def logged(folder, name="train_log.jsonl"):
    return [json.loads(line) | {"seconds": 0} for line in (folder / name).read_text().splitlines()]


def run(path, out, **options):
    train(path, out, watch=watch(load_config(path), "cpu"), **options)


def test_evaluation_changes_no_number_of_the_training(config, tmp_path):
    run(config(), tmp_path / "plain")
    run(config(evaluate=EVALUATE), tmp_path / "watched")
    assert not (tmp_path / "plain" / "eval_log.jsonl").exists()
    assert logged(tmp_path / "watched") == logged(tmp_path / "plain")
    plain, watched = (checkpoint.load(tmp_path / name)[0].state_dict() for name in ("plain", "watched"))
    assert all(torch.equal(value, watched[name]) for name, value in plain.items())


def test_rows_are_those_of_eval_and_are_made_once(config, tmp_path, world, refbench, monkeypatch):
    out, path = tmp_path / "out", config(evaluate=EVALUATE)
    run(path, out)
    log = logged(out, "eval_log.jsonl")
    assert [(row["step"], row["model"], row["task"]) for row in log] == [
        (step, f"refvlm@step-{step}", task) for step in (2, 3) for task in EVALUATE["tasks"]
    ]
    assert not (out / ".evaluation").exists()
    answer = refbench(
        "eval", "--task", "refcocog_rec,refcocog_res", "--split", "val", "--limit", 3, "--weights", out,
        "--data-root", world, "--device", "cpu", "--json",
    )  # fmt: skip
    for row, own in zip(log[-2:], answer.json["rows"], strict=True):
        assert row["metrics"] == own["metrics"]
        assert (row["n"], row["data"], row["limit"]) == (3, "sample", 3)
    monkeypatch.setattr(tasks.run, "evaluate_all", None)
    Watch(load_config(path), "cpu")(out, 3)
    assert logged(out, "eval_log.jsonl") == log


def test_a_run_stopped_while_it_was_evaluated_evaluates_that_step_again(config, tmp_path, monkeypatch):
    path = config(evaluate=EVALUATE | {"best": "refcocog_rec:miou"})
    run(path, tmp_path / "whole")
    whole = tasks.run.evaluate_all
    calls = []

    def stopped(jobs, entry, options, *rest):
        calls.append(entry.name)
        if len(calls) == 2:
            whole(jobs[:1], entry, options, *rest)  # one of two tasks is done when the user stops
            raise Interrupted("stopped")
        return whole(jobs, entry, options, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tasks.run, "evaluate_all", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(path, tmp_path / "parts")
    assert {row["step"] for row in logged(tmp_path / "parts", "eval_log.jsonl")} == {2}
    run(path, tmp_path / "parts", resume=True)
    for name in ("train_log.jsonl", "eval_log.jsonl"):
        assert logged(tmp_path / "parts", name) == logged(tmp_path / "whole", name)
    assert calls == ["refvlm@step-2", "refvlm@step-3"]
    best = [(tmp_path / name / "best" / "model.safetensors").read_bytes() for name in ("whole", "parts")]
    assert best[0] == best[1]


def test_the_best_checkpoint_is_kept_by_the_metric_that_is_named(config, tmp_path):
    out = tmp_path / "out"
    path = config(evaluate=EVALUATE | {"tasks": ["refcocog_rec"], "best": "refcocog_rec:miou", "every": 1})
    run(path, out)
    values = {r["step"]: r["metrics"]["miou"] for r in logged(out, "eval_log.jsonl") if r["task"] == "refcocog_rec"}
    kept = json.loads((out / "best" / "step.json").read_text())["step"]
    assert values[kept] == max(values.values())
    assert kept == min(step for step, value in values.items() if value == values[kept])
    checkpoint.load(out / "best")


@pytest.mark.parametrize(
    ("section", "error", "words"),
    [
        ({"tasks": ["refcocog_recc"]}, UnknownName, "did you mean refcocog_rec"),
        ({"suite": "sampl"}, UnknownName, "did you mean sample"),
        ({"tasks": ["refcocog_rec"], "split": "tset"}, UnknownName, "did you mean test"),
        ({"tasks": ["nyu_depth"]}, ModelError, "needs depth"),
        ({"tasks": ["refcocog_rec"], "best": "refcoco_rec"}, UnknownName, "did you mean refcocog_rec"),
        ({"tasks": ["refcocog_rec"], "best": "refcocog_rec:mioux"}, UnknownName, "did you mean miou"),
        ({"tasks": ["refcocog_rec"], "suite": "sample"}, ConfigError, "one of both"),
        ({"best": "refcocog_rec"}, ConfigError, "best needs tasks"),
    ],
)
def test_what_cannot_be_evaluated_is_said_before_the_first_step(config, tmp_path, section, error, words):
    with pytest.raises(error, match=words):
        run(config(evaluate=section), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_log_that_somebody_broke_is_not_written_over(config, tmp_path):
    path = config(evaluate=EVALUATE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "eval_log.jsonl").write_text("{broken\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        run(path, tmp_path / "out")


def test_the_best_is_lowest_where_the_truth_itself_scores_zero():
    depth = [registry.find("nyu_depth")]
    assert _criterion("nyu_depth:abs_rel", depth) == Criterion("nyu_depth", "abs_rel", False)
    assert _criterion("nyu_depth:delta1", depth).higher_is_better
    assert _criterion("nyu_depth", depth).key == registry.find("nyu_depth").kind.metrics[0].headline
    rows = [{"task": "nyu_depth", "metrics": {"abs_rel": value}} for value in (0.25, 0.75)]
    lowest = Criterion("nyu_depth", "abs_rel", False)
    assert lowest.value(rows) == 0.5
    assert lowest.value([*rows, {"task": "nyu_depth", "metrics": {"abs_rel": None}}]) is None
    assert lowest.prefers(0.5, [0.6, 0.7])
    assert not lowest.prefers(0.5, [0.5])


def test_every_generator_goes_on_as_if_nothing_had_been_drawn():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    with kept_randomness():
        first = draw()
    with kept_randomness():
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
    assert draw() == first


def test_official_files_are_needed_only_where_they_are_named(config, tmp_path):
    data = {"images_per_step": 2, "root": str(tmp_path / "none"), "sources": [{"task": "refcoco_res"}]}
    with pytest.raises(DataError, match="none"):
        run(config(evaluate=EVALUATE, data=data), tmp_path / "out")
