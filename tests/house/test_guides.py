"""Commands of the guides parse, and every flag that they name exists."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from tasks.cli import COMMANDS
from tasks.parser import Parser

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("running.md", "large_runs.md", "ci_gate.md", "models.md", "compare.md")


def parser(name):
    """The parser of a command."""
    module = import_module(f"tasks.commands.{name.replace(' ', '_')}")
    made = Parser(name, COMMANDS[name], module.EXAMPLES)
    module.arguments(made)
    made.add_argument("--json", action="store_true")
    return made


def commands():
    """Every line of a console block that starts with refbench, or hands it to a launcher."""
    for guide in GUIDES:
        for block in re.findall(r"```console\n(.*?)```", (DOCS / guide).read_text("utf-8"), re.DOTALL):
            yield from (line[line.index("refbench ") :] for line in block.splitlines() if "refbench " in line)


@pytest.mark.parametrize("line", list(commands()))
def test_a_command_of_a_guide_parses(line):
    words = shlex.split(line)[1:]
    assert parser(words[0]).read(words[1:])


def test_every_flag_that_the_guide_to_running_names_is_one():
    text = re.sub(r"```.*?```", "", (DOCS / "running.md").read_text("utf-8"), flags=re.DOTALL)
    known = {*parser("eval").flags, *parser("verify").flags}
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= known
