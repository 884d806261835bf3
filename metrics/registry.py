"""Finds every metric and scorer: the modules of this package that define `METRICS` or `SCORERS`.

A family is added by one file; no list is edited. Nothing is imported before it is asked for.
"""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

from metrics.base import Metric, Scorer

_DEFINES = {name: re.compile(rf"^{name}\b", re.MULTILINE) for name in ("METRICS", "SCORERS")}


@cache
def metrics() -> dict[str, Metric]:
    """Every metric by name, in alphabetical order."""
    found = {metric.name: metric for module in _modules("METRICS") for metric in import_module(module).METRICS}
    return dict(sorted(found.items()))


@cache
def scorers() -> dict[str, Scorer]:
    """Every scorer of official files by name, in alphabetical order."""
    found = {scorer.name: scorer for module in _modules("SCORERS") for scorer in import_module(module).SCORERS}
    return dict(sorted(found.items()))


def _modules(constant: str) -> list[str]:
    folder = Path(__file__).parent
    pattern = _DEFINES[constant]
    return sorted(f"metrics.{path.stem}" for path in folder.glob("*.py") if pattern.search(path.read_text("utf-8")))
