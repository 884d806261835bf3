"""Finds every task kind: the modules of this package that define a list `KINDS`."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

from benchmarks.errors import unknown
from tasks.base import TaskKind

_DEFINES_KINDS = re.compile(r"^KINDS\b", re.MULTILINE)


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
    modules = sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if _DEFINES_KINDS.search(path.read_text("utf-8"))
    )
    kinds = {kind.name: kind for module in modules for kind in import_module(f"tasks.{module}").KINDS}
    return dict(sorted(kinds.items()))
