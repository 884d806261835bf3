"""A folder of stages is trained by one command, as its files would be one by one, and taken up where it stopped."""

import signal

import pytest
import torch

from refvlm import checkpoint
from refvlm.training.launch import Job
from refvlm.training.trainer import Trainer


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.delenv("RANK", raising=False)


@pytest.fixture
def folder(complete_file, tmp_path):
    """Two stages whose scenes and kinds of questions differ."""
    stages = tmp_path / "train" / "nano"
    stages.mkdir(parents=True)
    for number, changes in enumerate(({}, {"data": {"dense_share": 0.0}}), 1):
        complete_file(**changes).rename(stages / f"stage{number}.yaml")
    return stages


def weights(out):
    return checkpoint.load(out)[0].state_dict()


def same(one, two):
    return all(torch.equal(value, two[name]) for name, value in one.items())


def test_each_stage_starts_from_the_one_before(refbench, folder, tmp_path):
    outcome = refbench("train", "--config", folder, "--out", tmp_path / "all", "--device", "cpu", "--json")
    assert (outcome.code, outcome.json) == (0, {"checkpoint": str(tmp_path / "all" / "stage2")})
    Job(folder / "stage1.yaml", tmp_path / "one").run()
    Job(folder / "stage2.yaml", tmp_path / "two", start_from=tmp_path / "one").run()
    assert same(weights(tmp_path / "one"), weights(tmp_path / "all" / "stage1"))
    assert same(weights(tmp_path / "two"), weights(tmp_path / "all" / "stage2"))
    assert not same(weights(tmp_path / "one"), weights(tmp_path / "two"))


def test_checkpoints_are_named_after_the_files_and_start_from_reaches_the_first(refbench, folder, tmp_path):
    Job(folder / "stage2.yaml", tmp_path / "before").run()
    assert refbench("train", "--config", folder, "--start-from", tmp_path / "before").code == 0
    Job(folder / "stage1.yaml", tmp_path / "one", start_from=tmp_path / "before").run()
    assert same(weights(tmp_path / "one"), weights(tmp_path / "here" / "checkpoints" / "nano-stage1"))


def test_resume_goes_on_in_the_stage_that_was_stopped(refbench, folder, tmp_path, monkeypatch):
    assert refbench("train", "--config", folder, "--out", tmp_path / "whole").code == 0
    words = ("train", "--config", folder, "--out", tmp_path / "parts")
    learn, steps = Trainer.learn, []

    def interrupted(self, batch):
        steps.append(self.step)
        if len(steps) == self.config.optim.end + 2:
            signal.raise_signal(signal.SIGINT)
        return learn(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "learn", interrupted)
        stopped = refbench(*words)
    assert stopped.code == 130
    assert f"--resume goes on from the last state saved in {tmp_path / 'parts' / 'stage2'}" in stopped.err
    assert "add --resume to go on" in refbench(*words).err
    assert "stage 1 of 2: done before" in refbench(*words, "--resume").err
    assert same(weights(tmp_path / "whole" / "stage2"), weights(tmp_path / "parts" / "stage2"))


def test_a_limit_of_time_is_one_for_all_stages_and_what_is_done_stays(refbench, folder, tmp_path):
    words = ("train", "--config", folder, "--out", tmp_path / "run", "--resume")
    limited = refbench(*words, "--max-minutes", "0")
    assert (limited.code, limited.out) == (0, "")
    assert "stopped after 0 minutes" in limited.err
    assert not (tmp_path / "run" / "stage2").exists()
    assert refbench(*words).code == 0
    state = tmp_path / "run" / "stage1" / "training_state.pt"
    before = state.stat().st_mtime_ns
    again = refbench(*words)
    assert (again.code, state.stat().st_mtime_ns) == (0, before)
    assert "stage 2 of 2: done before" in again.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "stage1.yaml").unlink(), "holds no stage1.yaml but stages after it"),
        (lambda folder: (folder / "stage2.yaml").write_text("optim: {steps: 3, stepps: 3}"), "stepps"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "name a folder of stages, or one file of it"),
    ],
    ids=["gap", "wrong key", "empty"],
)
def test_what_is_wrong_with_the_folder_is_said_before_anything_is_trained(refbench, folder, tmp_path, change, said):
    change(folder)
    outcome = refbench("train", "--config", folder, "--out", tmp_path / "run")
    assert (outcome.code, (tmp_path / "run").exists()) == (2, False)
    assert said in outcome.err


def test_a_stage_that_was_done_by_another_configuration_is_not_passed_over(refbench, folder, tmp_path):
    words = ("train", "--config", folder, "--out", tmp_path / "run")
    assert refbench(*words).code == 0
    text = (folder / "stage1.yaml").read_text()
    (folder / "stage1.yaml").write_text(f"{text}\nseed: 5\n")
    outcome = refbench(*words, "--resume")
    assert (outcome.code, "started with another configuration" in outcome.err) == (2, True)


def test_torchrun_trains_files_one_at_a_time(refbench, folder, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    outcome = refbench("train", "--config", folder)
    assert (outcome.code, "under torchrun name one file of it" in outcome.err) == (2, True)
