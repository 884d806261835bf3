"""A baseline in one JSON file, small enough to commit: records, facts of the machine, rows and timings of runs.

Rows are what a paired test needs. Those of a run that are larger than a limit are left out, and the file says so: such
a run can only be compared unpaired, by the intervals of its record.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metrics.errors import DataError
from results.run import Run

KIND = "refbench-baseline"
VERSION = 1
ROWS_LIMIT_KIB = 64
_FACTS = ("schema", "identity", "host", "accelerator", "ranks", "git", "started", "ended")
"""Parts of `run.json` that a comparison uses; command lines and paths stay at home."""
_UNPACKED_MOST = 256 << 20


def to_json(runs: Sequence[Run], rows_limit_kib: int = ROWS_LIMIT_KIB) -> dict[str, Any]:
    """Build the content of a baseline file.

    Args:
        runs: in the order in which they shall stand there.
        rows_limit_kib: rows of a run are left out where their file is larger.
    """
    return {"kind": KIND, "version": VERSION, "runs": [_entry(run, rows_limit_kib) for run in runs]}


def to_text(content: Mapping[str, Any]) -> str:
    """Write it down so that a diff shows what changed."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def unpaired(content: Mapping[str, Any]) -> list[str]:
    """Name the runs of a baseline file without rows."""
    return [entry["name"] for entry in content["runs"] if not entry["paired"]]


def is_baseline(path: Path) -> bool:
    """Whether a file says that it is a baseline; a broken one does not."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("kind") == KIND


def unpack(path: Path, folder: Path) -> None:
    """Lay the runs of a baseline file out as run directories, as if they had been made here.

    Args:
        path: the file.
        folder: an empty one.

    Raises:
        DataError: it is no baseline file, of another version, or broken.
    """
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict) or content.get("kind") != KIND or content.get("version") != VERSION:
            raise DataError(f"{path} is no baseline of version {VERSION}: write it again with --write-baseline")
        for number, entry in enumerate(content["runs"]):
            _lay_out(entry, folder / f"{number:05d}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is a broken baseline ({error}): write it again with --write-baseline") from None


def _entry(run: Run, rows_limit_kib: int) -> dict[str, Any]:
    rows, timings = _bytes(run.folder / "rows.npz"), _bytes(run.folder / "timings.jsonl")
    keep = 0 < len(rows) <= rows_limit_kib << 10
    return {
        "name": run.name,
        "run": run.record.run,
        "paired": keep,
        "result": run.record.to_json(),
        "facts": {name: run.facts[name] for name in _FACTS if name in run.facts},
        "rows": _pack(rows) if keep else None,
        "timings": _pack(timings) if timings else None,
    }


def _lay_out(entry: Mapping[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(entry["result"]), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(entry["facts"]), encoding="utf-8")
    for name, packed in (("rows.npz", entry["rows"]), ("timings.jsonl", entry["timings"])):
        if packed is not None:
            (folder / name).write_bytes(_unpack(packed))


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def _unpack(text: str) -> bytes:
    """Undo `_pack`; what would fill the disk is refused."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b64decode(text, validate=True), _UNPACKED_MOST)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from None
    if not stream.eof:
        raise ValueError("a part of it is cut off or unreasonably large")
    return data


def _bytes(path: Path) -> bytes:
    """Content of a file; empty where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
