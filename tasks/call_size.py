"""How many queries a model is asked at once: as many as the user says, fewer while memory does not suffice, or found
by trying."""

import uuid
from pathlib import Path

from benchmarks.files import write_atomic
from tasks.journal import disk

_FOLDER = "predictions"
_CALM_CALLS = 16
"""Calls in a row that fit before a size that memory once refused is tried again."""
_WORTH = 1.05
"""A larger size must answer this many times as many samples a second as the best smaller one."""
_PATIENCE = 2
"""Doublings in a row that are not worth it before the search ends."""


class CallSize:
    """A size that memory can lower for a while.

    Attributes:
        now: queries for the next call.
        most: queries that a call may never exceed.
    """

    def __init__(self, most: int) -> None:
        self.most = self.now = most
        self._calm = 0

    @property
    def chosen(self) -> int | None:
        """The size that was found by trying; None for one that the user named, or before it is found."""
        return None

    def took(self, size: int, seconds: float) -> None:
        """Note a call that was answered: how many queries, and its wall time."""
        self._calm = self._calm + 1 if size == self.now else self._calm
        if self.now < self.most and self._calm >= _CALM_CALLS:
            self.now, self._calm = min(self.most, self.now * 2), 0

    def too_large(self, size: int) -> None:
        """Note a call of several queries that memory did not suffice for."""
        self.now, self._calm = max(1, size // 2), 0


class ProbedSize(CallSize):
    """Doubles from one query on while that answers clearly more samples a second; the run's own samples are the probe.

    Speed differs from machine to machine, and so may the size: answers of a model whose arithmetic depends on its batch
    can differ in their last digits.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.now = 1
        self._calls = 0
        self._dull = 0
        self._speeds: dict[int, float] = {}
        self._chosen: int | None = None

    @property
    def chosen(self) -> int | None:
        """The size that was found; None before."""
        return self._chosen

    def took(self, size: int, seconds: float) -> None:
        """Note a call; while searching, the second one of every size decides, since the first also warms up."""
        if self._chosen is not None:
            super().took(size, seconds)
        elif size == self.now:
            self._calls += 1
            if self._calls == 2:
                self._weigh(size, size / max(seconds, 1e-9))

    def too_large(self, size: int) -> None:
        """End the search, or lower the size that it found for a while."""
        if self._chosen is None:
            self._settle(max(1, size // 2))
        else:
            super().too_large(size)

    def _weigh(self, size: int, speed: float) -> None:
        best = max(self._speeds.values(), default=0.0)
        self._speeds[size] = speed
        self._dull = 0 if speed >= _WORTH * best else self._dull + 1
        if self._dull >= _PATIENCE or size * 2 > self.most:
            fastest = max(self._speeds.values())
            self._settle(min(each for each, rate in self._speeds.items() if rate * _WORTH >= fastest))
        else:
            self.now, self._calls = size * 2, 0

    def _settle(self, size: int) -> None:
        self.now = self.most = self._chosen = size


def record(run: Path, size: int | None) -> None:
    """Keep the size that a process found, for the rest of the run and for its record.

    Raises:
        DataError: the disk refuses.
    """
    path = run / _FOLDER / f"call-size-{uuid.uuid4().hex[:8]}.txt"
    with disk(path):
        write_atomic(path, f"{size}\n".encode("ascii"))


def recorded(run: Path) -> tuple[int, ...]:
    """The sizes that processes found, the smallest first; a file that holds none is passed over."""
    texts = [path.read_text("ascii", "replace").strip() for path in (run / _FOLDER).glob("call-size-*.txt")]
    return tuple(sorted(int(text) for text in texts if text.isdecimal() and int(text) > 0))
