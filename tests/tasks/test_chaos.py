"""Processes are killed at random moments; what is left in the end must be what an undisturbed run leaves.

The moments are events of the run, drawn with a fixed seed, and no times: a failure can be had again.
"""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LASTING = ("predictions.jsonl", "rows.npz", "result.json")
PROGRAM = Path(__file__).with_name("toy_chaos.py")
EVENTS = {"ask": 4, "tear": 3, "wrote": 3, "hear": 7, "replace": 5}
"""Event -> how often it comes at most in the process that strikes: seven batches over two workers."""


def moments(count, seed=6):
    """Draw moments, all different."""
    draw = random.Random(seed)
    found = []
    while len(found) < count:
        event = draw.choice(list(EVENTS))
        who = draw.choice("01") if event in ("ask", "tear", "wrote") else "first"
        whom = draw.choice(["self", "all"]) if who != "first" else "all"
        moment = f"{who}:{event}:{draw.randint(1, EVENTS[event])}:{whom}"
        found += [] if moment in found else [moment]
    return found


FEW = ["0:tear:1:self", "1:ask:2:all", "first:hear:3:all", "first:replace:4:all"]


@pytest.fixture(scope="module")
def undisturbed(toy, tmp_path_factory):
    """What one process leaves that nobody disturbs."""
    folder = tmp_path_factory.mktemp("calm")
    command = [sys.executable, str(toy.path), str(folder), str(folder / "runs"), "never", "1"]
    subprocess.run(command, check=True, capture_output=True)
    return read(toy.folder_of(folder / "runs"))


def read(run):
    return {name: (run / name).read_bytes() for name in LASTING}


def start(folder, moment):
    """Start the program in a process group of its own; return how it ended."""
    command = [sys.executable, str(PROGRAM), str(folder), str(folder / "runs"), moment]
    return subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)


def check(moment, toy, folder, undisturbed):
    """Run until it ends well; a worker's death alone must not stop it."""
    done = start(folder, moment)
    struck = (folder / f"struck-{moment}").exists()
    if moment.endswith("all") and struck:
        assert done.returncode == -signal.SIGKILL
        done = start(folder, moment)
    assert done.returncode == 0, done.stderr
    run = toy.folder_of(folder / "runs")
    assert read(run) == undisturbed
    assert {path.name for path in run.iterdir()} == {*LASTING, "timings.jsonl", "run.json", ".lock"}
    return struck


@pytest.mark.parametrize("moment", FEW)
def test_a_kill_at_this_moment_changes_no_byte(toy, tmp_path, undisturbed, moment):
    assert check(moment, toy, tmp_path, undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kills_at_thirty_random_moments_change_no_byte(toy, tmp_path, undisturbed):
    struck = []
    for number, moment in enumerate(moments(30)):
        folder = tmp_path / str(number)
        folder.mkdir()
        struck.append(check(moment, toy, folder, undisturbed))
    assert all(struck)
