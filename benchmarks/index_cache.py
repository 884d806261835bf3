"""A cache of parsed annotation files, keyed by their content, so that a second start is instant.

Entries are JSON under a checksum, never pickles. The cache can be absent, read-only, full or corrupt: everything then
works without it, slower, with one INFO log line.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.files import read_bytes, write_atomic

_LOG = logging.getLogger(__name__)
_RACY_NS = 2_000_000_000
"""A file changed this recently could change again within its timestamp's resolution, so no digest is remembered."""


def cache_folder() -> Path:
    """Find the cache: REFBENCH_CACHE, else XDG_CACHE_HOME/refbench, else ~/.cache/refbench."""
    chosen = os.environ.get("REFBENCH_CACHE")
    if chosen:
        return Path(chosen)
    shared = os.environ.get("XDG_CACHE_HOME")
    if shared:
        return Path(shared) / "refbench"
    try:
        return Path.home() / ".cache" / "refbench"
    except RuntimeError:  # an account without a home: a place that cannot be written, so nothing is cached
        return Path(os.devnull) / "refbench"


def digest_bytes(data: bytes) -> str:
    """SHA-256 of some bytes, hex."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hex.

    The digest of an unchanged file (path, size, inode, modification and change time) is remembered, so that a second
    start does not read hundreds of megabytes.

    Raises:
        DataError: the file is missing or unreadable.
    """
    return digest_and_bytes(path)[0]


def digest_and_bytes(path: Path) -> tuple[str, bytes | None]:
    """Digest a file as `digest_file` does, and hand on its bytes where they had to be read for it.

    Raises:
        DataError: the file is missing or unreadable.
    """
    identity = _identity(path)
    place = cache_folder() / "digests" / f"{digest_bytes(os.fsencode(path.absolute()))[:32]}.json"
    known = _read(place)
    if identity and isinstance(known, dict) and known.get("identity") == identity:
        return str(known["digest"]), None
    data = read_bytes(path)
    digest = digest_bytes(data)
    if identity and identity == _identity(path) and time.time_ns() - max(identity[-2:]) > _RACY_NS:
        _write(place, {"identity": identity, "digest": digest})
    return digest, data


def key(parts: Iterable[str]) -> str:
    """Build an entry's key from everything its value depends on, in order."""
    return digest_bytes(json.dumps(list(parts)).encode())


def load(entry: str) -> Any:
    """Return the value stored under a key, or None when there is none that can be trusted."""
    return _read(_entry_path(entry))


def store(entry: str, value: Any) -> None:
    """Remember a JSON value under a key; a cache that cannot be written is left alone."""
    _write(_entry_path(entry), value)


def _entry_path(entry: str) -> Path:
    return cache_folder() / "index" / f"{entry}.json"


def _identity(path: Path) -> list[int]:
    try:
        stat = path.stat()
    except OSError:
        return []
    return [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _read(path: Path) -> Any:
    try:
        checksum, _, body = path.read_bytes().partition(b"\n")
        if checksum.decode("ascii") == digest_bytes(body):
            return json.loads(body)
        _LOG.info("%s is damaged and will be rebuilt", path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        _LOG.info("%s cannot be used (%s); going on without it", path, error)
    return None


def _write(path: Path, value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        write_atomic(path, digest_bytes(body).encode() + b"\n" + body)
    except OSError as error:
        _LOG.info("%s cannot be written (%s); going on without it", path, error)
