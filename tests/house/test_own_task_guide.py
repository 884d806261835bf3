"""The guide to a task of one's own: its files are written as they stand there and its commands are run."""

import json
import re
import shlex
from pathlib import Path
from runpy import run_path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "own_task.md").read_text("utf-8")


def blocks(language):
    """The blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


COMMANDS = [line for block in blocks("console") for line in block.splitlines()]


@pytest.fixture
def workplace(refbench, small_world, monkeypatch):
    """Write what the guide shows into an empty folder; the built-in world is the small one."""
    for block in blocks("yaml"):
        path = Path(block.partition("\n")[0].removeprefix("# "))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block)
    [program] = blocks("python")
    Path("make_data.py").write_text(program)
    run_path("make_data.py")
    [answers] = blocks("json")
    Path("answers.jsonl").write_text(answers)
    monkeypatch.setattr("benchmarks.world.write.ensure_world", lambda root, progress: small_world)
    return refbench


def run(workplace, command, *words):
    """Run a command of the guide; it must succeed."""
    outcome = workplace(*shlex.split(command)[1:], *words)
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.mark.parametrize("command", [line for line in COMMANDS if "--model" in line or " eval " not in line])
def test_every_command_of_the_guide_runs(workplace, command):
    assert run(workplace, command).out


def test_the_guide_shows_the_four_uses_of_a_folder_of_tasks():
    assert {shlex.split(line)[1] for line in COMMANDS if "--include" in line} == {"tasks", "eval", "score", "suites"}


def test_own_data_is_evaluated_and_scored_end_to_end(workplace):
    [row] = run(workplace, next(line for line in COMMANDS if "my_data" in line), "--json").json["rows"]
    assert (row["task"], row["data"], row["n"], row["metrics"]["acc@0.5"]) == ("shop_boxes", "official", 2, 1.0)
    lines = ("runs" / Path(row["run"]) / "predictions.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["prompt"] for line in lines] == [
        f"Where is {words}? Answer with one box." for words in ("the bottle on the left", "the smaller bottle")
    ]
    scored = run(workplace, next(line for line in COMMANDS if " score " in line), "--json").json
    assert (scored["n"], scored["missing"], scored["metrics"]["acc@0.5"]) == (2, 1, 0.5)


def test_own_data_says_what_it_is_a_part_of_and_answers_blind_guesses_badly(workplace):
    text = run(workplace, next(line for line in COMMANDS if "my_data" in line)).out
    assert "2 of 10834" in text
    [row] = run(workplace, "refbench eval --task shop_boxes --include my_tasks --data-root my_data",
                "--model", "constant", "--json").json["rows"]  # fmt: skip
    assert row["metrics"]["acc@0.5"] == 0.0


def test_the_own_suite_runs_own_and_built_in_tasks(workplace):
    answer = run(workplace, next(line for line in COMMANDS if "--suite" in line), "--json").json
    assert [(row["task"], row["split"], row["data"]) for row in answer["rows"]] == [
        ("shop_boxes", "val", "sample"),
        ("refcoco_res", "testA", "sample"),
    ]


def test_the_complaint_of_the_guide_is_what_is_printed(workplace):
    path = Path("my_tasks/shop_boxes.yaml")
    path.write_text(path.read_text().replace("[val]", "[vall]"))
    outcome = workplace(*shlex.split("eval --task shop_boxes --include my_tasks --model oracle"))
    assert outcome.code == 2
    [shown] = re.findall(r"```\n(my_tasks.*?)\n```", GUIDE)
    assert outcome.err.strip() == shown
