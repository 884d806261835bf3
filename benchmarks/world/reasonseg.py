"""The ReasonSeg part of the sample world: instructions that ask for an object by depth, which no word of it names.

Val and test take the dense scenes of these names. Polygons follow the first and last shown pixel of every row. In every
third scene the largest other object is marked as not scored.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.dense import DenseScene, numbered
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SplitName

MOST = 40
"""Scenes of a split that are asked about."""
SHORT = ("the object closest to the viewer", "the object that is farthest away")
LONG = (
    "If I walked straight into this scene, which object could I reach with the fewest steps?",
    "Which of the objects standing here would take the longest walk to get to?",
)


def write_reasonseg(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write both splits."""
    splits: tuple[SplitName, ...] = ("val", "test")
    for split in splits:
        numbers = numbered(seed, scenes, split)[:MOST]
        place = folder / "ReasonSeg" / split
        if numbers:
            place.mkdir(parents=True)
        for index, (number, scene) in enumerate(numbers):
            (place / f"{number}.jpg").write_bytes(jpeg(scene.image))
            (place / f"{number}.json").write_text(json.dumps(record(scene, index)), encoding="utf-8")


def record(scene: DenseScene, index: int) -> dict[str, Any]:
    """The content of one JSON: nearest and farthest object in turn, a phrase twice and then a sentence twice."""
    meant = scene.objects[-1] if index % 2 == 0 else scene.objects[0]
    is_sentence = index // 2 % 2 == 1
    shapes = [{"label": "target", "points": outline(meant.mask)}]
    others = [each for each in scene.objects if each is not meant]
    if index % 3 == 2:
        largest = max(others, key=lambda each: int(each.mask.sum()))
        shapes.append({"label": "ignore", "points": outline(largest.mask)})
    texts = (LONG, SHORT) if is_sentence else (SHORT, LONG)
    return {"text": [each[index % 2] for each in texts], "is_sentence": is_sentence, "shapes": shapes}


def outline(mask: np.ndarray) -> list[list[int]]:
    """Corners [x, y] around a mask, row by row: down its right side and up its left side."""
    rows = np.flatnonzero(mask.any(1))
    right = [[mask.shape[1] - 1 - int(mask[row, ::-1].argmax()), int(row)] for row in rows]
    return right + [[int(mask[row].argmax()), int(row)] for row in rows[::-1]]


PARTS = [write_reasonseg]
