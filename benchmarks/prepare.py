"""Which official files are here: one row per benchmark and split, for `refbench data status`."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import DataError
from benchmarks.registry import benchmarks
from benchmarks.schema import Benchmark


@dataclass(frozen=True)
class Status:
    """What is here of one split.

    Attributes:
        benchmark: full name, for example `refcocog/umd`.
        split: split name.
        found: samples in the files here; None where they cannot be counted.
        published: samples the publisher states; None for a split that only the files here have.
        missing: files and folders that are not here, relative to the data root.
        problem: why the files cannot be used; empty when they can.
        where: who publishes them.
        size_bytes: space that the benchmark's files take here, photos included (photos may be shared by benchmarks).
    """

    benchmark: str
    split: str
    found: int | None
    published: int | None
    missing: tuple[str, ...]
    problem: str
    where: str
    size_bytes: int

    @property
    def complete(self) -> bool:
        """Whether every file is here and the count is the published one."""
        return not self.missing and not self.problem and self.found == self.published


def status(root: Path | None, names: Collection[str] | None = None) -> list[Status]:
    """Look at benchmarks under a data root, all of them unless some are named; with None, list what would be needed.

    Missing and broken files are rows, not exceptions. Photos are seen as a folder; opening a split checks each one.

    Raises:
        DataError: the root itself does not exist.
    """
    if root is not None and not root.is_dir():
        raise DataError(f"data root {root} is not a folder: point --data-root at the one that holds the data")
    sizes: dict[Path, int] = {}
    return [row for benchmark in _chosen(names) for row in _rows(benchmark, root, sizes)]


def _chosen(names: Collection[str] | None) -> list[Benchmark]:
    return [each for each in benchmarks() if names is None or each.name in names]


def _rows(benchmark: Benchmark, root: Path | None, sizes: dict[Path, int]) -> Iterable[Status]:
    base = root or Path()
    needed = benchmark.files(base)
    missing = tuple(str(path.relative_to(base)) for path in needed if root is None or not path.exists())
    counts, problem = _count(benchmark, needed, root)
    size = 0 if root is None else sum(_size(path, sizes) for path in needed)
    for split in dict.fromkeys((*benchmark.splits, *(counts or {}))):
        found = None if counts is None else counts.get(split, 0)
        published = benchmark.splits.get(split) or None
        yield Status(benchmark.name, split, found, published, missing, problem, benchmark.where, size)


def _count(benchmark: Benchmark, needed: tuple[Path, ...], root: Path | None) -> tuple[dict[str, int] | None, str]:
    """Count by split, or say why that cannot be done. Where the first file is absent there are 0 of every split."""
    if root is None or not needed[0].exists():
        return {}, ""
    try:
        return dict(benchmark.found(root)) or None, ""
    except DataError as error:
        return None, str(error)


def _size(path: Path, sizes: dict[Path, int]) -> int:
    """Bytes of a file, or of the files directly in a folder; each path is measured once."""
    if path not in sizes:
        members = path.iterdir() if path.is_dir() else [path] if path.exists() else []
        sizes[path] = sum(member.stat().st_size for member in members if member.is_file())
    return sizes[path]
