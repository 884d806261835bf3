"""Every block of the README is run by a test, or it is stated here what it needs; listings need nothing and are run."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tasks.registry import TaskFile

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(console|bash|python|yaml|json|toml)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
NEEDS = {
    "-e . && .venv/bin/refbench eval": "network: installs",
    "-e '.[test]'": "network: installs; it is the line that .ci/run runs",
    "refbench eval --suite sample --model refvlm,floor": "hours: four models over the sample suite",
    "refbench ask": "nothing for ask, which the quick start runs; the demo serves until it is stopped",
    "refbench compare": "finished runs",
    "refbench regress": "finished runs",
    "refbench export": "finished runs",
    "refbench report": "finished runs",
    "refbench data prepare": "data, network",
    "refbench eval --task refcocog_res --limit 100": "minutes; its listings are run below",
    "# my_tasks/": "nothing: read below",
    "refbench eval --task refcocog_rec --model hf-vlm": "weights",
    "torchrun": "several GPUs",
    "refbench train": "hours",
}
"""Words of the first line of a block -> what it needs."""
LISTS = ("tasks", "suites", "models", "metrics")


def test_every_block_is_known_and_nothing_else_is():
    firsts = [text.partition("\n")[0] for _, text in BLOCKS]
    matching = [[key for key in NEEDS if key in first] for first in firsts]
    assert [first for first, keys in zip(firsts, matching, strict=True) if len(keys) != 1] == []
    assert {key for keys in matching for key in keys} == set(NEEDS)


LINES = [line for language, text in BLOCKS if language == "console" for line in text.splitlines()]


@pytest.mark.parametrize(
    "line",
    [line for line in LINES if line.split()[:1] == ["refbench"] and line.split()[1] in LISTS and "--" not in line],
)
def test_listings_are_run(refbench, line):
    outcome = refbench(*shlex.split(line)[1:])
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out


def test_the_task_file_is_one():
    [text] = [text for language, text in BLOCKS if language == "yaml"]
    assert TaskFile.model_validate(yaml.safe_load(text)).benchmark
