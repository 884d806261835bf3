"""The salient part of the sample world: what fills most of a scene stands out, in the layouts of four datasets."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.salient import SOURCES
from benchmarks.world.dense import DenseScene, numbered
from benchmarks.world.photos import jpeg, png
from benchmarks.world.scenes import SplitName

STANDS_OUT = 0.5
"""Share of the largest shown area from which on another object stands out too."""
_ENOUGH = 10
"""Scenes that a dataset needs; with fewer all datasets show the same ones."""


def write_salient(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Deal the dense scenes of test out to the datasets."""
    numbers = numbered(seed, scenes, "test")
    for place, source in enumerate(SOURCES):
        own = numbers[place :: len(SOURCES)] if len(numbers) >= _ENOUGH * len(SOURCES) else numbers
        photos, masks = folder / source.photos, folder / source.masks
        for each in (photos, masks) if own else ():
            each.mkdir(parents=True)
        for number, scene in own:
            name, as_png = f"{number:06d}", source.name == "hku_is"
            photo = png(scene.image) if as_png else jpeg(scene.image)
            (photos / f"{name}.{'png' if as_png else 'jpg'}").write_bytes(photo)
            (masks / f"{name}.png").write_bytes(png(salient_mask(scene).astype(np.uint8) * np.uint8(255)))


def salient_mask(scene: DenseScene) -> np.ndarray:
    """Where the objects show that are at least half as large as the largest: bool [S, S]."""
    areas = [int(each.mask.sum()) for each in scene.objects]
    large = [each.mask for each, area in zip(scene.objects, areas, strict=True) if area >= STANDS_OUT * max(areas)]
    return np.asarray(np.any(large, axis=0))


PARTS = [write_salient]
