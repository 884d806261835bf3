"""What the tests of the run loop share: the toy split and model of `toy_run.py`."""

import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.run import RunOptions, evaluate

TOY_RUN = Path(__file__).with_name("toy_run.py")


@pytest.fixture(scope="session")
def toy():
    """The functions of `toy_run.py`, and its `path` to run it as a program."""
    return SimpleNamespace(**runpy.run_path(str(TOY_RUN)), path=TOY_RUN)


@pytest.fixture
def go(toy, tmp_path):
    """Run the steady toy model on ten samples, three to a batch."""

    def run(out="runs", model=None, task="rec", split=None, entry=None, **options):
        entry = entry or toy.make_entry(model or toy.Steady())
        chosen = RunOptions(**{"out": tmp_path / out, "batch_size": 3, "code": toy.CODE, **options})
        return evaluate(toy.make_task(task), split or toy.make_split(tmp_path), entry, chosen)

    return run


@pytest.fixture
def killed(toy, tmp_path):
    """Run the same in a process of its own that dies at a moment."""

    def run(moment, out="runs"):
        command = [sys.executable, str(toy.path), str(tmp_path), str(tmp_path / out), moment]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr

    return run


@pytest.fixture
def oracle(refbench):
    """Evaluate the oracle on tasks and a data root; further words as given."""

    def run(tasks, root, *words):
        return refbench("eval", "--task", tasks, "--model", "oracle", "--data-root", root, *words)

    return run
