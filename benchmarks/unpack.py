"""Unpacks archives that other people made: nothing leaves its folder, nothing is linked, nothing half-done is left.

Every name is looked at before the first byte is written; files are unpacked into a draft folder beside the target and
then moved into place one by one.
"""

import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO, cast

from benchmarks.errors import DataError
from benchmarks.fetch import check_disk

Progress = Callable[[int, int | None], None]
"""Called with (bytes unpacked, bytes in all)."""
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Member:
    """A file in an archive: its checked name, its size in bytes, and how to read it."""

    name: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, into: Path, wanted: Sequence[str] = (), progress: Progress | None = None) -> list[Path]:
    """Unpack a zip or tar archive.

    Args:
        archive: `.zip`, `.tar`, `.tar.gz`, `.tgz`, …: the content decides, not the name.
        into: folder that the names in the archive start from; made where it is missing. Files there of the same name
            are replaced.
        wanted: patterns of names to unpack (`annotations/instances_*.json`); none for all.
        progress: told after every file.

    Returns:
        The files, in the archive's order.

    Raises:
        DataError: a name would leave the folder, an entry is a link or device, the archive is broken or holds none of
            the wanted files, or the disk is too small. Nothing is put into place then.
    """
    into.mkdir(parents=True, exist_ok=True)
    draft = into / f".unpack-{archive.name}"
    shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
    try:
        with _members(archive) as members:
            chosen = [each for each in members if not wanted or any(fnmatch(str(each.name), one) for one in wanted)]
            if not chosen:
                raise DataError(f"{archive} holds none of {', '.join(wanted) or 'any file'}: fetch it again")
            total = sum(member.size for member in chosen)
            check_disk(into, total, f"unpacking {archive.name}")
            _write(chosen, draft, total, progress)
        return [_place(draft / member.name, into / member.name) for member in chosen]
    except _BROKEN as error:
        if isinstance(error, DataError):
            raise
        reason = " ".join(str(error).split())
        raise DataError(f"{archive} cannot be unpacked ({reason}): delete it and fetch it again") from None
    except OSError as error:
        raise DataError(f"{error.filename or into} cannot be written ({error.strerror}): free some space") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(members: Sequence[Member], draft: Path, total: int, progress: Progress | None) -> None:
    done = 0
    for member in members:
        target = draft / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as source, target.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        done += member.size
        if progress:
            progress(done, total)


def _place(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)
    return target


def _members(archive: Path) -> AbstractContextManager[list[Member]]:
    if zipfile.is_zipfile(archive):
        return _zip_members(archive)
    return _tar_members(archive)


@contextmanager
def _zip_members(archive: Path) -> Iterator[list[Member]]:
    with zipfile.ZipFile(archive) as content:
        found = []
        for info in content.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(archive, info.filename, "is a link or device")
            name = _checked(archive, info.orig_filename)
            if not info.is_dir():
                found.append(Member(name, info.file_size, lambda info=info: content.open(info)))  # type: ignore[misc]
        yield found


@contextmanager
def _tar_members(archive: Path) -> Iterator[list[Member]]:
    with tarfile.open(archive) as content:
        found = []
        for info in content:
            if not (info.isfile() or info.isdir()):
                raise _refused(archive, info.name, "is a link or device")
            name = _checked(archive, info.name)
            if info.isfile():
                reader = cast(Callable[[], IO[bytes]], lambda info=info: content.extractfile(info))
                found.append(Member(name, info.size, reader))
        while content.fileobj is not None and content.fileobj.read(1 << 20):
            pass  # to the end, where gzip keeps its checksum
        yield found


def _checked(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or set(name) & {"\\", "\0"} or not path.parts or ":" in path.parts[0]:
        raise _refused(archive, name, "would leave the folder")
    return path


def _refused(archive: Path, name: str, why: str) -> DataError:
    return DataError(f"{archive} holds {name!r}, which {why}: nothing was unpacked; do not use this file")
