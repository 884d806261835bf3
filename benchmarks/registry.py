"""Which benchmarks there are: every module of this package that ends in a BENCHMARKS list. There is no list to edit.

Benchmarks of others join by `add`, for as long as the process lives.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from benchmarks.discovery import entries
from benchmarks.errors import unknown
from benchmarks.schema import Benchmark

_added: dict[str, Benchmark] = {}


def benchmarks() -> list[Benchmark]:
    """List all benchmarks, sorted by name."""
    return sorted({**built_in(), **_added}.values(), key=lambda benchmark: benchmark.name)


def benchmark(name: str) -> Benchmark:
    """Find one benchmark by its full name, for example `refcocog/umd`.

    Raises:
        UnknownName: with the nearest known name.
    """
    known = {**built_in(), **_added}
    if name not in known:
        raise unknown("benchmark", name, known, "refbench data status")
    return known[name]


def add(entry: Benchmark) -> None:
    """Make a benchmark known that is not of this package; one that was added under the same name before is replaced."""
    assert entry.name not in built_in(), f"{entry.name} is a benchmark of ours"
    _added[entry.name] = entry


@cache
def built_in() -> Mapping[str, Benchmark]:
    """The benchmarks of this package, by name."""
    found: dict[str, Benchmark] = {}
    for entry in entries("benchmarks", Path(__file__).parent, "BENCHMARKS"):
        assert entry.name not in found, f"two benchmarks are called {entry.name}"
        found[entry.name] = entry
    return found
