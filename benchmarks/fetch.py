"""Downloads one file so that nothing is fetched twice and nothing half-fetched is ever used.

Bytes go to `<name>.part`, with a note of where they come from beside it; an interrupted download goes on from there
when the server says that it is still the same file (RFC 9110: Range with If-Range), and starts over when it does not.
The finished file is checked for length and, where published, SHA-256, and moved into place in one step.
"""

import hashlib
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from time import sleep
from typing import IO, Any
from urllib.parse import urlsplit

from benchmarks.errors import DataError
from benchmarks.files import write_atomic

Progress = Callable[[int, int | None], None]
"""Called with (bytes here, bytes in all or None where the server does not say)."""
CHUNK = 1 << 20
_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_RESERVE = 64 << 20
"""Bytes of the disk that a download leaves free."""


@dataclass(frozen=True)
class Policy:
    """How patient a download is.

    Attributes:
        timeout_s: seconds without a byte after which a connection counts as stalled.
        retries: failed attempts in a row, none of which brought a byte, before giving up.
        pause: called with the seconds to wait before the next attempt.
    """

    timeout_s: float = 30.0
    retries: int = 5
    pause: Callable[[float], None] = sleep


@dataclass(frozen=True)
class _Reply:
    """A server's answer: where its bytes begin, and how long the whole file is."""

    stream: HTTPResponse
    start: int
    total: int | None
    validator: str


class _Stopped(Exception):
    """An attempt ended early and another one may succeed."""


def fetch(url: str, to: Path, sha256: str = "", policy: Policy | None = None, progress: Progress | None = None) -> str:
    """Download a file, going on where an earlier call stopped.

    Args:
        url: http or https.
        to: where the finished file goes; `<to>.part` and `<to>.part.json` exist meanwhile.
        sha256: published digest, hex; empty where none is published.
        policy: patience.
        progress: told after every chunk.

    Returns:
        SHA-256 of the file, hex.

    Raises:
        DataError: the server refuses or keeps failing, the disk is too small, or the file is not the published one.
            What was fetched is kept, except where it is known to be wrong.
    """
    policy, failures = policy or Policy(), 0
    part = to.with_name(f"{to.name}.part")
    while True:
        before = _size(part)
        try:
            _attempt(url, part, policy, progress)
            break
        except _Stopped as reason:
            failures = 0 if _size(part) > before else failures + 1
            if failures > policy.retries:
                raise DataError(
                    f"{url}: {reason}, {failures} times in a row; {_size(part)} bytes are kept: check the connection "
                    "and run the same command again, it goes on from there"
                ) from None
            policy.pause(min(60.0, 2.0**failures))
    digest = _digest(part)
    if sha256 and digest != sha256.lower():
        _forget(part)
        raise DataError(
            f"{url}: SHA-256 is {digest} but {sha256} is published; the file was deleted: run the same command again, "
            "and if that fails tell the publisher"
        )
    os.replace(part, to)
    _note(part).unlink(missing_ok=True)
    return digest


def check_disk(folder: Path, needed: int, what: str) -> None:
    """Refuse early what would fill the disk.

    Raises:
        DataError: fewer bytes are free than needed.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _RESERVE:
        raise DataError(
            f"{what} needs {needed / 1e9:.2f} GB but {folder} has {free / 1e9:.2f} GB free: free some space or choose "
            "another data root"
        )


def _attempt(url: str, part: Path, policy: Policy, progress: Progress | None) -> None:
    """Connect once and take what comes.

    Raises:
        _Stopped: the connection failed, stalled or broke off.
        DataError: the server refuses for good, or the disk is too small.
    """
    start, validator, whole = _resume_point(url, part)
    if start and start == whole:
        return
    with _open(url, part, (start, validator), policy.timeout_s) as stream:
        reply = _reply(stream, start)
        if reply.total is not None:
            check_disk(part.parent, max(0, reply.total - reply.start), f"{part.name.removesuffix('.part')}")
        _write_note(part, {"url": url, "validator": reply.validator, "total": reply.total})
        with part.open("r+b" if part.exists() else "xb") as file:
            file.truncate(reply.start)
            file.seek(reply.start)
            _copy(reply, file, progress)
    if reply.total is not None and _size(part) != reply.total:
        raise _Stopped(f"the connection ended after {_size(part)} of {reply.total} bytes")


def _open(url: str, part: Path, resume: tuple[int, str], timeout_s: float) -> HTTPResponse:
    headers = {"User-Agent": "refbench", "Accept-Encoding": "identity"}
    start, validator = resume
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    try:
        stream: HTTPResponse = _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout_s)
        return stream
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the file there is shorter than what is here
            _forget(part)
        if error.code // 100 == 3:  # urllib itself refuses file: and the like
            raise DataError(f"{url} redirects to an address which is not followed: fetch the file by hand") from None
        if error.code in (416, *_AGAIN):
            raise _Stopped(f"the server answers {error.code} {error.reason}") from None
        raise DataError(
            f"{url}: the server answers {error.code} {error.reason}: fetch the file by hand, or wait for the publisher"
        ) from None
    except DataError:
        raise
    except (OSError, HTTPException, ValueError) as error:
        raise _Stopped(f"no connection ({getattr(error, 'reason', None) or error or type(error).__name__})") from None


def _reply(stream: HTTPResponse, asked: int) -> _Reply:
    length = stream.headers.get("Content-Length", "")
    total = int(length) if length.isdigit() else None
    validator = stream.headers.get("ETag", "")
    if validator.startswith("W/") or not validator:
        validator = stream.headers.get("Last-Modified", "")
    if stream.status != 206:
        return _Reply(stream, 0, total, validator)
    span, _, whole = stream.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if span.split("-")[0] != str(asked):
        raise _Stopped("the server sent another part than was asked for")
    return _Reply(stream, asked, int(whole) if whole.isdigit() else None, validator)


def _copy(reply: _Reply, file: IO[bytes], progress: Progress | None) -> None:
    here = reply.start
    while True:
        try:
            chunk = reply.stream.read1(CHUNK)
        except (OSError, HTTPException) as error:
            raise _Stopped(f"the connection stalled or broke off ({error or type(error).__name__})") from None
        if not chunk:
            return
        try:
            file.write(chunk)
        except OSError as error:
            raise DataError(f"{file.name} cannot be written ({error.strerror}): free some space") from None
        here += len(chunk)
        if progress:
            progress(here, reply.total)


def _resume_point(url: str, part: Path) -> tuple[int, str, int | None]:
    """How many bytes may be kept, what proves that the server still has the same file, and its length; else zeros."""
    try:
        note = json.loads(_note(part).read_text("utf-8"))
        validator = str(note["validator"]) if note["url"] == url else ""
        total = note["total"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0, "", None
    size = _size(part)
    return (size, validator, total) if size and validator else (0, "", None)


def _write_note(part: Path, content: dict[str, Any]) -> None:
    write_atomic(_note(part), json.dumps(content).encode())


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects over the web only, and never from an encrypted address to a plain one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in ("http", "https") or (old, new) == ("https", "http"):
            raise DataError(f"{req.full_url} redirects to {newurl}, which is not followed: fetch the file by hand")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener for the web alone: no file:, no ftp:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SafeRedirects(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
