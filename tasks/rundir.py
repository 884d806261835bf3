"""The directory of one run: who may write to it, what it holds, and whether it is finished.

    run.json                  everything needed to repeat the run; "state" is "running" or "done"
    predictions/rank-*.jsonl  finished batches, while running
    predictions.jsonl         all predictions in the order of the samples
    dense/*.npz               depth maps that the predictions name
    timings.jsonl             seconds per sample
    rows.npz                  rows of counts per sample
    result.json               the record

Writes are atomic, `result.json` comes after what it is made from, and "done" comes last.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import write_atomic
from metrics.errors import DataError as StoreError
from results import record_file
from results.record import SCHEMA, Record
from tasks.journal import disk

LOCK = ".lock"


class RunDirectory:
    """One run directory below a root of all runs."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self.path = root / folder

    def write(self, name: str, data: bytes) -> None:
        """Write one file, wholly or not at all.

        Raises:
            DataError: the disk refuses.
        """
        with disk(self.path / name):
            write_atomic(self.path / name, data)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON object with sorted keys, wholly or not at all."""
        text = json.dumps(content, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
        self.write(name, text.encode("utf-8", "backslashreplace") + b"\n")

    def read_run(self) -> dict[str, Any] | None:
        """Read `run.json`; None where no run was started.

        Raises:
            DataError: it cannot be read, or another schema version wrote it.
        """
        path = self.path / "run.json"
        remedy = "run the command again with --fresh to start over (this deletes what is there)"
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise DataError(f"{self.path} is not a folder: move it away or choose another --out") from None
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}): mend its permissions or {remedy}") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: broken JSON ({error}): {remedy}") from None
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            found = content.get("schema") if isinstance(content, dict) else None
            raise DataError(f"{self.path} has run schema {found} but this refbench writes {SCHEMA}: {remedy}")
        return content

    def finished(self) -> Record | None:
        """Read the record of a finished run; None where it is not finished.

        Raises:
            DataError: the directory cannot be read, or another schema version wrote it.
        """
        run = self.read_run()
        if run is None or run.get("state") != "done" or not (self.path / "result.json").is_file():
            return None
        try:
            return record_file.read(self.path / "result.json", self.root)
        except StoreError as error:
            raise DataError(str(error)) from None

    @contextmanager
    def claim(self, fresh: bool) -> Iterator[int]:
        """Hold the directory for this process; another one is refused. The kernel lets go when a process dies.

        Yields the descriptor of the lock: a process that gets a copy holds the directory, too, until it closes it.

        Args:
            fresh: delete what is there first. It is moved away in one step, so a half-deleted run never looks whole.

        Raises:
            DataError: another process is running into it, or the folder cannot be made or locked.
        """
        lock = self._lock()
        try:
            if fresh and any(entry.name != LOCK for entry in self.path.iterdir()):
                lock = self._start_over(lock)
            with disk(self.path):
                for draft in self.path.rglob(".*.tmp"):  # of a process that was killed while it wrote
                    draft.unlink()
            yield lock
        finally:
            os.close(lock)

    def _lock(self) -> int:
        while True:
            with disk(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                self._take(lock)
                if self._is_current(lock):
                    return lock
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)

    def _take(self, lock: int) -> None:
        with disk(self.path):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise DataError(
                    f"{self.path} is being written by process {owner}: wait for it, or stop it and run the same "
                    "command again"
                ) from None
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)

    def _is_current(self, lock: int) -> bool:
        """Whether the locked file is still the one in the directory: a fresh start may have moved it away."""
        try:
            return os.path.samestat(os.fstat(lock), os.stat(self.path / LOCK))
        except FileNotFoundError:
            return False

    def _start_over(self, lock: int) -> int:
        grave = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:8]}.old")
        with disk(self.path):
            os.rename(self.path, grave)
        os.close(lock)
        shutil.rmtree(grave, ignore_errors=True)
        return self._lock()
