"""Which batch is worked on next: the largest first, one at a time, and again where its process was lost.

A batch is handed to whoever is free, so that uneven ones leave nobody idle; with the largest first, the last ones are
small (Graham, Bounds on multiprocessing timing anomalies, 1969: at most 4/3 of the best possible split where the sizes
are known). Batches are fixed beforehand, so that the order changes no answer.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tasks.journal import Batch

AHEAD = 1
"""Batches that wait at a busy process, so that it need not ask for the next one."""
_PLENTY = 4
_LOSSES_BEFORE_ALONE = 2


@dataclass(frozen=True)
class Assignment:
    """A batch in somebody's hands.

    Attributes:
        number: of the batch.
        losses: processes that ended while they worked on it.
        guilty: place in the batch and reason, for samples that ended a process when they were asked about alone.
    """

    number: int
    losses: int = 0
    guilty: tuple[tuple[int, str], ...] = ()

    @property
    def alone(self) -> bool:
        """Whether its samples are asked about one by one, to find those that end a process."""
        return self.losses >= _LOSSES_BEFORE_ALONE

    def after_loss(self, place: int | None, reason: str) -> "Assignment":
        """What becomes of it when its process is lost: once more as a whole, then sample by sample.

        Args:
            place: of the sample that was asked about alone; None where the whole batch was.
            reason: what to record for that sample.
        """
        guilty = self.guilty if place is None else (*self.guilty, (place, reason))
        return replace(self, losses=self.losses + 1, guilty=guilty)


class Source(Protocol):
    """Where assignments come from."""

    def take(self, ahead: bool, sharers: int) -> Assignment | None:
        """Hand out the next one; None where there is none now.

        Args:
            ahead: it is for somebody who is still busy: only where plenty are left for everybody.
            sharers: processes that ask this source.

        Raises:
            DataError: the folder that ranks share cannot be written.
        """

    def done(self, assignment: Assignment, samples: int, failed: int) -> None:
        """Hear that one is in the journal."""

    def back(self, assignment: Assignment) -> None:
        """Take one back that is still to be done."""

    def finished(self) -> bool:
        """Whether nothing is left to do or being done anywhere."""


class Pending:
    """The batches that are left, for processes of one parent."""

    def __init__(self, batches: Iterable[Batch], as_given: bool = False) -> None:
        """Take batches.

        Args:
            batches: what is left.
            as_given: hand them out in this order, not the largest first.
        """
        numbers = [batch.number for batch in batches] if as_given else largest_first(batches)
        self._waiting = deque(Assignment(number) for number in numbers)
        self._out: set[int] = set()

    def take(self, ahead: bool, sharers: int) -> Assignment | None:
        """Hand out the next one; None where there is none now."""
        if not self._waiting or (ahead and len(self._waiting) < _PLENTY * sharers):
            return None
        assignment = self._waiting.popleft()
        self._out.add(assignment.number)
        return assignment

    def done(self, assignment: Assignment, samples: int, failed: int) -> None:
        """Hear that one is in the journal."""
        self._out.discard(assignment.number)

    def back(self, assignment: Assignment) -> None:
        """Take one back that is still to be done; it comes first again."""
        self._out.discard(assignment.number)
        self._waiting.appendleft(assignment)

    def finished(self) -> bool:
        """Whether nothing is left to do or being done."""
        return not self._waiting and not self._out


def largest_first(batches: Iterable[Batch]) -> list[int]:
    """Numbers of batches by the pixels that they show, most first; equal ones in their own order."""
    return [batch.number for batch in sorted(batches, key=_pixels, reverse=True)]


def _pixels(batch: Batch) -> int:
    return sum(sample.image.size_hw[0] * sample.image.size_hw[1] for sample in batch.samples)


@dataclass
class Tally:
    """What one rank did in one run.

    Attributes:
        batches: answered.
        samples: answered.
        failed: samples without a usable answer.
        busy_s: seconds spent on answering.
    """

    batches: int = 0
    samples: int = 0
    failed: int = 0
    busy_s: float = 0.0

    def add(self, samples: int, failed: int, seconds: float) -> None:
        """Count one batch."""
        self.batches += 1
        self.samples += samples
        self.failed += failed
        self.busy_s += seconds


def shares(tallies: Sequence[Tally], wall_s: float) -> list[dict[str, float | int]]:
    """Build the entries of `run.json`: what every rank did, and how long it had nothing to do, in seconds.

    Args:
        tallies: by rank.
        wall_s: from the first batch handed out to the last one in a journal.
    """
    return [
        {
            "rank": rank,
            "batches": tally.batches,
            "samples": tally.samples,
            "busy_s": round(tally.busy_s, 3),
            "idle_s": round(max(wall_s - tally.busy_s, 0.0), 3),
        }
        for rank, tally in enumerate(tallies)
    ]
