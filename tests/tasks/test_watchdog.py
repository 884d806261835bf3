import subprocess
import sys

from tasks.watchdog import Watchdog, bit, sweep

HANGS = """
import signal, sys
from pathlib import Path
from tasks.watchdog import Watchdog

def never_comes_back():
    signal.sigwait([signal.SIGUSR1])

with Watchdog(Path(sys.argv[1]), 0.2) as dog:
    dog.feed()
    never_comes_back()
"""


def test_a_process_that_hangs_is_ended_with_its_stack_in_the_file(tmp_path):
    stack = tmp_path / "stacks" / "rank-0.txt"
    done = subprocess.run([sys.executable, "-c", HANGS, str(stack)], check=False, timeout=60)
    assert done.returncode == 1
    assert "never_comes_back" in stack.read_text()
    assert bit(stack)
    sweep(stack.parent)
    assert stack.exists()


def test_a_process_that_ends_well_leaves_nothing(tmp_path):
    stack = tmp_path / "stacks" / "rank-0.txt"
    with Watchdog(stack, 60.0) as dog:
        dog.feed()
        dog.rest()
    assert not bit(stack)
    sweep(stack.parent)
    assert list(tmp_path.iterdir()) == []


def test_without_a_limit_nothing_is_watched_or_written(tmp_path):
    with Watchdog(tmp_path / "stacks" / "rank-0.txt", None) as dog:
        dog.feed()
    assert list(tmp_path.iterdir()) == []
