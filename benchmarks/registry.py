"""Which benchmarks there are: every module of this package that ends in a BENCHMARKS list. There is no list to edit."""

from functools import cache
from pathlib import Path

from benchmarks.discovery import entries
from benchmarks.errors import unknown
from benchmarks.schema import Benchmark


def benchmarks() -> list[Benchmark]:
    """List all benchmarks, sorted by name."""
    return sorted(_by_name().values(), key=lambda benchmark: benchmark.name)


def benchmark(name: str) -> Benchmark:
    """Find one benchmark by its full name, for example `refcocog/umd`.

    Raises:
        UnknownName: with the nearest known name.
    """
    known = _by_name()
    if name not in known:
        raise unknown("benchmark", name, known, "refbench data status")
    return known[name]


@cache
def _by_name() -> dict[str, Benchmark]:
    found: dict[str, Benchmark] = {}
    for entry in entries("benchmarks", Path(__file__).parent, "BENCHMARKS"):
        assert entry.name not in found, f"two benchmarks are called {entry.name}"
        found[entry.name] = entry
    return found
