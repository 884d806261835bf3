"""Ranks tell each other in files that they live and how far they are; who falls silent is lost.

Each rank rewrites one small file every few seconds. Only the change of a counter is looked at, on the reader's own
clock, so that machines need not agree on the time.
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from benchmarks.files import write_atomic
from tasks.journal import disk

BEAT_S = 2.0
LEASE_S = 30.0
"""Silence after which a rank counts as lost: its batches go to others."""
Status = dict[str, Any]


class Heart:
    """Beats for one rank; a context manager that stops with the last word left in the file.

    Attributes:
        nonce: drawn for this process: no other one, before or after, has it.
    """

    def __init__(self, folder: Path, rank: int) -> None:
        self.nonce = uuid.uuid4().hex[:12]
        self._path = folder / f"rank-{rank}-{self.nonce}.json"
        self._status: Status = {"rank": rank, "nonce": self.nonce, "host": socket.gethostname(), "pid": os.getpid()}
        self._beat = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        with disk(self._path):
            self._write()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def say(self, **facts: Any) -> None:
        """Tell the others something, at once.

        Raises:
            DataError: the folder cannot be written.
        """
        with self._lock:
            self._status |= facts
        with disk(self._path):
            self._write()

    def note(self, **facts: Any) -> None:
        """Tell the others something with the next beat."""
        with self._lock:
            self._status |= facts

    def _go_on(self) -> None:
        while not self._stop.wait(BEAT_S):
            with suppress(OSError):  # a full disk is met, and told, by the journal
                self._write()

    def _write(self) -> None:
        with self._lock:
            self._beat += 1
            write_atomic(self._path, json.dumps({**self._status, "beat": self._beat}).encode("ascii"))


class Listener:
    """Reads what ranks say, and remembers when each was heard last."""

    def __init__(self, folder: Path, clock: Callable[[], float] = monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._heard: dict[str, tuple[int, float]] = {}

    def statuses(self) -> list[Status]:
        """The last word of every rank, those that are silent included; files that are being replaced are left out."""
        found: list[Status] = []
        for path in sorted(self._folder.glob("rank-*.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                status = json.loads(path.read_bytes())
                beat, nonce = int(status["beat"]), str(status["nonce"])
                if self._heard.get(nonce, (-1, 0.0))[0] != beat:
                    self._heard[nonce] = (beat, self._clock())
                found.append(status)
        return found

    def lives(self, nonce: str) -> bool:
        """Whether a rank was heard within the lease. Call `statuses` before."""
        return nonce in self._heard and self._clock() - self._heard[nonce][1] <= LEASE_S
