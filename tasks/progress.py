"""What a person at a terminal sees of a run; all of it on stderr."""

import sys
from typing import Protocol


class Bar(Protocol):
    """A progress bar."""

    def update(self, n: float = 1) -> object:
        """Move on by a number of samples."""

    def set_postfix(self, *, failed: int) -> None:
        """Show the number of failed samples."""

    def close(self) -> None:
        """Leave the bar as it is."""


def say(text: str) -> None:
    """Write one line."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def bar(title: str, total: int, done: int, visible: bool) -> Bar:
    """Open a bar with rate and remaining time; the `done` samples of an earlier run do not count for the rate."""
    from tqdm import tqdm

    return tqdm(total=total, initial=done, desc=title, unit="sample", disable=not visible, file=sys.stderr, leave=False)
