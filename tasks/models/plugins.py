"""Finds models that are not ours: in Python files of a folder the user includes, and in installed packages.

Both run code of others: a folder only when the user names it, a package because the user installed it.
"""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from benchmarks.errors import ConfigError
from tasks.base import ModelEntry

GROUP = "refbench.models"
"""Entry point group; each entry point names a `ModelEntry`, or a list of them."""
_DEFINES = re.compile(r"^MODELS\b", re.MULTILINE)


def included(folder: Path) -> list[tuple[str, ModelEntry]]:
    """Import the Python files of a folder that define a list MODELS at the left margin.

    Returns:
        (file, model) for each model, files in alphabetical order.

    Raises:
        ConfigError: a file cannot be imported, or its MODELS is no list of models.
    """
    found: list[tuple[str, ModelEntry]] = []
    for path in sorted(folder.glob("*.py")):
        try:
            defines = _DEFINES.search(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"{path} cannot be read ({error}): mend it or move it out of the folder") from None
        if defines:
            found += [(str(path), model) for model in _checked(str(path), _load(path).MODELS)]
    return found


def installed() -> list[tuple[str, ModelEntry]]:
    """Read the models of installed packages: (package and entry point, model) for each, by name of the entry point.

    Raises:
        ConfigError: an entry point cannot be loaded, or yields no model.
    """
    found: list[tuple[str, ModelEntry]] = []
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        source = f"entry point {point.name} of package {point.dist.name if point.dist else 'unknown'}"
        found += [(source, model) for model in _checked(source, _loaded(source, point))]
    return found


def _loaded(source: str, point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:
        raise ConfigError(f"{source} cannot be loaded ({_in_short(error)}): mend or uninstall the package") from error


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
        raise ConfigError(f"{path} cannot be imported ({_in_short(error)}): mend it") from error
    return module


def _checked(source: str, content: object) -> Iterable[ModelEntry]:
    models = [content] if isinstance(content, ModelEntry) else content
    if not isinstance(models, list | tuple) or not all(isinstance(model, ModelEntry) for model in models):
        raise ConfigError(f"{source} yields {type(content).__name__}: it must be a list of tasks.base.ModelEntry")
    return models


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
