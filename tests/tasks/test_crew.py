"""Several processes share a run. Each run of the toy is a program of its own, which signals may hit."""

import fcntl
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


@pytest.fixture
def alone(shared, content):
    """What one process leaves."""
    shared(1, out="alone")
    return content("alone")


def test_any_number_of_processes_leaves_the_same_bytes(shared, content, alone, tmp_path):
    for processes in (2, 3, 5, BATCHES + 2):
        shared(processes, out=f"by-{processes}")
        assert content(f"by-{processes}") == alone
    assert kept(tmp_path) == {}


def test_a_killed_process_is_named_and_another_number_of_processes_goes_on(shared, content, alone, tmp_path):
    said = shared(3, "die:13")  # batch 4, the second one of rank 1
    assert "process 1 of 3 was ended by SIGKILL" in said.stdout and "any number of processes" in said.stdout
    assert kept(tmp_path)["rank-1.jsonl"] == 3
    done = sum(kept(tmp_path).values())
    said = shared(2)
    assert f"resuming, {done} of 20 samples are done already" in said.stderr
    assert content() == alone


def test_ctrl_c_reaches_the_first_process_only_and_the_others_finish_their_batch(shared, content, alone, tmp_path):
    said = shared(2, "stop:9")  # batch 3, the second one of rank 1
    assert "the same command goes on from there" in said.stdout
    assert "Traceback" not in said.stderr
    files = kept(tmp_path)
    assert files["rank-1.jsonl"] >= 6
    assert f"stopped: {sum(files.values())} of 20 samples are done and kept" in said.stdout
    shared(5)
    assert content() == alone


def test_workers_outlive_a_killed_first_process_by_a_batch_and_hold_the_lock(shared, content, alone, toy, tmp_path):
    shared(2, "orphan:0", code=-signal.SIGKILL)
    lock = os.open(toy.folder_of(tmp_path / "runs") / ".lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)  # waits for the workers, which finish their batch
    os.close(lock)
    assert 3 <= sum(kept(tmp_path).values()) < 20
    shared(3)
    assert content() == alone


def test_a_bug_and_a_broken_contract_in_a_process_are_told(shared, content, alone):
    assert "process 0 of 2 ended with exit code 7" in shared(2, "bug:0").stdout
    assert "model toy returned 0 predictions for 3 queries" in shared(2, "break:0").stdout
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
