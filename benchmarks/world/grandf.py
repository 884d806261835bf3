"""The grounded captions of the sample world: every object of a dense scene, and its ground, named and outlined.

Val and test take the dense scenes of these names, in the layout of GranD-f.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.geometry import encode
from benchmarks.grandf import ANNOTATIONS, IMAGE_FOLDERS
from benchmarks.world.dense import GROUNDS, DenseObject, DenseScene, numbered
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SIZE, SplitName

MOST = 40
"""Scenes of a split that are described."""


def write_grandf(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write both splits."""
    splits: tuple[SplitName, ...] = ("val", "test")
    for split in splits:
        if not (numbers := numbered(seed, scenes, split)[:MOST]):
            continue
        annotations, photos = folder / ANNOTATIONS, folder / IMAGE_FOLDERS[0]
        for each in (annotations, photos):
            each.mkdir(parents=True, exist_ok=True)
        masks, captions = _tables(numbers)
        for what, content in (("mask", masks), ("caption", captions)):
            (annotations / f"{split}_gcg_coco_{what}_gt.json").write_text(json.dumps(content), encoding="utf-8")
        for number, scene in numbers:
            (photos / f"{_id(number)}.jpg").write_bytes(jpeg(scene.image))


def _id(number: int) -> str:
    return f"scene_{number}"


def _tables(numbers: list[tuple[int, DenseScene]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of the mask file and of the caption file."""
    images = [{"id": _id(number), "height": SIZE, "width": SIZE} for number, _ in numbers]
    masks: list[dict[str, Any]] = []
    captions: list[dict[str, Any]] = []
    for number, scene in numbers:
        caption, named = describe(scene)
        captions.append({"id": len(captions) + 1, "image_id": _id(number), "caption": caption, "labels": list(named)})
        masks += [_annotation(len(masks) + 1 + k, _id(number), mask) for k, mask in enumerate(named.values())]
    categories = [{"id": 1, "name": "object"}]
    return {"images": images, "annotations": masks, "categories": categories}, {
        "images": images,
        "annotations": captions,
    }


def describe(scene: DenseScene) -> tuple[str, dict[str, np.ndarray]]:
    """A caption, and its phrases with their masks; things of one name share a phrase and a mask."""
    named: dict[str, np.ndarray] = {}
    for each in reversed(scene.objects):
        phrase = phrase_of(each)
        named[phrase] = named[phrase] | each.mask if phrase in named else each.mask
    things = list(named)
    grounds = {ground: scene.stuff_mask(ground) for ground in GROUNDS}
    ground = max(grounds, key=lambda name: int(grounds[name].sum()))
    named[f"the {ground}"] = grounds[ground]
    listed = " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)
    return f"{listed} on the {ground}.".capitalize(), named


def phrase_of(thing: DenseObject) -> str:
    """Name a thing by what can be seen of it."""
    colour = f"{'an' if thing.colour[0] in 'aeiou' else 'a'} {thing.colour}"
    return f"a person in {colour} shirt" if thing.category == "person" else f"{colour} {thing.category}"


def _annotation(number: int, image_id: str, mask: np.ndarray) -> dict[str, Any]:
    from pycocotools import mask as coco_mask

    rle = encode(mask)
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "area": int(mask.sum()),
        "bbox": coco_mask.toBbox(rle).tolist(),
        "segmentation": rle,
    }


PARTS = [write_grandf]
