"""Ranks of a launch, as torchrun and accelerate start them: programs of their own that know of each other by files."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LASTING = ("predictions.jsonl", "rows.npz", "result.json")


@pytest.fixture
def launch(toy, tmp_path):
    """Start the toy as so many ranks; return (exit code, standard output, standard error) of each."""

    def run(world, moments="never", out="runs"):
        moments = [moments] * world if isinstance(moments, str) else moments
        ranks = [
            subprocess.Popen(
                [sys.executable, str(toy.path), str(tmp_path), str(tmp_path / out), moment, "1"],
                env={**os.environ, "RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_PORT": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank, moment in enumerate(moments)
        ]
        said = [rank.communicate() for rank in ranks]
        return [(rank.returncode, *texts) for rank, texts in zip(ranks, said, strict=True)]

    return run


@pytest.fixture
def content(toy, tmp_path):
    """The bytes that must not depend on the number of ranks."""

    def read(out="runs"):
        run = toy.folder_of(tmp_path / out)
        return {name: (run / name).read_bytes() for name in LASTING}

    return read


@pytest.fixture
def alone(toy, tmp_path, content):
    """What one process leaves."""
    command = [sys.executable, str(toy.path), str(tmp_path), str(tmp_path / "alone"), "never", "1"]
    subprocess.run(command, check=True, capture_output=True)
    return content("alone")


def codes(ranks):
    return [code for code, _, _ in ranks]


def test_ranks_share_a_run_leave_the_same_bytes_and_answer_again(launch, content, alone, toy, tmp_path):
    assert codes(launch(3)) == [0, 0, 0]
    assert content() == alone
    ranks = json.loads((toy.folder_of(tmp_path / "runs") / "run.json").read_text())["ranks"]
    assert [rank["rank"] for rank in ranks] == [0, 1, 2]
    assert sum(rank["samples"] for rank in ranks) == 20
    assert not (tmp_path / "runs" / ".launch").exists()
    assert codes(launch(2)) == [0, 0]


def test_a_rank_that_means_another_run_stops_all(launch):
    (code, out, _), (other, told, _) = launch(2, ["never", "batch:4"])
    assert (code, other) == (2, 2)
    assert "rank 1 on" in out and "means another run, its batch_size is 4, that of rank 0 3" in out
    assert "rank 0 on" in told and "stopped:" in told


def test_a_sample_that_ends_processes_costs_no_rank(launch, toy, tmp_path):
    assert codes(launch(2, "die:13")) == [0, 0]
    lines = (toy.folder_of(tmp_path / "runs") / "predictions.jsonl").read_text().splitlines()
    failed = [row for row in map(json.loads, lines) if row["status"] == "failed"]
    assert [(row["sample_id"], row["error"]) for row in failed] == [("toy/test/13", "ended its process")]


@pytest.mark.slow
def test_a_vanished_rank_is_named_and_the_others_do_its_work(launch, content, alone):
    (code, _, told), (gone, _, _) = launch(2, "vanish:1")
    assert (code, gone) == (0, -signal.SIGKILL)
    assert "rank 1 on" in told and "was not heard for 30 s: others take its batches" in told
    assert content() == alone


@pytest.mark.slow
def test_when_rank_0_vanishes_the_others_finish_the_work_and_the_next_start_merges(
    launch, content, alone, toy, tmp_path
):
    (gone, _, _), (code, told, _) = launch(2, "vanish:0")
    assert (gone, code) == (-signal.SIGKILL, 2)
    assert "rank 0 on" in told and "the same command, with any number of processes, goes on" in told
    assert codes(launch(3)) == [0, 0, 0]
    assert content() == alone


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["torchrun", "--standalone", "--nproc-per-node", "3", "--no-python"],
        ["accelerate", "launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision",
         "no", "--dynamo_backend", "no", "--main_process_port", "29671", "--no_python"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_the_launchers_themselves(refbench, small_world, words):
    scripts = Path(sys.executable).parent
    task = ["--task", "refcocog_rec", "--model", "constant", "--data-root", str(small_world), "--batch-size", "8"]
    command = [str(scripts / words[0]), *words[1:], str(scripts / "refbench"), "eval", *task, "--json", "--out", "many"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    one = refbench("eval", *task, "--json", "--out", "one")
    assert done.stdout == one.out
    for row in one.json["rows"]:
        for name in LASTING:
            assert (Path("many") / row["run"] / name).read_bytes() == (Path("one") / row["run"] / name).read_bytes()
    shutil.rmtree("many")


@pytest.mark.slow
def test_torchrun_with_five_ranks_cut_short_goes_on_with_two(toy, tmp_path):
    """A sample kills its process three times, then the rank that watches over it, and torchrun ends the others."""

    def start(ranks, moment, out="runs"):
        command = [str(Path(sys.executable).with_name("torchrun")), "--standalone", "--nproc-per-node", str(ranks)]
        command += ["--no-python", sys.executable, str(toy.path), str(tmp_path), str(tmp_path / out), moment, "1"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert start(5, "doom:13").returncode != 0
    done = start(2, "doom:13")
    assert done.returncode == 0, done.stderr
    undisturbed = start(3, "die:13", out="other")
    assert undisturbed.returncode == 0, undisturbed.stderr
    here, there = (toy.folder_of(tmp_path / out) for out in ("runs", "other"))
    for name in LASTING:
        assert (here / name).read_bytes() == (there / name).read_bytes()
