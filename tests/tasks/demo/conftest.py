"""The demo as a person meets it: a process of its own, which may reach nothing but this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

PROGRAM = Path(__file__).with_name("served.py")


@contextmanager
def serve(folder: Path, *words: object) -> Iterator[SimpleNamespace]:
    """Run `refbench demo --port 0` with words; yields its `address`, `temp` folder, and addresses it `reached` for.

    On leaving, it must end well when it is interrupted, and leave its temporary folder empty.
    """
    (temp := folder / "temp").mkdir()
    log = folder / "reached"
    command = [sys.executable, str(PROGRAM), str(log), "demo", "--port", "0", "--json", *map(str, words)]
    environ = {**os.environ, "TMPDIR": str(temp), "OMP_NUM_THREADS": "1"}
    environ.pop("GRADIO_ANALYTICS_ENABLED", None)
    errors = (folder / "errors").open("w")
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, env=environ, text=True)
    guard = threading.Timer(900, process.kill)  # so that a test that hangs leaves nothing
    guard.start()
    try:
        line = process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
        assert line, (folder / "errors").read_text()
        yield SimpleNamespace(
            address=json.loads(line)["address"],
            temp=temp,
            reached=lambda: log.read_text() if log.is_file() else "",
            errors=lambda: (folder / "errors").read_text(),
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, (folder / "errors").read_text()
        assert not list(temp.glob("refbench-demo-*"))
    finally:
        guard.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        errors.close()


@pytest.fixture(scope="module")
def demo(browser, small_world, tmp_path_factory, shared_cache) -> Iterator[SimpleNamespace]:
    """The demo on a small sample world; only where there is a browser."""
    os.environ.setdefault("REFBENCH_CACHE", str(shared_cache))
    folder = tmp_path_factory.mktemp("demo")
    with serve(folder, "--data-root", small_world, "--offline") as served:
        yield served


@pytest.fixture
def serving():
    """`serve`, for tests that need other words."""
    return serve
