"""Ctrl-C and SIGTERM: the first one lets the batch in work finish, the second one ends it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CTRL_C, TERMINATED = 130, 143


class Terminated(KeyboardInterrupt):
    """SIGTERM came, as from Slurm before it takes a machine back."""

    code = TERMINATED


@contextmanager
def terminable() -> Iterator[None]:
    """Have SIGTERM end a run like Ctrl-C does. Without effect in any other thread than the first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Hold:
    """Lets pieces of work finish: a signal during one takes effect at its end, a second one at once.

    A context manager around all of them, since to set handlers for every piece costs more than a small piece. Between
    pieces a signal does what it did before. Without effect in any other thread than the first.
    """

    def __init__(self, notice: str = "") -> None:
        """Set it up.

        Args:
            notice: written to standard error when the first signal of a piece comes.
        """
        self._notice = notice
        self._inside = False
        self._came: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in SIGNALS}
            self._before = {number: handler for number, handler in self._before.items() if callable(handler)}
        for number in self._before:
            signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self) -> None:
        """Begin a piece."""
        self._inside = True

    def end(self) -> None:
        """End a piece; what came meanwhile takes effect."""
        self._inside = False
        if self._came:
            number = self._came[0]
            self._came = []
            self._before[number](number, None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._came or not self._inside:
            self._before[number](number, frame)
            return
        self._came.append(number)
        if self._notice:
            from tasks.progress import say

            say(self._notice)


def code_of(stop: KeyboardInterrupt) -> int:
    """Exit code of a command that was stopped."""
    return stop.code if isinstance(stop, Terminated) else CTRL_C


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
