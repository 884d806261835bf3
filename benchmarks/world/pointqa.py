"""The PointQA part of the sample world: what is under a point, and how many are like it, in the official format.

It writes pointqa/LookTwiceQA and pointqa/LocalQA over photos in visual_genome/VG_100K, whose ids begin where those of
Visual Genome have ended.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.world.dense import DenseObject, DenseScene, numbered
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SplitName
from benchmarks.world.visual_prompts import deepest

FIRST_ID = 9_000_000
MOST = 60
"""Scenes that are asked about."""


def write_pointqa(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write both datasets over the test split; nothing without scenes."""
    found = {str(FIRST_ID + number): scene for number, scene in numbered(seed, scenes, "test")[:MOST]}
    if not found:
        return
    (photos := folder / "visual_genome" / "VG_100K").mkdir(parents=True, exist_ok=True)
    for image_id, scene in found.items():
        (photos / f"{image_id}.jpg").write_bytes(jpeg(scene.image))
    for name, ask, listed in (("LookTwiceQA", _counts, "test"), ("LocalQA", _attributes, "testfinal")):
        (place := folder / "pointqa" / name).mkdir(parents=True)
        questions = {image_id: ask(int(image_id), scene) for image_id, scene in found.items()}
        _write(place / f"{name.lower()}_dataset.json", questions)
        _write(place / f"{name.lower()}_{listed}_imgs.json", list(found))


def _counts(image_id: int, scene: DenseScene) -> list[dict[str, Any]]:
    """LookTwice-QA: one question for each category in the scene, about its nearest object."""
    nearest = {each.category: each for each in scene.objects}
    return [_count(image_id, category, each, scene) for category, each in nearest.items()]


def _count(image_id: int, category: str, each: DenseObject, scene: DenseScene) -> dict[str, Any]:
    kind, plural = ("beings", "people") if category == "person" else ("shapes", _plural(category))
    number = str(sum(other.category == category for other in scene.objects))
    return {
        "id": image_id,
        "obj_question": f"How many {plural} are there?",
        "super_question": f"How many of these {kind} are there?",
        "general_question": "How many of these are there?",
        "ans": number,
        "bbox": _box(each),
        "point": _point(each, number),
        "obj_type": plural,
        "supercategory": kind,
    }


def _attributes(image_id: int, scene: DenseScene) -> list[dict[str, Any]]:
    """Local-QA: the colour of every shape, and what everything is."""
    shapes = [each for each in scene.objects if each.category != "person"]
    return [
        _local(image_id, "What color is the shape?", [(each, each.colour) for each in shapes]),
        _local(image_id, "What is this?", [(each, each.category) for each in scene.objects]),
    ]


def _local(image_id: int, question: str, answered: list[tuple[DenseObject, str]]) -> dict[str, Any]:
    return {
        "id": image_id,
        "question": question,
        "all_ans": list(dict.fromkeys(said for _, said in answered)),
        "all_objs": [_box(each) for each, _ in answered],
        "points": [_point(each, said) for each, said in answered],
    }


def _box(each: DenseObject) -> dict[str, Any]:
    x, y, width, height = each.box_xywh
    return {"names": [each.category], "attributes": [each.colour], "x": x, "y": y, "w": width, "h": height}


def _point(each: DenseObject, said: str) -> dict[str, Any]:
    x, y = deepest(each.mask)
    return {"x": x, "y": y, "ans": said}


def _plural(category: str) -> str:
    return f"{category}es" if category == "cross" else f"{category}s"


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


PARTS = [write_pointqa]
