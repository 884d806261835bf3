"""Batches that ranks of several machines share out among themselves: a claim is a file that only one can create.

NUMBER.LOSSES   whoever made it works on the batch, or did when it fell silent: then the next file may be made
NUMBER.done     it is in a journal
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from tasks.balance import Assignment
from tasks.heartbeat import LEASE_S
from tasks.journal import disk

_PLENTY = 4
_LOOK_S = 0.5


class Claims:
    """The batches that are left, for one rank of several; see `tasks.balance.Source`."""

    def __init__(self, folder: Path, order: Sequence[int], nonce: str, world: int, lost: Callable[[str], bool]) -> None:
        """Set it up.

        Args:
            folder: one for all ranks and for this run only.
            order: numbers of the batches that are left, in the order in which they are taken.
            nonce: of this rank.
            world: number of ranks.
            lost: says of a nonce whether its rank has left or fallen silent.
        """
        self._folder, self._order, self._nonce, self._world, self._lost = folder, order, nonce, world, lost
        self._next = 0
        self._known: set[str] = set()
        self._looked_s = -_LOOK_S
        self._back: deque[Assignment] = deque()
        self._nameless: dict[str, float] = {}

    def take(self, ahead: bool, sharers: int) -> Assignment | None:
        """Claim the next batch; None where there is none now.

        Raises:
            DataError: the folder cannot be written.
        """
        if self._back:
            return self._back.popleft()
        if ahead and len(self._order) - self._next < _PLENTY * self._world * sharers:
            return None
        while self._next < len(self._order):
            number = self._order[self._next]
            self._next += 1
            if f"{number}.0" not in self._known and self._claim(number, 0):
                return Assignment(number)
        return None if ahead else self._adopt()

    def done(self, assignment: Assignment, samples: int, failed: int) -> None:
        """Tell all ranks that a batch is in a journal.

        Raises:
            DataError: the folder cannot be written.
        """
        self._create(f"{assignment.number}.done")

    def back(self, assignment: Assignment) -> None:
        """Take one back; this rank does it next, unless it leaves."""
        self._back.appendleft(assignment)

    def finished(self) -> bool:
        """Whether every batch is in a journal."""
        return not self._back and self._next == len(self._order) and not self._left()

    def release(self) -> None:
        """Let the others have what was taken back."""
        for assignment in self._back:
            if assignment.losses == 0:
                with suppress(OSError):
                    (self._folder / f"{assignment.number}.0").unlink()
        self._back.clear()

    def _adopt(self) -> Assignment | None:
        """Claim a batch whose rank was lost, or that one gave back."""
        for number in self._left():
            losses = 0
            while f"{number}.{losses}" in self._known:
                losses += 1
            if (losses == 0 or self._is_orphan(f"{number}.{losses - 1}")) and self._claim(number, losses):
                return Assignment(number, losses)
        return None

    def _is_orphan(self, name: str) -> bool:
        """Whether whoever made a claim is lost; one who died before its name was in the file counts as silent."""
        try:
            owner = (self._folder / name).read_text("ascii")
        except OSError:
            return False
        if not owner:
            return monotonic() - self._nameless.setdefault(name, monotonic()) > LEASE_S
        return owner != self._nonce and self._lost(owner)

    def _left(self) -> list[int]:
        """Batches that are not done, as of a moment ago."""
        if monotonic() - self._looked_s >= _LOOK_S:
            self._look()
        return [number for number in self._order if f"{number}.done" not in self._known]

    def _look(self) -> None:
        with disk(self._folder):
            self._known = set(os.listdir(self._folder))
        self._looked_s = monotonic()

    def _claim(self, number: int, losses: int) -> bool:
        if self._create(f"{number}.{losses}"):
            return True
        self._look()
        return False

    def _create(self, name: str) -> bool:
        """Create a file with this rank's name in it; False where another rank was first."""
        with disk(self._folder / name):
            try:
                file = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                return False
            with os.fdopen(file, "w", encoding="ascii") as stream:
                stream.write(self._nonce)
        self._known.add(name)
        return True
