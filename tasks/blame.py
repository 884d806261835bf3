"""Batches that ended their processes again and again, kept in the run folder so that the next launch begins warned.

Only what one launch is sure of is kept: a batch that was lost once is asked as a whole by whoever comes next, so that
a process which the outside ended changes no answer.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.schema import Prediction
from tasks.balance import Assignment
from tasks.base import Model
from tasks.evaluation import Evaluation
from tasks.journal import Batch, disk

_FOLDER = "predictions"


class Blame:
    """The lines `predictions/losses-*.jsonl` of one run; every first process of a launch writes a file of its own."""

    def __init__(self, run: Path, label: str = "0") -> None:
        """Read what earlier launches left.

        Args:
            run: the run directory.
            label: of the file of this process.

        Raises:
            DataError: a file cannot be read.
        """
        self._path = run / _FOLDER / f"losses-{label}.jsonl"
        self._known: dict[int, Assignment] = {}
        for path in sorted(self._path.parent.glob("losses-*.jsonl")):
            with disk(path):
                data = path.read_bytes()
            for line in data.split(b"\n")[:-1]:
                with suppress(ValueError, TypeError, KeyError):
                    self._learn(_read(line))

    def of(self, assignment: Assignment) -> Assignment:
        """An assignment with what is known of its batch."""
        known = self._known.get(assignment.number)
        return assignment if known is None else _both(assignment, known)

    def note(self, assignment: Assignment) -> None:
        """Keep what a loss taught, as soon as samples are to be asked one by one.

        Raises:
            DataError: the disk refuses.
        """
        if not assignment.alone:
            return
        self._learn(assignment)
        entry = {"number": assignment.number, "losses": assignment.losses, "guilty": assignment.guilty}
        with disk(self._path), self._path.open("a", encoding="ascii") as file:
            file.write(json.dumps(entry) + "\n")

    def _learn(self, found: Assignment) -> None:
        self._known[found.number] = _both(found, self._known.get(found.number, found))


def answer_each(
    job: Evaluation, model: Model, batch: Batch, assignment: Assignment, before: Callable[[int], None]
) -> Iterator[Prediction]:
    """Ask about the samples of a batch one by one; those that ended a process are not asked again.

    Args:
        job: the run.
        model: loaded model.
        batch: what is asked.
        assignment: what is known of it.
        before: told the place of every sample that comes next.

    Raises:
        ModelError: the model breaks its contract.
    """
    guilty = dict(assignment.guilty)
    for place in range(len(batch.samples)):
        if place in guilty:
            yield job.lost(batch, place, guilty[place])
            continue
        before(place)
        yield job.answer_alone(model, batch, place)


def _both(one: Assignment, other: Assignment) -> Assignment:
    guilty = dict(other.guilty) | dict(one.guilty)
    return Assignment(one.number, max(one.losses, other.losses), tuple(sorted(guilty.items())))


def _read(line: bytes) -> Assignment:
    content = json.loads(line)
    guilty = tuple((int(place), str(reason)) for place, reason in content["guilty"])
    return Assignment(int(content["number"]), int(content["losses"]), guilty)
