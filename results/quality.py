"""Steps to quality: how many training steps each of several runs needed before a score was reached.

A run may be several stages, one after the other: their steps are counted on.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.errors import DataError

LOG = "eval_log.jsonl"


@dataclass(frozen=True)
class Learning:
    """How one score of one run went: its name, and (steps since the run began, score) in the order of the steps."""

    name: str
    points: tuple[tuple[int, float], ...]

    @property
    def best(self) -> float:
        """The highest score; NaN where there is none."""
        return max((score for _, score in self.points), default=math.nan)

    def steps_to(self, score: float) -> int | None:
        """Steps after which the score was reached for the first time; None where it never was."""
        return next((step for step, reached in self.points if reached >= score), None)


def read(name: str, stages: Sequence[Path], task: str, key: str) -> Learning:
    """Read one score of a run off the evaluation logs of its stages.

    Args:
        name: of the run.
        stages: checkpoint folders, in order; a log ends with the stage's last step.
        task: name of the task; its splits are averaged.
        key: name of the score, higher is better.

    Raises:
        DataError: a log is missing or broken, or does not hold the score.
    """
    points: list[tuple[int, float]] = []
    before = 0
    for folder in stages:
        rows = _rows(folder / LOG)
        steps = sorted({int(row["step"]) for row in rows})
        for step in steps:
            scores = [row["metrics"].get(key) for row in rows if row["step"] == step and row["task"] == task]
            if not scores or None in scores:
                raise DataError(f"{folder / LOG} has no {key} of {task} at step {step}: name a task that was evaluated")
            points.append((before + step, sum(scores) / len(scores)))
        before += steps[-1]
    return Learning(name, tuple(points))


def thresholds(runs: Sequence[Learning], shares: Sequence[float]) -> list[float]:
    """Scores to be reached: shares of the best one that any run reached."""
    best = max(run.best for run in runs)
    return [share * best for share in shares]


def table(runs: Sequence[Learning], scores: Sequence[float]) -> tuple[list[str], list[list[str]]]:
    """Lay out head and rows: each run's last and best score, and its steps to every score, – for never."""
    head = ["run", "steps", "last", "best", *(f"steps to {score:.3f}" for score in scores)]
    rows = []
    for run in runs:
        step, last = run.points[-1]
        reached = [run.steps_to(score) for score in scores]
        rows.append(
            [run.name, str(step), f"{last:.3f}", f"{run.best:.3f}", *("–" if n is None else str(n) for n in reached)]
        )
    return head, rows


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows = [dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be read ({error}): name the folder of a training that was evaluated") from None
    if not rows:
        raise DataError(f"{path} is empty: the training was never evaluated, see `evaluate` in its file")
    return rows
