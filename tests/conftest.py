"""What all tests share: a process without the user's settings, a small sample world, and the command line."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from benchmarks.world.write import write_world
from tasks.cli import main

WORLD_MARK = "world.json"

if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core; threads for all cores would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as of a shell's background job; tests of Ctrl-C need it heard
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Outcome(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The answer for machines."""
        return json.loads(self.out)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory) -> Path:
    """One cache for the whole session: the default sample world is written into it once."""
    return tmp_path_factory.mktemp("shared-cache")


@pytest.fixture(autouse=True)
def own_settings(shared_cache, tmp_path_factory, monkeypatch) -> Path:
    """Keep tests out of the user's cache, configuration and data; return the configuration folder."""
    config = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("REFBENCH_CACHE", str(shared_cache))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.delenv("REFBENCH_DATA", raising=False)
    monkeypatch.delenv("REFBENCH_RUNS", raising=False)
    return config


@pytest.fixture
def refbench(capsys, monkeypatch, tmp_path) -> Callable[..., Outcome]:
    """Run the command line in this process, in an empty folder, and return what it left."""
    (folder := tmp_path / "here").mkdir()
    monkeypatch.chdir(folder)

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def small_world(tmp_path_factory) -> Path:
    """A sample world of a few scenes: read only."""
    root = tmp_path_factory.mktemp("world") / "small"
    write_world(root, seed=3, scenes={"val": 3, "test": 6, "shifted": 2})
    return root


@pytest.fixture
def unmarked_world(small_world, tmp_path) -> Path:
    """The same files without the mark of the sample world, as if they were official; free to be broken."""
    root = tmp_path / "official"
    shutil.copytree(small_world, root)
    (root / WORLD_MARK).unlink()
    return root


@pytest.fixture
def site() -> Iterator[SimpleNamespace]:
    """A publisher's server on loopback that can misbehave, see `web.py`."""
    web = SimpleNamespace(**run_path(str(Path(__file__).with_name("web.py")), run_name="web"))
    with web.serve(web.Site()) as site:
        yield site


@pytest.fixture
def chat() -> Iterator[SimpleNamespace]:
    """A server of chat completions on loopback that can misbehave, see `chat.py`."""
    chat = SimpleNamespace(**run_path(str(Path(__file__).with_name("chat.py")), run_name="chat"))
    with chat.serve(chat.Chat()) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[SimpleNamespace]:
    """A headless Chromium: `visit(address, **look)` opens a page, see `browser.py`. Skips where there is none."""
    tools = SimpleNamespace(**run_path(str(Path(__file__).with_name("browser.py")), run_name="browser"))
    if not tools.CHROMIUM.is_file():
        pytest.skip(f"{tools.CHROMIUM} is not installed")
    pytest.importorskip("playwright.sync_api")
    with tools.launch() as chromium:
        yield SimpleNamespace(visit=partial(tools.visit, chromium))
