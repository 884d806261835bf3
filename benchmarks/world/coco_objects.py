"""The part of the sample world with all objects of a picture: COCO instances and LVIS, over the same photos.

    coco/annotations/instances_val2017.json, coco/val2017/<12 digits>.jpg, lvis/lvis_v1_val.json

Masks are compressed RLE of what shows. In LVIS the categories of THINGS are rare, common and frequent in turn; an image
lists what it lacks as negative, but for one category it says nothing about, and every second image calls its first
object's category not exhaustively annotated.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.geometry import encode
from benchmarks.world.dense import THINGS, DenseScene, numbered
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SIZE, SplitName

FREQUENCIES = ("r", "c", "f")
PHOTOS = "val2017"


def write_objects(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the dense scenes of the test split; nothing without scenes."""
    found = numbered(seed, scenes, "test")
    if not found:
        return
    (photos := folder / "coco" / PHOTOS).mkdir(parents=True, exist_ok=True)
    for image_id, scene in found:
        (photos / f"{image_id:012d}.jpg").write_bytes(jpeg(scene.image))
    images = [{"id": image_id, "file_name": f"{image_id:012d}.jpg", **size()} for image_id, _ in found]
    categories: list[dict[str, Any]] = [{"id": 1 + k, "name": name} for k, name in enumerate(THINGS)]
    objects = annotations(found)
    instances = {"images": images, "annotations": objects, "categories": categories}
    write_json(folder / "coco" / "annotations" / "instances_val2017.json", instances)
    federated = {
        "images": [_federated(image_id, scene) for image_id, scene in found],
        "annotations": [{key: value for key, value in each.items() if key != "iscrowd"} for each in objects],
        "categories": [{**each, "frequency": FREQUENCIES[each["id"] % 3]} for each in categories],
    }
    write_json(folder / "lvis" / "lvis_v1_val.json", federated)


def annotations(found: list[tuple[int, DenseScene]]) -> list[dict[str, Any]]:
    pairs = [(image_id, each) for image_id, scene in found for each in scene.objects]
    return [
        {
            "id": number,
            "image_id": image_id,
            "category_id": 1 + THINGS.index(each.category),
            "bbox": list(each.box_xywh),
            "area": int(each.mask.sum()),
            "iscrowd": 0,
            "segmentation": encode(each.mask),
        }
        for number, (image_id, each) in enumerate(pairs, start=1)
    ]


def _federated(image_id: int, scene: DenseScene) -> dict[str, Any]:
    here = {1 + THINGS.index(each.category) for each in scene.objects}
    absent = [number for number in range(1, len(THINGS) + 1) if number not in here]
    first = 1 + THINGS.index(scene.objects[0].category)
    return {
        "id": image_id,
        "coco_url": f"http://images.cocodataset.org/{PHOTOS}/{image_id:012d}.jpg",
        **size(),
        "neg_category_ids": absent[1:],
        "not_exhaustive_category_ids": [first] if image_id % 2 else [],
    }


def size() -> dict[str, int]:
    return {"height": SIZE, "width": SIZE}


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


PARTS = [write_objects]
