"""Steps to quality, read off the evaluation logs of stages."""

import json
import math

import pytest

from metrics.errors import DataError
from results.quality import Learning, read, table, thresholds


def log(folder, *points, task="vqav2"):
    folder.mkdir(exist_ok=True)
    rows = [{"step": step, "task": task, "split": split, "metrics": {"accuracy": score + bonus}}
            for step, score in points for split, bonus in (("a", -0.1), ("b", 0.1))]  # fmt: skip
    (folder / "eval_log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_stages_are_counted_on_and_splits_averaged(tmp_path):
    stages = [log(tmp_path / "one", (5, 0.25), (10, 0.5)), log(tmp_path / "two", (10, 0.75), (20, 0.5))]
    run = read("both", stages, "vqav2", "accuracy")
    assert [step for step, _ in run.points] == [5, 10, 20, 30]
    assert [score for _, score in run.points] == pytest.approx([0.25, 0.5, 0.75, 0.5])


def test_steps_to_a_score_are_those_of_its_first_appearance():
    run = Learning("r", ((5, 0.2), (10, 0.6), (15, 0.5)))
    assert [run.steps_to(score) for score in (0.2, 0.55, 0.6, 0.7)] == [5, 10, 10, None]
    assert run.best == 0.6
    assert math.isnan(Learning("nothing", ()).best)


def test_the_table_counts_shares_of_the_best_of_all():
    runs = [Learning("slow", ((10, 0.1), (20, 0.4))), Learning("fast", ((10, 0.7), (20, 0.8)))]
    scores = thresholds(runs, (0.5, 1.0))
    assert scores == [0.4, 0.8]
    head, rows = table(runs, scores)
    assert head == ["run", "steps", "last", "best", "steps to 0.400", "steps to 0.800"]
    assert rows == [["slow", "20", "0.400", "0.400", "20", "–"], ["fast", "20", "0.800", "0.800", "10", "20"]]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("no json", "cannot be read"), ("", "was never evaluated")]
)
def test_a_log_that_says_nothing_is_named(tmp_path, content, said):
    if content is not None:
        (tmp_path / "eval_log.jsonl").write_text(content)
    with pytest.raises(DataError, match=said):
        read("r", [tmp_path], "vqav2", "accuracy")


def test_a_task_that_was_not_evaluated_is_said(tmp_path):
    with pytest.raises(DataError, match="no accuracy of okvqa at step 5"):
        read("r", [log(tmp_path / "one", (5, 0.25))], "okvqa", "accuracy")
