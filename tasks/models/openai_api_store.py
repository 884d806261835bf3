"""What the server adapter keeps on this machine: replies by the hash of their request, and when requests were sent."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.files import write_atomic

_FAR_S = 3600.0


@dataclass(frozen=True)
class Reply:
    """One answer of the server.

    Attributes:
        text: what the model said; None where it said nothing.
        finish_reason: "stop", "length" (cut off at the limit of tokens), …; empty where none is named.
        prompt_tokens, completion_tokens: as the server counts them; None where it does not.
        answered_by: the model as the server names it.
    """

    text: str | None
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    answered_by: str = ""


class Replies:
    """Replies on disk, each under the hash of the whole request and of the server's address."""

    def __init__(self, folder: Path, server: str) -> None:
        """Use a folder, which need not exist.

        Args:
            folder: where they are.
            server: digest of the address.
        """
        self._folder, self._server = folder, server

    def get(self, body: bytes) -> Reply | None:
        """Look a reply up; None where there is none that can be read."""
        try:
            return Reply(**json.loads(self._path(body).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, body: bytes, reply: Reply) -> None:
        """Keep a reply. A disk that takes nothing costs only the reuse."""
        path = self._path(body)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, json.dumps(asdict(reply), sort_keys=True).encode())
        except OSError:
            return

    def _path(self, body: bytes) -> Path:
        name = hashlib.sha256(self._server.encode() + b"\n" + body).hexdigest()
        return self._folder / name[:2] / f"{name}.json"


def pace(path: Path, per_minute: float | None) -> Callable[[], float]:
    """Make the pace of requests: every call books the next free moment and returns the seconds until then.

    Args:
        path: file that the processes of this machine share; it holds the next free moment, in seconds since 1970.
        per_minute: most requests in a minute; None for no limit.
    """
    if per_minute is None:
        return lambda: 0.0
    gap = 60.0 / per_minute

    def book() -> float:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            now = time.time()
            free = max(_moment(os.pread(descriptor, 64, 0), now + _FAR_S), now)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, repr(free + gap).encode(), 0)
        finally:
            os.close(descriptor)
        return free - now

    return book


def _moment(data: bytes, latest: float) -> float:
    """Read a moment; one that cannot be read or lies far ahead, as after a clock was set back, is none."""
    try:
        moment = float(data)
    except ValueError:
        return 0.0
    return moment if moment <= latest else 0.0


def read_reply(content: dict[str, Any]) -> Reply | None:
    """Read the answer to a chat completions request; None where it is none."""
    try:
        choice = content["choices"][0]
        text = choice["message"].get("content")
        counts = content.get("usage") or {}
        return Reply(
            text=text if isinstance(text, str) else None,
            finish_reason=str(choice.get("finish_reason") or ""),
            prompt_tokens=_count(counts.get("prompt_tokens")),
            completion_tokens=_count(counts.get("completion_tokens")),
            answered_by=str(content.get("model") or ""),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
