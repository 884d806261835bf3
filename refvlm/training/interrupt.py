"""Ctrl-C while training: the step that runs is finished first."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def patient_interrupt() -> Iterator[list[int]]:
    """Collect Ctrl-C in a list instead of raising in the middle of a step; a second one raises."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only the main thread may take signals
        yield asked
        return

    def note(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, previous)


def is_orphan() -> bool:
    """Whether the process that started this one to share its work is gone."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()
