import os

import pytest

from tasks.threads import share


@pytest.fixture
def eight_cores(monkeypatch):
    """A machine of eight cores where nobody said anything about threads; torch is left alone."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    for name in ("OMP_NUM_THREADS", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    return monkeypatch


@pytest.mark.parametrize(("processes", "threads"), [(2, 4), (3, 2), (8, 1), (20, 1)])
def test_processes_share_the_cores(eight_cores, processes, threads):
    assert share(processes) == threads
    assert os.environ["OMP_NUM_THREADS"] == str(threads)


def test_ranks_of_a_launcher_count(eight_cores):
    eight_cores.setenv("LOCAL_WORLD_SIZE", "2")
    assert share(2) == 2


def test_one_process_and_what_the_user_says_are_left_alone(eight_cores):
    assert share(1) is None
    assert "OMP_NUM_THREADS" not in os.environ
    eight_cores.setenv("OMP_NUM_THREADS", "5")
    assert share(4) is None
    assert os.environ["OMP_NUM_THREADS"] == "5"
