"""Commands of the guide to leaderboards parse, and every flag that it names exists."""

import re
import shlex
from pathlib import Path

import pytest

from tasks.cli import COMMANDS
from tasks.parser import of_command

TEXT = (Path(__file__).parents[2] / "docs" / "leaderboard.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.startswith("refbench ")]


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_guide_parses(line):
    words = shlex.split(line)[1:]
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
    assert of_command(name, COMMANDS[name])[1].read(words[len(name.split()) :])


def test_every_flag_that_the_guide_names_is_one():
    text = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    known = {
        flag
        for name in ("leaderboard", "runs list", "runs rm", "eval")
        for flag in of_command(name, COMMANDS[name])[1].flags
    }
    named = set(re.findall(r"`(--[a-z-]+)", text))
    assert named and named <= known


def test_no_gap_was_left_in_the_guide():
    assert "@@" not in TEXT
