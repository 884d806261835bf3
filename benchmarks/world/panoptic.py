"""The panoptic part of the sample world: dense scenes in the panoptic formats of COCO, ADE20K and Cityscapes.

    coco/annotations/panoptic_val2017.json, panoptic_val2017/*.png                     (photos: `.coco_objects`)
    ADEChallengeData2016/ade20k_panoptic_val.json, ade20k_panoptic_val/*.png            (photos: `.ade20k`)
    cityscapes/gtFine/cityscapes_panoptic_val.json, cityscapes_panoptic_val/*.png       (photos: `.cityscapes`)

The JSON lists the world's own categories in place of the official ones; readers take them from there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.dense import STUFF, THINGS, DenseScene, numbered
from benchmarks.world.photos import jpeg, png
from benchmarks.world.scenes import SIZE, SplitName

NAMES = (*THINGS, *STUFF)


@dataclass(frozen=True)
class Piece:
    """One segment of a scene: its category as a place in NAMES, bool [S, S] where it shows, whether it is a group."""

    category: int
    mask: np.ndarray
    crowd: bool = False


def pieces(scene: DenseScene) -> list[Piece]:
    """List the segments of a scene, which cover every pixel once: stuff first, as the official files do."""
    stuff = [Piece(len(THINGS) + k, scene.stuff_mask(name)) for k, name in enumerate(STUFF)]
    things = [Piece(THINGS.index(each.category), each.mask) for each in scene.objects]
    return [piece for piece in (*stuff, *things) if piece.mask.any()]


def write_coco(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write COCO's form of the dense scenes of the test split; nothing without scenes."""
    found = numbered(seed, scenes, "test")
    if not found:
        return
    (photos := folder / "coco" / "val2017").mkdir(parents=True, exist_ok=True)
    for image_id, scene in found:
        (photos / f"{image_id:012d}.jpg").write_bytes(jpeg(scene.image))
    images = [
        {"id": image_id, "file_name": f"{image_id:012d}.jpg", "height": SIZE, "width": SIZE} for image_id, _ in found
    ]
    write_panoptic(
        folder / "coco" / "annotations" / "panoptic_val2017.json",
        images,
        [(f"{image_id:012d}.png", numbers(scene)) for image_id, scene in found],
        {k: (1 + k, name) for k, name in enumerate(NAMES)},
    )


def numbers(scene: DenseScene) -> list[tuple[int, Piece]]:
    """Number the segments of a scene so that ids need more than one colour."""
    return [(1 + 37 * (place + 1) + 70_000 * (place % 3), piece) for place, piece in enumerate(pieces(scene))]


def write_panoptic(
    path: Path,
    images: Sequence[Mapping[str, Any]],
    maps: Sequence[tuple[str, Sequence[tuple[int, Piece]]]],
    categories: Mapping[int, tuple[int, str]],
) -> None:
    """Write a panoptic JSON file and its PNGs, into the folder of the same name.

    Args:
        path: the JSON file.
        images: entries of `images`.
        maps: for each image the name of its PNG, and (segment id, segment) of all segments.
        categories: place in NAMES -> category id and name in the file.
    """
    (folder := path.with_suffix("")).mkdir(parents=True)
    annotations = []
    for image, (name, segments) in zip(images, maps, strict=True):
        ids = np.zeros((SIZE, SIZE), dtype=np.uint32)
        for number, piece in segments:
            ids[piece.mask] = number
        colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8)
        (folder / name).write_bytes(png(colours))
        told = [_segment(number, piece, categories) for number, piece in segments]
        annotations.append({"image_id": image["id"], "file_name": name, "segments_info": told})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name, "isthing": int(place < len(THINGS))}
            for place, (number, name) in categories.items()
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def _segment(number: int, piece: Piece, categories: Mapping[int, tuple[int, str]]) -> dict[str, Any]:
    return {
        "id": number,
        "category_id": categories[piece.category][0],
        "iscrowd": int(piece.crowd),
        "bbox": box_xywh(piece.mask),
        "area": int(piece.mask.sum()),
    }


def box_xywh(mask: np.ndarray) -> list[int]:
    """The box around a mask that is not empty: x, y, width, height."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]


PARTS = [write_coco]
