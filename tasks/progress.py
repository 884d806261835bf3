"""What a person or a program sees of a run while it works; all of it on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from tasks.redaction import scrub


class Bar(Protocol):
    """A progress bar."""

    def update(self, n: float = 1) -> object:
        """Move on by a number of samples."""

    def close(self) -> None:
        """Leave the bar as it is."""


def _write_line(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


_VOICE: ContextVar[Callable[[str], None]] = ContextVar("_VOICE", default=_write_line)


def say(text: str) -> None:
    """Write one line, in the way that the command chose."""
    _VOICE.get()(scrub(text))


@contextmanager
def speaking(voice: Callable[[str], None]) -> Iterator[None]:
    """Have `say` write in another way, such as above a bar or as JSON."""
    token = _VOICE.set(voice)
    try:
        yield
    finally:
        _VOICE.reset(token)


def bar(title: str, total: int, done: int, visible: bool) -> Bar:
    """Open a bar with rate and remaining time; `done` ones do not count for the rate."""
    from tqdm import tqdm

    return tqdm(total=total, initial=done, desc=title, unit="sample", disable=not visible, file=sys.stderr, leave=False)
