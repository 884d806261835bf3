"""`refbench transfer report`: tables, plots and mistakes."""

import json
import xml.etree.ElementTree as ElementTree

import pytest


@pytest.fixture
def runs(tmp_path):
    """Two stages and one run of a single stage."""
    for name, points in {
        "warm": ((10, 0.3),),
        "then": ((10, 0.5), (20, 0.6)),
        "direct": ((10, 0.1), (30, 0.6)),
    }.items():
        (tmp_path / name).mkdir()
        rows = [{"step": step, "task": "vqav2", "split": "val", "metrics": {"accuracy": s}} for step, s in points]
        (tmp_path / name / "eval_log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [f"both={tmp_path / 'warm'},{tmp_path / 'then'}", f"direct={tmp_path / 'direct'}"]


def test_it_prints_steps_to_shares_of_the_best_score(refbench, runs):
    done = refbench("transfer", "report", *runs, "--task", "vqav2", "--shares", "0.5,1", "--format", "markdown")
    assert done.code == 0
    assert done.out.splitlines() == [
        "vqav2 accuracy",
        "",
        "| run | steps | last | best | steps to 0.300 | steps to 0.600 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| both | 30 | 0.600 | 0.600 | 10 | 30 |",
        "| direct | 30 | 0.600 | 0.600 | 30 | 30 |",
    ]


def test_it_answers_machines_and_draws(refbench, runs, tmp_path):
    content = refbench("transfer", "report", *runs, "--task", "vqav2", "--json", "--plots", tmp_path / "plots").json[0]
    assert content["runs"][0]["points"] == [[10, 0.3], [20, 0.5], [30, 0.6]]
    assert content["runs"][1]["steps_to"] == [30, 30, 30]
    drawn = (tmp_path / "plots" / "vqav2.svg").read_text()
    ElementTree.fromstring(drawn)
    assert "both" in drawn
    assert "direct" in drawn


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nameless"], "nameless names no run: write NAME=DIR"),
        (["a=/nowhere", "--task", "vqav2"], "/nowhere/eval_log.jsonl cannot be read"),
        (["a=/nowhere", "--shares", "2"], "2 is no list of shares"),
    ],
)
def test_mistakes_are_one_line(refbench, words, said):
    done = refbench("transfer", "report", *words)
    assert done.code == 2
    assert said in done.err
