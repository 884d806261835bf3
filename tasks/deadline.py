"""A time limit on the work of this very thread, by the alarm clock of the operating system.

The alarm is noticed between two steps of Python and in system calls that wait (a socket, a sleep). A single long call
into compiled code is stopped only when it returns.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from benchmarks.errors import ConfigError

_AT_ONCE = 1e-6
"""Seconds: zero would switch an alarm off."""


class TimedOut(BaseException):
    """Time is up. No Exception, so that a model which catches those does not swallow it."""


def check() -> None:
    """Check that alarms can be had here.

    Raises:
        ConfigError: this is not the main thread, the only one that the system can interrupt.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ConfigError("a time limit per sample needs the main thread: run from there, or without the limit")


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Limit the time of a block. An alarm that was set before rings when it would have.

    Raises:
        TimedOut: the block took longer.
    """
    handler = signal.signal(signal.SIGALRM, _ring)
    start = time.monotonic()
    before, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if before:
            signal.setitimer(signal.ITIMER_REAL, max(before - (time.monotonic() - start), _AT_ONCE))


def _ring(number: int, frame: FrameType | None) -> None:
    raise TimedOut
