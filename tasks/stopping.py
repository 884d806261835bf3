"""Ctrl-C and SIGTERM: the first one lets the batch in work finish, the second one ends it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

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


@contextmanager
def held(notice: str = "") -> Iterator[None]:
    """Let what is inside finish: a signal takes effect at its end, a second one at once.

    Args:
        notice: written to standard error when the first one comes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in SIGNALS}
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:
            _pass_on(before[number], number, frame)
        came.append(number)
        if notice:
            from tasks.progress import say

            say(notice)

    ours = [number for number in SIGNALS if callable(before[number])]
    for number in ours:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
    if came:
        _pass_on(before[came[0]], came[0], None)


def code_of(stop: KeyboardInterrupt) -> int:
    """Exit code of a command that was stopped."""
    return stop.code if isinstance(stop, Terminated) else CTRL_C


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _pass_on(handler: object, number: int, frame: FrameType | None) -> None:
    if callable(handler):
        handler(number, frame)
