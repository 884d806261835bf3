"""Whether the data of a task is here: what `refbench tasks` shows without opening a photo.

Files are looked for and annotations counted once for each benchmark, with the readers' index caches.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.errors import DataError
from benchmarks.registry import benchmarks
from benchmarks.schema import Benchmark
from benchmarks.world.write import is_world

Name = Literal["complete", "part", "missing", "broken", "sample"]


@dataclass(frozen=True)
class DataState:
    """The data of one task under one data root.

    Attributes:
        state: `complete`, every file is here with the published numbers of samples, or any where none is published;
            `part`, some splits or samples are not; `missing`, files that every split needs are not; `broken`,
            they cannot be read; `sample`, the task runs on the sample world.
        found: official split -> samples in the files here; empty where nothing was counted.
        missing: files and folders that are not here, relative to the data root.
        problem: why the files cannot be read, empty where they can.
    """

    state: Name
    found: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    problem: str = ""


class DataStates:
    """Looks at a data root; each benchmark is counted once, when a task first asks."""

    def __init__(self, root: Path | None) -> None:
        """Choose the data root; None for the built-in sample world.

        Raises:
            DataError: the root is no folder.
        """
        if root is not None and not root.is_dir():
            raise DataError(f"data root {root} is not a folder: point --data-root at the one that holds the data")
        self._root = root
        self._known = {benchmark.name: benchmark for benchmark in benchmarks()}
        self._counts: dict[str, Mapping[str, int] | DataError] = {}

    def of(self, name: str, splits: Iterable[str]) -> DataState:
        """Tell the state of a task's benchmark and splits."""
        root, benchmark = self._root, self._known.get(name)
        if benchmark is None:
            return DataState("broken", problem=f"no benchmark is called '{name}'")
        if root is None:
            return DataState("sample")
        absent = tuple(str(path.relative_to(root)) for path in benchmark.files(root) if not path.exists())
        if is_world(root):
            return DataState("missing" if absent else "sample", missing=absent)
        counts = self._count(benchmark, root)
        if isinstance(counts, DataError):
            return DataState("missing" if absent else "broken", missing=absent, problem="" if absent else str(counts))
        found = {split: counts.get(split, 0) for split in splits}
        return DataState(_judge(found, benchmark.splits, bool(absent)), found, absent)

    def _count(self, benchmark: Benchmark, root: Path) -> Mapping[str, int] | DataError:
        if benchmark.name not in self._counts:
            try:
                self._counts[benchmark.name] = benchmark.found(root)
            except DataError as error:
                self._counts[benchmark.name] = error
        return self._counts[benchmark.name]


def _judge(found: Mapping[str, int], published: Mapping[str, int], lacks_files: bool) -> Name:
    if not any(found.values()) or (lacks_files and all(found.values())):
        return "missing"  # no annotations, or all of them but no photos
    whole = all(count and count == (published.get(split) or count) for split, count in found.items())
    return "complete" if whole and not lacks_files else "part"
