"""Several processes share a run. Each run of the toy is a program of its own, which signals may hit."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import ModelError
from tasks.worker import own_device

LASTING = ("predictions.jsonl", "rows.npz", "result.json")
BATCHES = 7


@pytest.fixture
def shared(toy, tmp_path):
    """Run twenty samples, three to a batch, in some processes; return what was printed."""

    def run(processes, moment="never", out="runs", code=0):
        command = [sys.executable, str(toy.path), str(tmp_path), str(tmp_path / out), moment, str(processes)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture
def content(toy, tmp_path):
    """The bytes that must not depend on the number of processes."""

    def read(out="runs"):
        run = toy.folder_of(tmp_path / out)
        return {name: (run / name).read_bytes() for name in LASTING}

    return read


def kept(folder):
    """Lines in the journal of every process."""
    return {path.name: len(path.read_bytes().splitlines()) for path in sorted(folder.rglob("rank-*.jsonl"))}


@pytest.fixture(scope="module")
def alone(toy, tmp_path_factory):
    """What one process leaves."""
    folder = tmp_path_factory.mktemp("alone")
    command = [sys.executable, str(toy.path), str(folder), str(folder / "runs"), "never", "1"]
    subprocess.run(command, check=True, capture_output=True)
    run = toy.folder_of(folder / "runs")
    return {name: (run / name).read_bytes() for name in LASTING}


MANY = [pytest.param(count, marks=pytest.mark.slow) for count in (3, BATCHES + 2)]


@pytest.mark.parametrize("processes", [2, 5, *MANY])
def test_any_number_of_processes_leaves_the_same_bytes(shared, content, alone, tmp_path, processes):
    shared(processes)
    assert content() == alone
    assert kept(tmp_path) == {}


def failures(folder):
    """Sample id -> why it has no answer."""
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    return {row["sample_id"]: row["error"] for row in rows if row["status"] == "failed"}


def test_the_batch_of_a_killed_process_goes_to_another_one(shared, content, alone, toy, tmp_path):
    said = shared(2, "once:13")
    assert "was ended by SIGKILL" in said.stderr and "its batch again" in said.stderr
    assert content() == alone
    ranks = json.loads((toy.folder_of(tmp_path / "runs") / "run.json").read_text())["ranks"]
    assert sum(rank["samples"] for rank in ranks) == 20 and sum(rank["batches"] for rank in ranks) == BATCHES
    assert all(rank["idle_s"] >= 0 and rank["busy_s"] >= 0 for rank in ranks)


@pytest.mark.parametrize("event", ["die", pytest.param("bug", marks=pytest.mark.slow)])
def test_a_sample_that_ends_every_process_is_found_and_recorded(shared, toy, tmp_path, event):
    said = shared(2, f"{event}:13")
    assert "the samples of its batch one by one" in said.stderr
    assert failures(toy.folder_of(tmp_path / "runs")) == {"toy/test/13": "ended its process"}


@pytest.mark.slow
def test_a_sample_that_ends_every_process_leaves_the_same_bytes_by_any_number_of_them(shared, content):
    for processes in (2, 3):
        shared(processes, "die:13", out=f"by-{processes}")
    assert content("by-2") == content("by-3")


@pytest.mark.slow
def test_blame_outlives_a_launch(shared, content, toy, tmp_path):
    """Twice with its batch and once alone, when all processes die with it; then once more, and never again."""
    shared(2, "doom:13", code=-signal.SIGKILL)
    said = shared(2, "doom:13")
    assert (tmp_path / "happened").read_text() == "3 3 1 1 "
    assert "process" in said.stderr and "its batch again" not in said.stderr
    assert failures(toy.folder_of(tmp_path / "runs")) == {"toy/test/13": "ended its process"}
    shared(2, "die:13", out="other")
    assert content("other") == content()


@pytest.mark.slow
def test_failed_samples_are_asked_again_by_several_processes_as_by_one(shared, content, toy, tmp_path):
    for processes in (1, 2):
        shared(processes, "fail:13", out=f"by-{processes}")
        assert failures(toy.folder_of(tmp_path / f"by-{processes}")) == {"toy/test/13": "RuntimeError: a bad day"}
        said = shared(processes, "again:13", out=f"by-{processes}")
        assert "1 failed samples are asked again" in said.stderr
        assert failures(toy.folder_of(tmp_path / f"by-{processes}")) == {}
    assert content("by-1") == content("by-2")


def test_a_process_that_hangs_is_ended_and_leaves_its_stack(shared, toy, tmp_path):
    said = shared(2, "hang:13")
    assert "made no progress and was ended, its stack is in" in said.stderr
    run = toy.folder_of(tmp_path / "runs")
    assert failures(run) == {"toy/test/13": "ended its process: no progress for longer than --stall-timeout"}
    stacks = [path.read_text() for path in (run / "stacks").iterdir()]
    assert len(stacks) == 3 and all("in predict" in stack and "toy_run.py" in stack for stack in stacks)


@pytest.mark.parametrize(("moment", "code"), [("stop:9", 130), ("term:9", 143)])
def test_signals_let_every_process_finish_its_batch(shared, content, alone, tmp_path, moment, code):
    said = shared(2, moment, code=code)
    assert "the same command goes on from there" in said.stdout
    assert "Traceback" not in said.stderr
    assert f"stopped: {sum(kept(tmp_path).values())} of 20 samples are done and kept" in said.stdout
    assert sum(kept(tmp_path).values()) >= 3
    shared(3)
    assert content() == alone


def test_workers_outlive_a_killed_first_process_by_a_batch_and_hold_the_lock(shared, content, alone, toy, tmp_path):
    shared(2, "orphan:0", code=-signal.SIGKILL)
    lock = os.open(toy.folder_of(tmp_path / "runs") / ".lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)  # waits for the workers, which finish their batch
    os.close(lock)
    assert 3 <= sum(kept(tmp_path).values()) < 20
    shared(3)
    assert content() == alone


def test_a_broken_contract_in_a_process_is_told(shared, content, alone):
    assert "model toy returned 0 predictions for 3 queries" in shared(2, "break:0", code=2).stdout
    shared(2)
    assert content() == alone


def test_the_command_line_shares_every_row_of_several_tasks(refbench, small_world):
    words = ["--task", "refcocog_rec,refcocog_res", "--model", "constant", "--data-root", small_world, "--json"]
    words += ["--batch-size", 8]
    one = refbench("eval", *words, "--out", "one")
    two = refbench("eval", *words, "--out", "two", "--num-processes", 2)
    assert (one.code, two.code) == (0, 0)
    assert two.out == one.out
    for row in one.json["rows"]:
        here, there = (Path(root) / row["run"] for root in ("one", "two"))
        assert {name: (here / name).read_bytes() for name in LASTING} == {
            name: (there / name).read_bytes() for name in LASTING
        }


@pytest.mark.slow
def test_a_batch_size_found_by_trying_leaves_the_same_bytes_of_a_model_that_does_not_depend_on_it(
    refbench, small_world
):
    words = ["--task", "refcocog_rec", "--model", "constant", "--data-root", small_world, "--json"]
    words += ["--batch-size", "auto"]
    one = refbench("eval", *words, "--out", "one")
    two = refbench("eval", *words, "--out", "two", "--num-processes", 2)
    assert (one.code, two.code, two.out) == (0, 0, one.out)


def test_weights_that_a_process_cannot_load_are_told_and_leave_nothing_behind(refbench, small_world, tmp_path):
    bundled = Path(__file__).resolve().parents[2] / "refvlm" / "weights" / "tiny"
    weights = tmp_path / "weights"
    shutil.copytree(bundled, weights)
    (weights / "model.safetensors").write_bytes(b"torn")
    words = ["--task", "refcocog_rec", "--data-root", small_world, "--split", "val", "--weights", weights]
    outcome = refbench("eval", *words, "--num-processes", 2, "--batch-size", 2)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{weights} cannot be read" in outcome.err
    assert "Traceback" not in outcome.err
    assert list(Path().iterdir()) == []


def test_each_process_has_a_cuda_device_of_its_own_while_there_are_enough(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [own_device("cuda", rank) for rank in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    assert [own_device(device, 1) for device in ("cpu", "cuda:0")] == ["cpu", "cuda:0"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ModelError, match="no CUDA device"):
        own_device("cuda", 0)
