"""Puts runs of elsewhere into a folder of runs, and takes runs out of it; never touches anything outside."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metrics.errors import DataError
from results.record_file import NAME
from results.run import Run

_LOCK = ".lock"
_MINE = (_LOCK, ".index.json")


def place(run: Run, root: Path) -> Path:
    """Say where a run belongs below a root: `<model>/<task>/<split>-<id>`.

    Raises:
        DataError: a name in it would leave the root or hide there.
    """
    names = [run.record.model, run.record.task, f"{run.record.split}-{run.id}"]
    parts = [name.replace("/", "--") for name in names]
    for part in parts:
        if part.startswith(".") or not part.isprintable() or not part.strip() or len(part.encode()) > 255:
            raise DataError(f"{run.folder}: '{part}' cannot be the name of a folder of runs: it is not imported")
    return root.joinpath(*parts)


def bring(run: Run, root: Path) -> Path | None:
    """Copy a run to where it belongs, wholly or not at all.

    Returns:
        Its new folder; None where the very same run is there already.

    Raises:
        DataError: another run is there, the run holds links or special files, or the disk refuses.
    """
    target = place(run, root)
    for path in run.folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise DataError(f"{path} is a link or no plain file: a run is imported as plain files only")
    if target.exists():
        _check_same(run, target)
        return None
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.old")
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(run.folder, draft, ignore=shutil.ignore_patterns(*_MINE, ".*.tmp"))
        os.rename(draft, target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if target.exists():  # another process was faster
            _check_same(run, target)
            return None
        raise DataError(f"{target} cannot be written ({error.strerror or error}): mend that and import again") from None
    return target


def remove(run: Run, root: Path) -> None:
    """Delete a run, and folders that become empty by it, up to the root.

    Raises:
        DataError: it does not lie below the root, is being written, or the disk refuses.
    """
    folder, top = run.folder.resolve(), root.resolve()
    if run.folder.is_symlink() or folder == top or not folder.is_relative_to(top):
        raise DataError(f"{run.folder} does not lie in {root}: only runs of that folder are deleted")
    grave = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.old")
    with _idle(folder):
        try:
            os.rename(folder, grave)
            shutil.rmtree(grave)
        except OSError as error:
            raise DataError(f"{folder} cannot be deleted ({error.strerror}): mend its permissions") from None
    for parent in folder.parents:
        if parent == top or any(parent.iterdir()):
            break
        parent.rmdir()


def _check_same(run: Run, target: Path) -> None:
    try:
        is_same = (target / NAME).read_bytes() == (run.folder / NAME).read_bytes()
    except OSError:
        is_same = False
    if not is_same:
        raise DataError(f"{target} holds another result of the same run: compare them, and delete one of them first")


@contextmanager
def _idle(folder: Path) -> Iterator[None]:
    """Hold the lock of a run, so that no process goes on with it meanwhile."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise DataError(f"{folder} cannot be deleted ({error.strerror}): mend its permissions") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataError(f"{folder} is being written by a process: wait for it or stop it first") from None
    finally:
        os.close(lock)
