"""`refbench train`: hands its arguments on and says where the checkpoint is. Training itself is tested with refvlm."""

from pathlib import Path

import pytest

from refvlm.training import train as training


@pytest.fixture
def calls(monkeypatch):
    """Record how training is called instead of training."""
    made = []
    monkeypatch.setattr(training, "train", lambda *arguments: made.append(arguments))
    return made


def test_arguments_reach_the_training(refbench, calls):
    words = ["--config", "a/tiny.yaml", "--out", "there", "--resume", "--max-minutes", "2.5", "--json"]
    outcome = refbench("train", *words)
    assert (outcome.code, outcome.json) == (0, {"checkpoint": "there"})
    assert calls == [(Path("a/tiny.yaml"), Path("there"), True, 2.5)]


def test_the_folder_is_named_after_the_configuration(refbench, calls):
    outcome = refbench("train", "--config", "a/tiny.yaml")
    assert outcome.code == 0
    assert "use it with --weights checkpoints/tiny" in outcome.out
    assert calls == [(Path("a/tiny.yaml"), Path("checkpoints/tiny"), False, None)]


def test_ctrl_c_says_how_to_go_on(refbench, monkeypatch):
    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stopped)
    outcome = refbench("train", "--config", "a/tiny.yaml", "--out", "there")
    assert (outcome.code, outcome.out) == (130, "")
    assert "--resume goes on from the last state saved in there" in outcome.err
