"""The examples run as their README says."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import pytest

from tasks.commands import eval as eval_command
from tasks.parser import Parser

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text("utf-8")
LINES = [line for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
NOTEBOOK = json.loads((EXAMPLES / "predictions_to_interval.ipynb").read_text("utf-8"))
JOB = EXAMPLES / "slurm" / "eval.sbatch"


@pytest.fixture
def run(refbench, small_world, monkeypatch):
    """Run a line of the README beside the examples; the built-in world is the small one."""
    Path("examples").symlink_to(EXAMPLES)
    monkeypatch.setattr("benchmarks.world.write.ensure_world", lambda root, progress: small_world)

    def run(line, *words):
        program, *rest = shlex.split(line)
        if program == "refbench":
            outcome = refbench(*rest, *words)
            assert outcome.code == 0, outcome.err
            return outcome
        assert program == "python"
        return subprocess.run([sys.executable, *rest], check=True, capture_output=True, text=True)

    return run


def test_every_example_is_in_the_readme():
    for path in EXAMPLES.iterdir():
        assert path.name == "README.md" or f"`{path.name}" in README


def test_the_model_of_the_example_is_listed_and_answers(run):
    listed, evaluated = [line for line in LINES if "own_model" in line]
    assert "colour-words" in run(listed).out
    rows = run(evaluated, "--json").json["rows"]
    assert [(row["model"], row["task"], row["failed"]) for row in rows] == [
        ("colour-words", "refcoco_res", 0),
        ("colour-words", "refcoco_rec", 0),
    ]
    blind = run(evaluated.replace("colour-words", "constant"), "--json").json["rows"]
    assert rows[0]["metrics"]["giou"] > blind[0]["metrics"]["giou"]


def test_the_task_of_the_example_reads_the_folder_of_pictures(run):
    made, oracle, bundled = [line for line in LINES if "shop" in line]
    assert "6 questions" in run(made).stderr
    [row] = run(oracle, "--json").json["rows"]
    assert (row["task"], row["n"], row["metrics"]["accuracy"]) == ("shop_questions", 6, 1.0)
    [row] = run(bundled.replace("--data-root", "--model constant --data-root"), "--json").json["rows"]
    assert (row["n"], row["failed"], row["metrics"]["accuracy"]) == (6, 0, 0.0)


def test_an_accepted_answer_counts_in_full_whichever_it_is(run, tmp_path):
    made, _, bundled = [line for line in LINES if "shop" in line]
    run(made)
    ids = [f"vqav2/val2014/val/question-{number}" for number in range(1, 7)]
    answers = ["two", "blue", "no", "yellow", "2", "red"]
    (path := tmp_path / "answers.jsonl").write_text(
        "".join(json.dumps({"sample_id": each, "text": text}) + "\n" for each, text in zip(ids, answers, strict=True))
    )
    scored = run(bundled.replace(" eval ", " score "), "--predictions", path, "--json").json
    assert scored["metrics"]["accuracy"] == pytest.approx(4 / 6)  # how many: two, not 2 of 1; the bottle is blue


def test_the_notebook_says_what_its_cells_do(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    (program := tmp_path / "cells.py").write_text("\n".join(noting(cell["source"]) for cell in cells))
    assert run_path(str(program), {"said": []})["said"] == [stored(cell) for cell in cells]


def noting(source):
    """The program of a cell that notes the value of its last line."""
    tree = ast.parse("".join(source))
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), "every cell ends in a value, so that something is checked"
    return f"{ast.unparse(tree)}\nsaid.append(repr({ast.unparse(last)}))"


def stored(cell):
    """The value of its last line when the notebook was saved."""
    [output] = cell["outputs"]
    return "".join(output["data"]["text/plain"])


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_job_is_a_script_and_its_command_is_one_of_ours():
    subprocess.run(["bash", "-n", str(JOB)], check=True)
    [command] = re.findall(r"refbench (eval .*?)'\n", JOB.read_text("utf-8"))
    parser = Parser("eval", "", eval_command.EXAMPLES)
    eval_command.arguments(parser)
    assert parser.read(shlex.split(command.replace("$tasks", "refcocog_res").replace("$model", "refvlm"))[1:])


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_job_starts_a_launcher_on_each_machine(tmp_path):
    """With stand-ins for Slurm and torchrun that write down how they were called."""
    for name, does in {
        "scontrol": "echo node-a; echo node-b",
        "srun": 'SLURM_NODEID=0 "$@"; SLURM_NODEID=1 "$@"',
        "torchrun": 'echo "$@" >> "$SLURM_SUBMIT_DIR/calls"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{does}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {"SLURM_JOB_NODELIST": "node-[a-b]", "SLURM_NNODES": "2", "SLURM_SUBMIT_DIR": str(tmp_path)}
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REFBENCH_DATA": "/data", "TASKS": "pope", **slurm}
    subprocess.run(["bash", str(JOB)], check=True, env=environment)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [re.search(r"--node-rank (\d)", call).group(1) for call in calls] == ["0", "1"]
    assert all("--master-addr node-a" in call and "refbench eval --task pope --model refvlm" in call for call in calls)
    del environment["REFBENCH_DATA"]
    refused = subprocess.run(["bash", str(JOB)], check=False, env=environment, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "REFBENCH_DATA" in refused.stderr
