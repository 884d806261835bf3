"""Finds what registers itself: modules of a folder that define a list of a given name. There is no list to edit."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any


def entries(package: str, folder: Path, name: str) -> list[Any]:
    """Join the lists called `name` of a package's modules, by module in alphabetical order.

    A module is imported only if its text defines the list at the left margin, so listing stays cheap.

    Args:
        package: import name of the package.
        folder: where its modules lie.
        name: of the lists, for example `KINDS`.
    """
    defines = re.compile(rf"^{name}\b", re.MULTILINE)
    modules = sorted(path.stem for path in folder.glob("*.py") if defines.search(path.read_text("utf-8")))
    return [entry for module in modules for entry in getattr(import_module(f"{package}.{module}"), name)]
