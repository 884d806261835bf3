"""The Visual Genome part of the sample world: a phrase for every object of a scene, photos in two folders."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.world.few import few
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import Scene, SplitName

PHRASES = ("a {size} {colour} {shape}", "the {shape} is {colour}", "{colour} {shape} on a grey background")
FOLDERS = ("VG_100K", "VG_100K_2")
SPLITS: Mapping[str, tuple[SplitName, int]] = {"val": ("val", 4), "test": ("test", 24)}


def write_regions(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `vg` below a data root; no annotations without test scenes."""
    for name in FOLDERS:
        (folder / "vg" / name).mkdir(parents=True)
    images: list[dict[str, Any]] = []
    splits: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    for split, (world_split, at_most) in SPLITS.items():
        for scene in few(seed, scenes, world_split, at_most):
            image_id = len(images) + 1
            (folder / "vg" / FOLDERS[image_id % 2] / f"{image_id}.jpg").write_bytes(jpeg(scene.image))
            images.append({"id": image_id, "regions": _regions(scene, image_id)})
            splits[split].append(image_id)
    if splits["test"]:
        for name, content in (("region_descriptions", images), ("densecap_splits", splits)):
            (folder / "vg" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def _regions(scene: Scene, image_id: int) -> list[dict[str, Any]]:
    regions = []
    for place, (thing, mask) in enumerate(zip(scene.things, scene.masks, strict=True)):
        rows, columns = mask.any(1).nonzero()[0], mask.any(0).nonzero()[0]
        corner = {"x": int(columns[0]), "y": int(rows[0])}
        size = {"width": int(columns[-1] - columns[0]) + 1, "height": int(rows[-1] - rows[0]) + 1}
        phrase = PHRASES[place % len(PHRASES)].format(size=thing.size, colour=thing.colour, shape=thing.shape)
        regions.append({"region_id": image_id * 100 + place, "image_id": image_id, **corner, **size, "phrase": phrase})
    return regions


PARTS = [write_regions]
