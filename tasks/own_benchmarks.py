"""Benchmarks of the user's own: how they are found.

One Python file in the folder of `--include`, or a package with an entry point in the group `refbench.benchmarks`,
defines a list `BENCHMARKS` of `benchmarks.schema.Benchmark`, as every reader of ours does. Task files name them as they
name ours.
"""

import re
from functools import cache
from pathlib import Path

from benchmarks.errors import ConfigError
from benchmarks.registry import add, built_in
from benchmarks.schema import Benchmark
from tasks import plugins

PLUGINS = plugins.Sort("BENCHMARKS", "refbench.benchmarks", Benchmark)
"""A list BENCHMARKS of an included file, or an entry point that names one."""
_NAME = re.compile(r"[a-z0-9+_-]+(/[a-z0-9+_-]+)?")


@cache
def load(include: Path | None = None) -> tuple[str, ...]:
    """Make the benchmarks of others known to `benchmarks.registry`; name them in alphabetical order.

    Args:
        include: folder of the user's, or None for those of installed packages alone.

    Raises:
        ConfigError: a file or entry point cannot be used, or a benchmark has a name or splits that cannot be.
    """
    found: dict[str, Benchmark] = {}
    for source, entry in plugins.installed(PLUGINS) + ([] if include is None else plugins.included(PLUGINS, include)):
        _check(source, entry)
        if entry.name in found:
            raise ConfigError(f"{source}: there is a benchmark called '{entry.name}' already: rename it")
        found[entry.name] = entry
    for entry in found.values():
        add(entry)
    return tuple(sorted(found))


def _check(source: str, entry: Benchmark) -> None:
    """Refuse what ids and run directories could not be made of."""
    if _NAME.fullmatch(entry.name) is None:
        raise ConfigError(
            f"{source}: a benchmark cannot be called '{entry.name}': take small letters, digits, _, + and -, with a "
            "partition behind a / where there is one, such as mine/2026"
        )
    if entry.name in built_in():
        raise ConfigError(f"{source}: there is a benchmark called '{entry.name}' already: rename it")
    if not entry.splits:
        raise ConfigError(f"{source}: benchmark {entry.name} has no splits: name each with its number of samples, or 0")
