"""Keeps runs whose files are as they wrote them, and says which ones are not."""

from collections.abc import Sequence
from pathlib import Path

from results.check import problems
from results.run import Run
from tasks.commands.runs_show import metrics_of
from tasks.progress import say


def only(runs: Sequence[Run], include: Path | None) -> list[Run]:
    """Check every run as `refbench runs show` does, and leave out those that were edited.

    Args:
        runs: to be checked: rows and answers are read and every number is computed again, which takes a while.
        include: folder of task files beside ours.
    """
    kept = []
    for run in runs:
        wrong = problems(run, metrics_of(run, include))
        if wrong:
            say(f"left out: {run.name} ({run.id}): {'; '.join(wrong)}")
        else:
            kept.append(run)
    return kept
