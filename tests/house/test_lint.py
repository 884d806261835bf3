"""ruff and mypy, so that the one test command covers them; skipped where they are not installed."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def module(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this interpreter in the repository."""
    return subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_ruff_finds_nothing():
    done = module("ruff", "check", ".")
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_mypy_finds_nothing(tmp_path):
    done = module("mypy", "--cache-dir", str(tmp_path))
    assert done.returncode == 0, done.stdout
