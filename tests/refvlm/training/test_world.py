"""Devices, trackers and DeepSpeed: what cannot be had is one clear error."""

import importlib.util
import json

import pytest
import torch

from benchmarks.errors import ConfigError, ModelError
from refvlm.training.launch import Job
from refvlm.training.world import open_world


def test_precision_and_device_must_go_together(complete_config, monkeypatch):
    with pytest.raises(ConfigError, match="fp16 needs a GPU"):
        open_world(complete_config(optim={"precision": "fp16"}), "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="no CUDA device"):
        open_world(complete_config(), "cuda")


def test_one_process_may_change_its_precision_between_runs(complete_config):
    for precision, wanted in (("bf16", "bf16"), ("fp32", "no"), ("bf16", "bf16")):
        assert open_world(complete_config(optim={"precision": precision}), "cpu").mixed_precision == wanted


def test_processes_that_do_not_see_one_another_are_refused(complete_config, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")  # and no rank: as where a launcher was told to use one process
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setattr("accelerate.state.PartialState._prepare_backend", lambda *_: (None, None))
    with pytest.raises(ModelError, match=r"4 processes were started .* sees 1"):
        open_world(complete_config(), "cpu")


def test_too_few_images_for_the_pieces_are_refused(complete_config):
    with pytest.raises(ConfigError, match=r"too few for 1 processes with optim\.accumulate 5"):
        open_world(complete_config(optim={"accumulate": 5}), "cpu")


@pytest.mark.parametrize("tracker", ["tensorboard", "trackio"])
def test_a_tracker_that_is_not_installed_is_named(complete_config, tmp_path, monkeypatch, tracker):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=f'track: {tracker} is not installed: pip install "refbench'):
        open_world(complete_config(track=tracker), "cpu", tmp_path)


def test_tensorboard_gets_the_losses_of_the_log(complete_file, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "run"
    Job(complete_file(track="tensorboard"), out).run()
    events = EventAccumulator(str(out / "refbench"))
    events.Reload()
    logged = [json.loads(line)["total"] for line in (out / "train_log.jsonl").read_text().splitlines()]
    assert [each.value for each in events.Scalars("train/total")] == pytest.approx(logged, abs=1e-4)


def test_a_deepspeed_file_must_be_there_and_leave_the_weights_whole(complete_config, tmp_path, monkeypatch):
    file = tmp_path / "ds.json"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="deepspeed is not installed"):
        open_world(complete_config(deepspeed=str(file)), "cpu")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with pytest.raises(ConfigError, match="cannot be read"):
        open_world(complete_config(deepspeed=str(file)), "cpu")
    file.write_text("{")
    with pytest.raises(ConfigError, match="no JSON"):
        open_world(complete_config(deepspeed=str(file)), "cpu")
    file.write_text('{"zero_optimization": {"stage": 3}}')
    with pytest.raises(ConfigError, match="stage is 3: 0, 1 and 2"):
        open_world(complete_config(deepspeed=str(file)), "cpu")
