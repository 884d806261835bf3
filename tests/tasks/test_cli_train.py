"""`refbench train`: hands its arguments on and says where the checkpoint is. Training itself is tested with refvlm."""

from dataclasses import replace
from pathlib import Path

import pytest

from refvlm.training import launch
from refvlm.training.launch import Job


def bare(job):
    """The job without what looks at its checkpoints, which is tested with the evaluation while training."""
    assert job.watch_of is not None
    return replace(job, watch_of=None)


@pytest.fixture
def calls(monkeypatch):
    """Record what would be trained, and on how many processes, instead of training."""
    made = []
    monkeypatch.setattr(Job, "run", lambda self: made.append((bare(self), 1)))
    monkeypatch.setattr(launch, "launch", lambda job, processes: made.append((bare(job), processes)))
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    return made


def test_arguments_reach_the_training(refbench, calls):
    words = ["--config", "a/tiny.yaml", "--out", "there", "--resume", "--max-minutes", "2.5", "--json"]
    outcome = refbench("train", *words, "--device", "cpu", "--start-from", "before")
    assert (outcome.code, outcome.json) == (0, {"checkpoint": "there"})
    assert calls == [(Job(Path("a/tiny.yaml"), Path("there"), True, 2.5, "cpu", Path("before")), 1)]


@pytest.mark.parametrize(
    ("config", "folder"),
    [("a/tiny.yaml", "checkpoints/tiny"), ("configs/train/tiny/stage2.yaml", "checkpoints/tiny-stage2")],
)
def test_the_folder_is_named_after_the_configuration(refbench, calls, config, folder):
    outcome = refbench("train", "--config", config, "--device", "cpu")
    assert outcome.code == 0
    assert f"use it with --weights {folder}" in outcome.out
    assert calls == [(Job(Path(config), Path(folder)), 1)]


def test_several_processes_are_launched(refbench, calls):
    assert refbench("train", "--config", "a/tiny.yaml", "--device", "cpu", "--num-processes", "3").code == 0
    assert calls == [(Job(Path("a/tiny.yaml"), Path("checkpoints/tiny")), 3)]


def test_under_torchrun_one_rank_speaks_and_none_starts_others(refbench, calls, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert refbench("train", "--config", "a/tiny.yaml", "--device", "cpu").out == ""
    outcome = refbench("train", "--config", "a/tiny.yaml", "--num-processes", "2")
    assert (outcome.code, len(calls)) == (2, 1)
    assert "leave out --num-processes" in outcome.err


def test_ctrl_c_says_how_to_go_on(refbench, calls, monkeypatch):
    def stopped(job):
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "run", stopped)
    outcome = refbench("train", "--config", "a/tiny.yaml", "--out", "there")
    assert (outcome.code, outcome.out) == (130, "")
    assert "--resume goes on from the last state saved in there" in outcome.err
