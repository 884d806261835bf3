"""Finds what is not ours, models and metrics: in Python files of a folder the user includes, and in installed packages.

Both run code of others: a folder only when the user names it, a package because the user installed it.
"""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from benchmarks.errors import ConfigError

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Sort(Generic[Entry]):
    """A sort of thing that others may add.

    Attributes:
        attribute: name of the list that a file defines at its left margin.
        group: of entry points; each names one thing, or a list of them.
        type: of each thing.
    """

    attribute: str
    group: str
    type: type[Entry]


def included(sort: Sort[Entry], folder: Path) -> list[tuple[str, Entry]]:
    """Import the Python files of a folder that define the list of this sort.

    Returns:
        (file, thing) for each thing, files in alphabetical order.

    Raises:
        ConfigError: a file cannot be imported, or its list holds something else.
    """
    defines = re.compile(rf"^{sort.attribute}\b", re.MULTILINE)
    found: list[tuple[str, Entry]] = []
    for path in sorted(folder.glob("*.py")):
        try:
            is_defined = defines.search(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"{path} cannot be read ({error}): mend it or move it out of the folder") from None
        if is_defined:
            content = getattr(_load(path), sort.attribute)
            found += [(str(path), entry) for entry in _checked(sort, str(path), content)]
    return found


def installed(sort: Sort[Entry]) -> list[tuple[str, Entry]]:
    """Read what installed packages bring: (package and entry point, thing) for each, by name of the entry point.

    Raises:
        ConfigError: an entry point cannot be loaded, or yields something else.
    """
    found: list[tuple[str, Entry]] = []
    for point in sorted(entry_points(group=sort.group), key=lambda each: each.name):
        source = f"entry point {point.name} of package {point.dist.name if point.dist else 'unknown'}"
        found += [(source, entry) for entry in _checked(sort, source, _loaded(source, point))]
    return found


def _loaded(source: str, point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:
        raise ConfigError(f"{source} cannot be loaded ({in_short(error)}): mend or uninstall the package") from error


def _load(path: Path) -> ModuleType:
    """Import a file under its own name, so that the files beside it can import it."""
    name = f"refbench_included_{path.stem}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ConfigError(f"{path} cannot be imported ({in_short(error)}): mend it") from error
    return module


def _checked(sort: Sort[Entry], source: str, content: object) -> Iterable[Entry]:
    entries = [content] if isinstance(content, sort.type) else content
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, sort.type) for entry in entries):
        wanted = f"{sort.type.__module__}.{sort.type.__name__}"
        raise ConfigError(f"{source} yields {type(content).__name__}: it must be a list of {wanted}")
    return entries


def in_short(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
