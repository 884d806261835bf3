"""The ADE20K part of the sample world: the first dense scenes in the layout of the challenge.

Panoptic files and objects are as Mask2Former's preparation scripts write them. objectInfo150.txt lists the world's 13
categories; as in the official files, labels count from 1 and panoptic categories from 0.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.geometry import encode
from benchmarks.world.dense import THINGS, numbered
from benchmarks.world.panoptic import NAMES, Piece, box_xywh, numbers, pieces, write_panoptic
from benchmarks.world.photos import jpeg, png
from benchmarks.world.scenes import SIZE, SplitName

AT_MOST = 40


def write_ade20k(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the first dense scenes of the test split; nothing without scenes."""
    found = [(f"ADE_val_{k:08d}", scene) for k, scene in numbered(seed, scenes, "test")[:AT_MOST]]
    if not found:
        return
    base = folder / "ADEChallengeData2016"
    (photos := base / "images" / "validation").mkdir(parents=True)
    (labels := base / "annotations" / "validation").mkdir(parents=True)
    lines = ["Idx\tRatio\tTrain\tVal\tName", *(f"{k}\t0\t0\t0\t{name}" for k, name in enumerate(NAMES, start=1))]
    (base / "objectInfo150.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, scene in found:
        (photos / f"{name}.jpg").write_bytes(jpeg(scene.image))
        (labels / f"{name}.png").write_bytes(png(label_map(pieces(scene), {k: k + 1 for k in range(len(NAMES))})))
    images = [{"id": name, "file_name": f"{name}.jpg", "width": SIZE, "height": SIZE} for name, _ in found]
    maps = [(f"{name}.png", numbers(scene)) for name, scene in found]
    write_panoptic(base / "ade20k_panoptic_val.json", images, maps, {k: (k, name) for k, name in enumerate(NAMES)})
    things = [(name, piece) for name, scene in found for piece in pieces(scene) if piece.category < len(THINGS)]
    instances = {
        "images": images,
        "categories": [{"id": k, "name": name} for k, name in enumerate(THINGS)],
        "annotations": [_object(number, name, piece) for number, (name, piece) in enumerate(things, start=1)],
    }
    (base / "ade20k_instance_val.json").write_text(json.dumps(instances), encoding="utf-8")


def label_map(parts: list[Piece], labels: Mapping[int, int]) -> np.ndarray:
    """Draw a label for every segment, by its place in NAMES: uint8 [S, S]."""
    drawn = np.zeros((SIZE, SIZE), dtype=np.uint8)
    for piece in parts:
        drawn[piece.mask] = labels[piece.category]
    return drawn


def _object(number: int, image_id: str, piece: Piece) -> dict[str, object]:
    return {
        "id": number,
        "image_id": image_id,
        "category_id": piece.category,
        "iscrowd": 0,
        "bbox": box_xywh(piece.mask),
        "area": int(piece.mask.sum()),
        "segmentation": encode(piece.mask),
    }


PARTS = [write_ade20k]
