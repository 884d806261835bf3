"""The table in README.md is what the main command prints: run here as a user would, with the bundled model."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NUMBER = re.compile(r"\d+\.\d+")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name):
    """The fenced text between two markers."""
    return re.search(rf"<!-- {name}:begin -->\n```\w+\n(.*?)```\n<!-- {name}:end -->", README, re.DOTALL).group(1)


def test_the_main_command_prints_the_table_of_the_readme(tmp_path):
    words = re.search(r"\.venv/bin/refbench (eval --task .*)\n", README).group(1).split()
    done = subprocess.run(
        [sys.executable, "-m", "tasks.cli", *words, "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    printed, shown = done.stdout.strip().splitlines(), block("table").strip().splitlines()
    assert [words_of(line) for line in printed] == [words_of(line) for line in shown]
    numbers = [[float(number) for number in NUMBER.findall("\n".join(lines))] for lines in (printed, shown)]
    # 1 point: on another processor sums round otherwise, which may move the answer of one question in 98
    assert numbers[0] == pytest.approx(numbers[1], abs=1.03)


def words_of(line):
    """A line without its decimals and column widths."""
    return re.sub(r"-{3,}", "", NUMBER.sub("", line)).split()
