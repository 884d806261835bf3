"""Reads what the journals of a run gained since the last look, whoever wrote it."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.schema import Prediction
from tasks.journal import Batch, read_lines


class Tail:
    """The journals of one run, read once and in parts."""

    def __init__(self, run: Path, batches: Sequence[Batch]) -> None:
        """Begin before the first line.

        Args:
            run: the run directory.
            batches: all of them.
        """
        self._run = run
        self._batches = {batch.number: batch for batch in batches}
        self._offsets: dict[Path, int] = {}
        self._parts: dict[tuple[Path, int], list[Prediction]] = {}
        self._seen: set[int] = set()

    def news(self) -> list[tuple[Batch, list[Prediction]]]:
        """The batches that were completed since the last look; one that was answered twice counts once."""
        found: list[tuple[Batch, list[Prediction]]] = []
        for path in sorted((self._run / "predictions").glob("rank-*.jsonl")):
            for number, entries in read_lines(self._new(path), self._run).items():
                answers = self._parts.setdefault((path, number), [])
                answers += [prediction for _, prediction in entries]
                batch = self._batches.get(number)
                if batch is None or number in self._seen or len(answers) < len(batch.samples):
                    continue
                self._seen.add(number)
                found.append((batch, self._parts.pop((path, number))))
        return found

    def _new(self, path: Path) -> bytes:
        """The whole lines that were added."""
        offset = self._offsets.get(path, 0)
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._offsets[path] = offset + end
        return data[:end]
