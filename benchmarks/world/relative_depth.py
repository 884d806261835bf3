"""The part of the sample world with relative depth: HR-WSI in its layout, disparity as 16-bit PNGs with holes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks import hrwsi
from benchmarks.files import write_atomic
from benchmarks.world.dense import numbered
from benchmarks.world.photos import jpeg, png
from benchmarks.world.scenes import SplitName

AT_MOST = 20
"""Photos, so that the world stays small."""
HOLES = 0.1
"""Share of pixels without a reading."""
_NEAREST = 60_000
"""Stored disparity of the nearest point of each photo: the unit differs from photo to photo."""


def write_relative_depth(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the first dense scenes of test."""
    for number, scene in numbered(seed, scenes, "test")[:AT_MOST]:
        rng = np.random.default_rng([seed, 12, number])
        disparity = np.round(_NEAREST * scene.depth_m.min() / scene.depth_m).astype(np.uint16)
        valid = rng.random(disparity.shape) >= HOLES
        contents = {
            f"{hrwsi.PHOTOS}/{number}.jpg": jpeg(scene.image),
            f"{hrwsi.MAPS}/{number}.png": png(np.where(valid, disparity, np.uint16(0))),
            f"{hrwsi.MASKS}/{number}.png": png(np.where(valid, np.uint8(hrwsi.VALID), np.uint8(0))),
        }
        for place, content in contents.items():
            write_atomic(folder / hrwsi.FOLDER / place, content)


PARTS = [write_relative_depth]
