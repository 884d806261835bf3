"""The COCO-Interactive part of the sample world: four prompts for each object of its COCO instances.

It writes coco_interactive/coco_interactive_val_psalm.json, over the photos coco/val2017 that `coco_objects` writes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.geometry import encode
from benchmarks.world.coco_objects import annotations
from benchmarks.world.dense import DenseObject, numbered
from benchmarks.world.scenes import SIZE, SplitName
from benchmarks.world.visual_prompts import deepest, rough, scribble


def write_prompts(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the objects of the test split; nothing without scenes."""
    found = numbered(seed, scenes, "test")
    if not found:
        return
    marked: dict[int, list[dict[str, Any]]] = {image_id: [] for image_id, _ in found}
    objects = [each for _, scene in found for each in scene.objects]
    for annotation, each in zip(annotations(found), objects, strict=True):
        marked[annotation["image_id"]].append({**annotation, **_prompts(each)})
    records = [
        {
            "image": (name := f"{image_id:012d}.jpg"),
            "image_info": {"id": image_id, "file_name": name, "height": SIZE, "width": SIZE},
            "new_img_id": place,
            "anns": own,
        }
        for place, (image_id, own) in enumerate(marked.items())
    ]
    (folder / "coco_interactive").mkdir()
    (folder / "coco_interactive" / "coco_interactive_val_psalm.json").write_text(json.dumps(records), encoding="utf-8")


def _prompts(each: DenseObject) -> dict[str, Any]:
    x, y = deepest(each.mask)
    left, top, width, height = each.box_xywh
    point, box = np.zeros_like(each.mask), np.zeros_like(each.mask)
    point[y, x] = True
    box[top : top + height, left : left + width] = True
    drawn = {"point": point, "scribble": scribble(each.mask), "box": box, "mask": rough(each.mask)}
    return {f"{kind}_visual_prompt_mask": encode(mask) for kind, mask in drawn.items()}


PARTS = [write_prompts]
