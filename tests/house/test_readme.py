"""The README says what works: its commands parse, its numbers are those of the code, its blocks can be found."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks.registry import benchmark
from tasks.cli import COMMANDS
from tasks.parser import of_command
from tasks.registry import task_files

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines()]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("refbench ")])
def test_every_command_of_the_readme_parses(line):
    words = shlex.split(line)[1:]
    name = " ".join(words[:2]) if " ".join(words[:2]) in COMMANDS else words[0]
    _, parser = of_command(name, COMMANDS[name])
    assert parser.read(words[len(name.split()) :])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command):
    assert any(line.startswith(f"refbench {command}") for line in LINES)


def test_the_readme_sets_up_with_one_line_each():
    set_up = [line for line in LINES if "-m venv" in line]
    assert [line.split(" && ")[-1] for line in set_up] == [
        ".venv/bin/refbench eval --task refcocog_res",
        ".venv/bin/pytest -q -n auto",
    ]


def test_ci_runs_the_very_test_command_of_the_readme():
    [block] = re.findall(r"<!-- test:begin -->\n```console\n(.*?)```\n<!-- test:end -->", README, re.DOTALL)
    assert block.count("\n") == block.count("pytest") == 1
    assert "<!-- test:begin -->" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_block_of_the_table_is_there():
    assert README.index("<!-- table:begin -->") < README.index("<!-- table:end -->") < README.index("## ")


def test_split_counts_are_the_published_ones():
    files = task_files()
    heads = {line: line.split("|")[1] for line in README.splitlines() if line.startswith("| `")}
    rows = {name: line for line, head in heads.items() for name in re.findall(r"`(\w+)`", head) if name in files}
    assert set(rows) == set(files)
    for name, row in rows.items():
        splits = benchmark(files[name].benchmark).splits
        counts = ((split, splits[split]) for split in files[name].splits)
        texts = [f"{split} {count:,}" if count else f"{split} (no published count)" for split, count in counts]
        assert row.endswith("| " + ", ".join(texts) + " |")


def test_keys_of_the_contract_are_in_the_readme():
    for key in ("acc@T", "miou", "ciou", "giou", "p@X", "per_class", "unparsable", "intervals"):
        assert key in README
