"""The first scenes of a split, for the benchmarks of the sample world that need only some."""

from collections.abc import Mapping
from functools import lru_cache

from benchmarks.world.scenes import Scene, SplitName, generate

AT_MOST = 40


def few(seed: int, scenes: Mapping[SplitName, int], split: SplitName, at_most: int = AT_MOST) -> list[Scene]:
    """Generate the first scenes of a split, none where the world has none.

    Args:
        seed: of the world.
        scenes: number of scenes per split.
        split: which.
        at_most: limit, so that the world stays small.
    """
    return [_scene(seed, split, index) for index in range(min(at_most, scenes.get(split, 0)))]


@lru_cache(maxsize=256)
def _scene(seed: int, split: SplitName, index: int) -> Scene:
    return generate(seed, split, index)
