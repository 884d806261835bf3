"""What the tests of the run loop share: the toy split and model of `toy_run.py`."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

TOY_RUN = Path(__file__).with_name("toy_run.py")


@pytest.fixture(scope="session")
def toy():
    """The functions of `toy_run.py`, and its `path` to run it as a program."""
    return SimpleNamespace(**runpy.run_path(str(TOY_RUN)), path=TOY_RUN)
