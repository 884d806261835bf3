"""Finds every task kind: the modules of this package that define a list `KINDS`."""

from functools import cache
from pathlib import Path

from benchmarks.discovery import entries
from benchmarks.errors import unknown
from tasks.base import TaskKind


def find(name: str) -> TaskKind:
    """Look up a task kind.

    Raises:
        UnknownName: there is none of that name.
    """
    kinds = all_kinds()
    if name not in kinds:
        raise unknown("task kind", name, kinds)
    return kinds[name]


@cache
def all_kinds() -> dict[str, TaskKind]:
    """Every task kind by name, in alphabetical order. Imports only the modules that define some."""
    kinds = {kind.name: kind for kind in entries("tasks", Path(__file__).parent, "KINDS")}
    return dict(sorted(kinds.items()))
