"""Start-up budgets: every help within 0.2 s, `tasks` and `models` within 0.35 s; beside a bare interpreter.

pytest -m bench tests/bench/test_bench_startup.py
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.cli import COMMANDS

ROUNDS = 5
BUDGETS_S = {
    **{f"{name} --help": 0.2 for name in COMMANDS},
    "--help": 0.2,
    "tasks": 0.35,
    "models": 0.35,
}
NO_BUDGET = ("--version", "metrics", "tasks refcocog_res", "data status")
CONSOLE_SCRIPT = Path(sys.executable).with_name("refbench")


def median_s(command: list[str], cwd: Path) -> float:
    """Median wall time of a command that must succeed."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@pytest.mark.bench
def test_start_up(tmp_path, capsys):
    bare = median_s([sys.executable, "-c", "pass"], tmp_path)
    timings = {words: median_s([str(CONSOLE_SCRIPT), *words.split()], tmp_path) for words in (*BUDGETS_S, *NO_BUDGET)}
    assert bare < min(timings.values())  # each started an interpreter, too
    with capsys.disabled():
        print(f"\nmedian of {ROUNDS}, seconds")
        print(f"  {'python -c pass':<28}{bare:6.3f}")
        for words, value in timings.items():
            budget = BUDGETS_S.get(words)
            verdict = "" if budget is None else f"  budget {budget:.2f}  {'kept' if value <= budget else 'BROKEN'}"
            print(f"  {'refbench ' + words:<28}{value:6.3f}{verdict}")
