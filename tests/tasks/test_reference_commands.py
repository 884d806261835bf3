"""The reference of the command line says what the parsers know, in Markdown that shows it."""

import argparse
import re
from pathlib import Path

import pytest

from tasks import reference_commands
from tasks.cli import COMMANDS
from tasks.parser import Parser, of_command

PAGE = reference_commands.page()
ROOT = Path(__file__).parents[2]


def section(name):
    """The part of the page about a command."""
    return PAGE.split(f"\n## refbench {name}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_of_a_command_is_told(name):
    _, parser = of_command(name, COMMANDS[name])
    told = set(re.findall(r"`(--?[\w-]+)", section(name).split("<!--")[0]))
    assert {*parser.flags} - {"-h", "--help", "--json", "-v", "--verbose"} <= told


def test_ways_of_typing(monkeypatch):
    parser = Parser("toy", "what it does", "")
    parser.add_argument("file", metavar="FILE", nargs="+", help="what to read: *.json and *.csv")
    parser.add_argument("name", nargs="?", help="one of them")
    parser.add_argument("-n", "--number", metavar="N", default=3, help="how many (default: %(default)s), at most 5%%")
    parser.add_argument("--form", choices=("text", "html"), required=True, help="as in `*.<form>`")
    parser.add_argument("--hidden", help=argparse.SUPPRESS)
    assert list(reference_commands._arguments(parser)) == [
        r"`FILE …`: what to read: \*.json and \*.csv",
        "`[NAME]`: one of them",
        "`-n N`, `--number N`: how many (default: 3), at most 5%",
        "`--form {text,html}`: as in `*.<form>` (must be given)",
    ]


def test_examples_become_a_block_and_words():
    text = "  refbench toy A    (reads A)\n  refbench toy \\\n      B\n\nWords on *.json.\nexit codes: 0 done"
    assert reference_commands._examples(text).splitlines()[1:] == [
        "```console",
        "refbench toy A  # reads A",
        "refbench toy \\",
        "    B",
        "```",
        "",
        r"Words on \*.json.",
        "",
        "Exit codes: 0 done",
    ]


def test_every_environment_variable_of_the_code_is_told():
    sources = [
        path.read_text("utf-8")
        for name in ("tasks", "benchmarks", "refvlm", "results", "metrics")
        for path in (ROOT / name).rglob("*.py")
        if path.name != "reference_commands.py"
    ]
    assert {name for text in sources for name in re.findall(r"\bREFBENCH_[A-Z_]*[A-Z]\b", text)} == set(
        reference_commands.VARIABLES
    )
