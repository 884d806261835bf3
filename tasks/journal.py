"""What a run has finished so far, kept so that a run killed at any moment goes on to the very same bytes.

Arithmetic of a model may depend on which samples share a batch, so a batch is the unit of work: batches are fixed by
the order of the samples and the batch size alone, a finished one is written in one go, and one that is not completely
there is run again as a whole.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.errors import DataError
from benchmarks.files import read_bytes, write_atomic
from benchmarks.schema import Prediction, Sample
from tasks import dense
from tasks import predictions as lines


@dataclass(frozen=True)
class Batch:
    """Samples that the model is asked about together."""

    number: int
    samples: tuple[Sample, ...]


def plan(samples: Sequence[Sample], size: int) -> list[Batch]:
    """Cut samples into consecutive batches of one size; the last may be smaller."""
    starts = range(0, len(samples), size)
    return [Batch(number, tuple(samples[start : start + size])) for number, start in enumerate(starts)]


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses while writing below `path` into one clear line.

    Raises:
        DataError: the disk is full or read-only, permissions are missing, or something else is in the way.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free some space" if full else "mend that or choose another folder with --out"
        raise DataError(
            f"{path} cannot be written ({error.strerror or error}): {remedy}, then run the same command again; "
            "finished samples are kept"
        ) from error


class Journal:
    """The lines `predictions/rank-*.jsonl` of one run; a context manager that closes its file.

    Each process writes a file of its own. `recover` may replace files: call it while nobody appends.
    """

    def __init__(self, folder: Path, batches: Sequence[Batch], label: str = "0") -> None:
        self._folder = folder
        self._path = folder / f"rank-{label}.jsonl"
        self._batches = batches
        self._file: int | None = None
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def recover(self) -> frozenset[int]:
        """Drop torn lines and unfinished batches from the files and say which batches are complete.

        Raises:
            DataError: a file cannot be read or written.
        """
        complete: set[int] = set()
        for path in sorted(self._folder.glob("rank-*.jsonl")):
            data = read_bytes(path)
            kept = self._complete(read_lines(data, self._folder.parent), complete)
            complete.update(kept)
            content = b"".join(line + b"\n" for number in sorted(kept) for line, _ in kept[number])
            if content != data:
                with disk(path):
                    write_atomic(path, content)
        return frozenset(complete)

    def append(self, batch: Batch, answers: Sequence[Prediction]) -> None:
        """Write one finished batch in one go; where that fails, no line of it stays behind. Depth maps come first.

        Raises:
            DataError: the disk is full or was taken away.
        """
        try:
            stowed = [dense.stow(each, self._folder.parent) for each in answers]
            entries = [{**lines.to_json(each), **_aside(each), "batch": batch.number} for each in stowed]
            self._write("".join([lines.dump(entry) + "\n" for entry in entries]).encode("ascii"))
        except OSError:
            with disk(self._path):
                raise

    def complete(self) -> frozenset[int]:
        """Say which batches are complete, and change nothing: others may be writing.

        Raises:
            DataError: a file cannot be read.
        """
        return frozenset(self.answers())

    def merge(self) -> list[Prediction]:
        """Read everything back, batch by batch.

        Raises:
            DataError: a file cannot be read.
        """
        complete = self.answers()
        missing = [batch.number for batch in self._batches if batch.number not in complete]
        assert not missing, f"batches {missing} were never finished"
        return [prediction for batch in self._batches for prediction in complete[batch.number]]

    def answers(self) -> dict[int, list[Prediction]]:
        """The complete batches of all files, by number; of one that was answered twice, the answers of the first file.

        Raises:
            DataError: a file cannot be read.
        """
        complete: dict[int, list[Prediction]] = {}
        for path in sorted(self._folder.glob("rank-*.jsonl")):
            for number, entries in self._complete(read_lines(read_bytes(path), self._folder.parent), complete).items():
                complete[number] = [prediction for _, prediction in entries]
        return complete

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            self._size = os.fstat(self._file).st_size  # nobody else writes this file
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def _complete(
        self, entries: Mapping[int, list[tuple[bytes, Prediction]]], known: Mapping[int, Any] | set[int]
    ) -> dict[int, list[tuple[bytes, Prediction]]]:
        """Choose the batches whose samples are all there, once and in order, and not known yet."""
        return {
            batch.number: entries[batch.number]
            for batch in self._batches
            if batch.number in entries
            and batch.number not in known
            and [prediction.sample_id for _, prediction in entries[batch.number]] == [s.id for s in batch.samples]
        }


def read_lines(data: bytes, root: Path) -> dict[int, list[tuple[bytes, Prediction]]]:
    """Sort the readable lines by batch; the last line counts only with its line break."""
    entries: dict[int, list[tuple[bytes, Prediction]]] = {}
    for line in data.split(b"\n")[:-1]:
        try:
            content = json.loads(line)
            number, seconds = int(content.pop("batch")), float(content.pop("seconds"))
            usage = dict(content.pop("usage", {}))
            prediction = replace(lines.from_json(content, "journal", root), seconds=seconds, usage=usage)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
        entries.setdefault(number, []).append((line, prediction))
    return entries


def _aside(answer: Prediction) -> dict[str, Any]:
    """What is kept of an answer, but not in the merged predictions file."""
    return {"seconds": answer.seconds} | ({"usage": dict(answer.usage)} if answer.usage else {})
