"""The Visual7W part of the sample world: which of four boxes shows what is asked for, in the official format.

It writes visual7w/dataset_v7w_pointing.json and visual7w/images. Where a scene has fewer than four objects, empty
corners of the picture make up the number, as annotators of the original drew boxes of their own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.world.dense import DenseObject, DenseScene, numbered
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SIZE, SplitName

CANDIDATES = 4
CORNER = 24
MOST = 60
"""Scenes that are asked about."""
XYWH = tuple[int, int, int, int]


def write_visual7w(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the questions of the test split; nothing without scenes."""
    found = numbered(seed, scenes, "test")[:MOST]
    if not found:
        return
    (photos := folder / "visual7w" / "images").mkdir(parents=True)
    boxes: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    for image_id, scene in found:
        (photos / (name := f"v7w_{image_id}.jpg")).write_bytes(jpeg(scene.image))
        pairs = [_pair(image_id, asked, scene, boxes) for asked in enumerate(which(scene))]
        images.append({"image_id": image_id, "filename": name, "split": "test", "qa_pairs": pairs})
    content = {"dataset": "visual7w-pointing", "boxes": boxes, "images": images}
    (folder / "visual7w" / "dataset_v7w_pointing.json").write_text(json.dumps(content), encoding="utf-8")


def which(scene: DenseScene) -> list[tuple[str, DenseObject]]:
    """Questions with one answer: the nearest, the farthest, and whatever is the only one of its colour and kind."""
    names = [_name(each) for each in scene.objects]
    single = [
        (f"Which one is the {name}?", each)
        for name, each in zip(names, scene.objects, strict=True)
        if names.count(name) == 1
    ]
    near, far = scene.objects[-1], scene.objects[0]
    return [("Which object is closest to the viewer?", near), ("Which object is farthest away?", far), *single]


def _name(each: DenseObject) -> str:
    return f"person in {each.colour}" if each.category == "person" else f"{each.colour} {each.category}"


def _pair(
    image_id: int, asked: tuple[int, tuple[str, DenseObject]], scene: DenseScene, boxes: list[dict[str, Any]]
) -> dict[str, Any]:
    number, (question, meant) = asked
    drawn = candidates(meant, scene)
    first = len(boxes) + 1
    for place, (x, y, width, height) in enumerate(drawn):
        name = _name(meant) if place == 0 else "other"
        boxes.append({"box_id": first + place, "name": name, "x": x, "y": y, "width": width, "height": height})
    return {
        "qa_id": image_id * 100 + number,
        "question": question,
        "answer": first,
        "multiple_choices": [first + place for place in range(1, CANDIDATES)],
        "type": "which",
    }


def candidates(meant: DenseObject, scene: DenseScene) -> list[XYWH]:
    """Four boxes to choose among, the right one first."""
    others = [each.box_xywh for each in scene.objects if each is not meant and each.box_xywh != meant.box_xywh]
    return [meant.box_xywh, *others, *_corners()][:CANDIDATES]


def _corners() -> list[XYWH]:
    return [(x, y, CORNER, CORNER) for y in (0, SIZE - CORNER) for x in (0, SIZE - CORNER)]


PARTS = [write_visual7w]
