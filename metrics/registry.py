"""Find every metric and every scorer: the modules of this package that hold a list METRICS or SCORERS.

A family joins by being a file here; there is no list to edit. Modules are imported on the first call only.
"""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TypeVar

import metrics as package
from metrics.base import Metric, Scorer

Entry = TypeVar("Entry", Metric, Scorer)


@cache
def metrics() -> tuple[Metric, ...]:
    """Return all metrics, sorted by name.

    Raises:
        ValueError: two modules define a metric of one name.
    """
    return _collect("METRICS", Metric)


@cache
def scorers() -> tuple[Scorer, ...]:
    """Return all scorers of official files, sorted by name.

    Raises:
        ValueError: two modules define a scorer of one name.
    """
    return _collect("SCORERS", Scorer)


def _modules() -> list[ModuleType]:
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{name}") for name in names]


def _collect(attribute: str, kind: type[Entry]) -> tuple[Entry, ...]:
    """Join the lists of that name from all modules."""
    found: dict[str, tuple[Entry, str]] = {}
    for module in _modules():
        for entry in getattr(module, attribute, ()):
            if not isinstance(entry, kind):
                raise TypeError(f"{attribute} of {module.__name__} holds {entry!r}, which is no {kind.__name__}")
            known, home = found.get(entry.name, (entry, module.__name__))
            if known is not entry:
                raise ValueError(f"{attribute} of {module.__name__} and {home} both define '{entry.name}'")
            found[entry.name] = (entry, home)
    return tuple(found[name][0] for name in sorted(found))
