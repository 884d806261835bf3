"""An index of a folder of runs, so that hundreds are listed without opening hundreds of files.

It is a cache and nothing else: an entry counts only while size, inode and both times of the files that it was made from
are what they were, so it may be deleted, be stale, broken or of another version, and what is listed is the same. A file
that changed right before it was read could change again within one tick of the file system's clock: its entry is not
kept. Writers replace the whole file at once; of two, the last one wins, and what the other one knew is read anew.
"""

import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from metrics.errors import DataError
from results import record_file
from results.record import SCHEMA, Record
from results.run import Run

NAME = ".index.json"
_VERSION = 1
TICK_NS = 2_000_000_000
"""Longest tick of the file systems in use: FAT's."""
Signature = list[list[int]]


def load(root: Path, folders: Iterable[Path]) -> tuple[list[Run], list[tuple[Path, str]]]:
    """Read the runs in folders, from the index where it still holds; bring the index up to date.

    Args:
        root: folder of all runs.
        folders: of single runs below it.

    Returns:
        The runs in the order of `folders`, and (folder, why) for those that cannot be read.
    """
    known = _read(root / NAME)
    kept: dict[str, Any] = {}
    fresh: dict[str, Any] = {}
    runs: list[Run] = []
    problems: list[tuple[Path, str]] = []
    for folder in folders:
        name = folder.relative_to(root).as_posix()
        signature = _signature(folder)
        entry = known.get(name)
        run = _restored(entry, signature, folder, name)
        if run is not None:
            kept[name] = entry
        else:
            try:
                run = Run.open(folder, root)
            except DataError as error:
                problems.append((folder, str(error)))
                continue
            if signature == _signature(folder):
                fresh[name] = _entry(run, signature)
        runs.append(run)
    if fresh or kept != known:
        _write(root, kept, fresh)
    return runs, problems


def _signature(folder: Path) -> Signature:
    """Size, inode and times of the files that an entry is made from; nothing for one that is not there."""
    found: Signature = []
    for name in (record_file.NAME, "run.json"):
        try:
            stat = os.stat(folder / name)
        except OSError:
            found.append([])
        else:
            found.append([stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns])
    return found


def _entry(run: Run, signature: Signature) -> dict[str, Any]:
    moments = {"started": run.started, "ended": run.ended, "commit": run.commit}
    return {"files": signature, "record": run.record.to_json(), **moments}


def _restored(entry: Any, signature: Signature, folder: Path, name: str) -> Run | None:
    """Build a run from its entry; None where there is none that holds."""
    if not isinstance(entry, dict) or entry.get("files") != signature:
        return None
    record = Record.from_json(entry["record"], name, NAME)
    return Run(record, folder, entry["started"], entry["ended"], entry["commit"])


def _read(path: Path) -> dict[str, Any]:
    """Read the entries; none where there is no index, or one that is not whole or not of this version."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        return dict(orjson.loads(body)) if head == _seal(body) else {}
    except (OSError, ValueError):
        return {}


def _write(root: Path, kept: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    """Replace the index; where the folder cannot be written, runs are listed without one."""
    draft = root / f"{NAME}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        draft.touch()
        now = os.stat(draft).st_mtime_ns  # the clock of the file system, which may be a server's
        body = orjson.dumps({**kept, **{name: each for name, each in fresh.items() if _is_settled(each, now)}})
        draft.write_bytes(_seal(body) + b"\n" + body)
        os.replace(draft, root / NAME)
    except OSError:
        draft.unlink(missing_ok=True)


def _is_settled(entry: Mapping[str, Any], now: int) -> bool:
    """Whether its files are so old that another change would show in their times."""
    return all(now - moment >= TICK_NS for part in entry["files"] for moment in part[2:])


def _seal(body: bytes) -> bytes:
    """First line: version of the index, version of the records, digest of the rest."""
    return f"{_VERSION} {SCHEMA} {hashlib.sha256(body).hexdigest()}".encode()
