"""Several processes on one machine: they train what one trains, and their mistakes and ends are told plainly."""

import json
import os
import signal
import threading

import pytest
import torch

from benchmarks.errors import ConfigError, ModelError
from refvlm import checkpoint
from refvlm.training.launch import Job, launch


@pytest.fixture(autouse=True)
def single_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def lines(folder):
    return [json.loads(line) for line in (folder / "train_log.jsonl").read_text().splitlines()]


def test_two_processes_with_half_the_images_each_train_what_one_trains(complete_file, tmp_path):
    file = complete_file(loss={"joints": 0.0})  # joints are looked for in boxes moved at random, batch by batch
    Job(file, tmp_path / "one").run()
    launch(Job(file, tmp_path / "two"), 2)
    one, two = lines(tmp_path / "one"), lines(tmp_path / "two")
    assert [line["step"] for line in two] == [1, 2, 3, 4]
    for alone, shared in zip(one, two, strict=True):
        # Sums in another order, float32; the log has four decimals.
        assert shared | {"seconds": 0} == pytest.approx(alone | {"seconds": 0}, rel=1e-3, abs=2e-4)
    first, second = (checkpoint.load(tmp_path / name)[0].state_dict() for name in ("one", "two"))
    off = torch.cat([(value - second[name]).abs().flatten() for name, value in first.items()])
    # Stored as float16; and AdamW steps as far where a gradient is all rounding.
    assert float((off > 1e-4).float().mean()) < 0.02


def test_a_stop_reaches_every_process_and_resuming_goes_on(complete_file, tmp_path):
    file = complete_file()
    launch(Job(file, tmp_path / "run", max_minutes=0.0), 2)
    assert [line["step"] for line in lines(tmp_path / "run")] == [1]
    launch(Job(file, tmp_path / "run", resume=True), 2)
    assert [line["step"] for line in lines(tmp_path / "run")] == [1, 2, 3, 4]


def test_ctrl_c_ends_the_step_of_all_and_saves(complete_file, tmp_path):
    out = tmp_path / "run"
    ended = threading.Event()

    def press_when_running():
        while not ended.wait(0.05):
            if (out / "train_log.jsonl").exists():
                os.kill(os.getpid(), signal.SIGINT)
                return

    watcher = threading.Thread(target=press_when_running)
    watcher.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            launch(Job(complete_file(optim={"steps": 100_000}), out), 2)
    finally:
        ended.set()
        watcher.join()
    assert torch.load(out / "training_state.pt", weights_only=True)["step"] == lines(out)[-1]["step"]


def test_a_mistake_that_the_processes_meet_is_told_once(complete_file, tmp_path):
    with pytest.raises(ConfigError, match="too few for 2 processes"):
        launch(Job(complete_file(data={"images_per_step": 1}), tmp_path / "run"), 2)
    with pytest.raises(ConfigError, match="--device cuda"):
        launch(Job(complete_file(), tmp_path / "run", device="cuda:1"), 2)


def test_a_process_that_dies_is_named(complete_file, tmp_path, monkeypatch):
    file = complete_file()
    file.write_bytes(b"\xff")  # no mistake that the reader foresees: the process ends with a traceback
    with pytest.raises(ModelError, match=r"rank-\d of 2 processes ended with exit code 1"):
        launch(Job(file, tmp_path / "run"), 2)
