"""The ViP-Bench part of the sample world: open questions about marked objects, in the official format.

Every scene is asked about what stands in a mark, how many there are of it, how many corners it has, which of two marked
objects is nearer, and for a sentence about one. The plain photos carry their marks as labelme writes them, a rectangle
and a polygon; on the others they are drawn in white and black, as boxes (`bbox`) and as ellipses (`human`). Nothing is
to be read in these scenes, so the capability ocr has no question.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.world.dense import DenseObject, DenseScene, numbered
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SIZE, SplitName

MOST = 20
"""Scenes that are asked about."""
CORNERS = {"circle": "no<OR>0", "triangle": "3", "square": "4", "diamond": "4", "star": "10", "cross": "12"}
COLOURS = {"obj1": "white", "obj2": "black"}
SHAPES = {"bbox": "rectangle", "human": "ellipse"}
_GAP = 2
"""Pixels between an object and the mark around it."""
Question = tuple[str, str, list[str]]
"""Words, answer, capabilities."""


def write_vipbench(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `ViP-Bench` over the test split; nothing without scenes."""
    found = numbered(seed, scenes, "test")[:MOST]
    if not found:
        return
    top = folder / "ViP-Bench"
    for place in ("source_image", "bbox/images", "human/images"):
        (top / place).mkdir(parents=True)
    meta: dict[str, dict[str, Any]] = {}
    for number, (_, scene) in enumerate(found):
        marked = {"obj1": scene.objects[-1], "obj2": scene.objects[0]}
        source = f"v1_{number}.jpg"
        (top / "source_image" / source).write_bytes(jpeg(scene.image))
        (top / "source_image" / f"v1_{number}.json").write_text(json.dumps(_labelme(source, marked)), encoding="utf-8")
        for turn, (question, said, capability) in enumerate(_ask(scene, marked)):
            image = f"v1_{number}_{turn}.jpg"
            facts = {"image_source": source, "image": image, "question": question, "answer": said}
            meta[f"v1_{len(meta)}"] = {**facts, "capability": capability}
            for split in SHAPES:
                (top / split / "images" / image).write_bytes(jpeg(_drawn(split, scene, marked, question)))
    (top / "vip-bench-meta-data.json").write_text(json.dumps(meta, indent=4), encoding="utf-8")
    for split in SHAPES:
        lines = (json.dumps(_line(split, key, record)) for key, record in meta.items())
        (top / split / "questions.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _ask(scene: DenseScene, marked: Mapping[str, DenseObject]) -> list[Question]:
    near = marked["obj1"]
    asked: list[Question] = [
        ("What is <obj1>?", f"{_name(near)}<OR>{near.category}", ["rec"]),
        ("What color is <obj2>?", marked["obj2"].colour, ["rec"]),
        ("How many objects are there of the kind of <obj1>?", _count(scene, near.category), ["rec", "math"]),
        ("Which is nearer, <obj1> or <obj2>? Name its color and kind.", _both(near), ["rec", "rel"]),
        ("Describe <obj1> in a sentence.", _sentence(scene, near), ["rec", "lang"]),
    ]
    if near.category in CORNERS:
        asked.append(
            ("How many corners does a shape like <obj1> have?", CORNERS[near.category], ["rec", "know", "math"])
        )
    return asked


def _name(each: DenseObject) -> str:
    return f"person in {each.colour}" if each.category == "person" else f"{each.colour} {each.category}"


def _both(each: DenseObject) -> str:
    return f"{each.colour}<AND>{each.category}"


def _count(scene: DenseScene, category: str) -> str:
    return str(sum(each.category == category for each in scene.objects))


def _sentence(scene: DenseScene, each: DenseObject) -> str:
    middle = each.box_xywh[0] + each.box_xywh[2] / 2
    side = "left" if middle < SIZE / 2 else "right"
    return f"The {_name(each)} stands on the {side} side of the picture, closer to the viewer than all other objects."


def _line(split: str, key: str, record: Mapping[str, Any]) -> dict[str, Any]:
    words = record["question"]
    for label, colour in COLOURS.items():
        words = words.replace(f"<{label}>", f"the object within the {colour} {SHAPES[split]}")
    number = int(key.removeprefix("v1_"))
    return {"question_id": number, "image": record["image"], "text": words, "category": "default"}


def _labelme(source: str, marked: Mapping[str, DenseObject]) -> dict[str, Any]:
    near, far = marked["obj1"], marked["obj2"]
    x, y, width, height = near.box_xywh
    rectangle = {"label": "obj1", "points": [[x, y], [x + width, y + height]], "shape_type": "rectangle"}
    polygon = {"label": "obj2", "points": _outline(far.mask), "shape_type": "polygon"}
    size = {"imagePath": source, "imageHeight": SIZE, "imageWidth": SIZE}
    return {"version": "5.3.1", "flags": {}, "shapes": [rectangle, polygon], **size}


def _outline(mask: np.ndarray) -> list[list[int]]:
    """Corners [x, y] around the pixels of a mask: down its right side and up its left side, row by row."""
    rows = np.flatnonzero(mask.any(1)).tolist()
    right = [[mask.shape[1] - int(mask[row, ::-1].argmax()), y] for row in rows for y in (row, row + 1)]
    left = [[int(mask[row].argmax()), y] for row in reversed(rows) for y in (row + 1, row)]
    return right + left


def _drawn(split: str, scene: DenseScene, marked: Mapping[str, DenseObject], question: str) -> np.ndarray:
    picture = Image.fromarray(scene.image)
    brush = ImageDraw.Draw(picture)
    for label, each in marked.items():
        if f"<{label}>" in question:
            x, y, width, height = each.box_xywh
            frame = [x - _GAP, y - _GAP, x + width - 1 + _GAP, y + height - 1 + _GAP]
            draw = brush.rectangle if split == "bbox" else brush.ellipse
            draw(frame, outline=COLOURS[label], width=2)
    return np.asarray(picture)


PARTS = [write_vipbench]
