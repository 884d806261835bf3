"""Ends a process that makes no progress, and leaves its stack behind: a hang costs a batch, not the night.

The clock runs in a thread that needs no lock of the interpreter, so that code which hangs in C is ended too.
"""

import faulthandler
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from tasks.journal import disk


class Watchdog:
    """Ends this process with exit code 1 when it was not fed for too long; a context manager that stops watching."""

    def __init__(self, path: Path, seconds: float | None) -> None:
        """Set it up.

        Args:
            path: file that gets the stack of every thread; removed again where nothing happened.
            seconds: without progress; None to watch nothing.
        """
        self._path = path
        self._seconds = seconds
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self._seconds is not None:
            with disk(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("w")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.rest()
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def feed(self) -> None:
        """Start the clock anew: something was done, and the next thing begins."""
        if self._file is not None and self._seconds is not None:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._file)

    def rest(self) -> None:
        """Stop the clock: there is nothing to do."""
        if self._file is not None:
            faulthandler.cancel_dump_traceback_later()


def bit(path: Path) -> bool:
    """Whether a watchdog ended the process that wrote this file."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def sweep(folder: Path) -> None:
    """Delete the files of processes that nothing happened to, and their folder if it is empty then."""
    with suppress(OSError):
        for path in folder.iterdir():
            if not bit(path):
                path.unlink()
        folder.rmdir()
