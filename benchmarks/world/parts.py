"""Finds every part of the sample world: the modules of this package that define a list `PARTS`.

A part is a function (data root, seed, number of scenes per split) that writes files of its benchmarks in their official
format below the data root: always the same bytes, into folders that no other part writes.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from benchmarks.world.scenes import SplitName

Part = Callable[[Path, int, Mapping[SplitName, int]], None]
_DEFINES_PARTS = re.compile(r"^PARTS\b", re.MULTILINE)


@cache
def find() -> tuple[Part, ...]:
    """Every part, by the name of its module."""
    modules = sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if _DEFINES_PARTS.search(path.read_text("utf-8"))
    )
    return tuple(part for module in modules for part in import_module(f"benchmarks.world.{module}").PARTS)
