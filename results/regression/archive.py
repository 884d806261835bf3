"""Unpacks runs from a zip or tar file that somebody else made: only the files of runs, and never outside a folder."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from metrics.errors import DataError

WANTED = frozenset({"result.json", "run.json", "rows.npz", "timings.jsonl"})
MOST_BYTES = 2 << 30
"""Unpacked, of all runs together: more is a bomb or no folder of runs."""
MOST_MEMBERS = 200_000
_PART = 1 << 20


@dataclass(frozen=True)
class _Member:
    name: str
    is_file: bool
    open: Callable[[], AbstractContextManager[IO[bytes]]]


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar file, by its content."""
    return tarfile.is_tarfile(path) or zipfile.is_zipfile(path)


def unpack(path: Path, folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Unpack what a comparison needs of every run: record, facts, rows and timings; all else is passed over.

    Args:
        path: zip file, or tar file, also a compressed one.
        folder: an empty one; nothing is written outside it.
        most_bytes: unpacked size at most.

    Raises:
        DataError: a name leads outside the folder or stands there twice, a wanted file is a link, the file is broken
            or larger than allowed.
    """
    left = most_bytes
    try:
        for count, member in enumerate(_members(path)):
            if count >= MOST_MEMBERS:
                raise DataError(f"{path} holds more than {MOST_MEMBERS:,} files: pack the run folders only")
            place = _inside(path, member.name)
            if place.name in WANTED:
                left -= _copy(path, member, folder.joinpath(*place.parts), left)
    except (OSError, EOFError, ValueError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be unpacked ({error}): fetch the artifact again") from None


def _members(path: Path) -> Iterator[_Member]:
    if not tarfile.is_tarfile(path):  # asked first: a plain tar file that ends with rows.npz looks like a zip file too
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                is_link = stat.S_ISLNK(info.external_attr >> 16)
                yield _Member(info.filename, not is_link and not info.is_dir(), partial(archive.open, info))
    else:
        with tarfile.open(path) as bundle:
            for entry in bundle:
                yield _Member(entry.name, entry.isreg(), partial(_content, bundle, entry))


def _content(bundle: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = bundle.extractfile(entry)
    assert content is not None, "a regular file has content"
    return content


def _inside(path: Path, name: str) -> PurePosixPath:
    """Read a member's name; backslashes separate too, since a zip of another system may hold them."""
    place = PurePosixPath(name.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or ":" in name or "\0" in name:
        raise DataError(f"{path} holds a file '{name}' that leads outside it: it was not unpacked, do not trust it")
    return place


def _copy(path: Path, member: _Member, target: Path, left: int) -> int:
    """Write one file and return its size; sizes that the archive states are not believed."""
    if not member.is_file:
        raise DataError(f"{path}: '{member.name}' is a link or a folder: pack the files themselves")
    if target.exists():
        raise DataError(f"{path} holds '{member.name}' twice: pack the run folders again")
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with member.open() as source, target.open("xb") as sink:
        while part := source.read(_PART):
            size += len(part)
            if size > left:
                raise DataError(f"{path} unpacks to more than allowed: pack the run folders only, without other files")
            sink.write(part)
    return size
