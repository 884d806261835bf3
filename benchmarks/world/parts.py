"""Finds every part of the sample world: the modules of this package that define a list `PARTS`.

A part is a function (data root, seed, number of scenes per split) that writes files of its benchmarks in their official
format below the data root: always the same bytes, into folders that no other part writes.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from benchmarks.discovery import entries
from benchmarks.world.scenes import SplitName

Part = Callable[[Path, int, Mapping[SplitName, int]], None]


@cache
def find() -> tuple[Part, ...]:
    """Every part, by the name of its module."""
    return tuple(entries("benchmarks.world", Path(__file__).parent, "PARTS"))
