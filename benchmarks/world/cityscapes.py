"""The Cityscapes part of the sample world: the first dense scenes as streets of one city.

    cityscapes/labels.json                     the 13 categories of the world, as label ids from 7 on
    cityscapes/leftImg8bit/val/shapes/*_leftImg8bit.png
    cityscapes/gtFine/val/shapes/*_gtFine_labelIds.png, *_gtFine_instanceIds.png
    cityscapes/gtFine/cityscapes_panoptic_val.json, cityscapes_panoptic_val/*_gtFine_panoptic.png

As in the official files, an instance id is the label id of stuff, and 1000 times it and a number for a thing; it is the
segment id too. In every third scene the first thing is a group: it has its bare label id, and is a crowd.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.world.ade20k import label_map
from benchmarks.world.dense import THINGS, numbered
from benchmarks.world.panoptic import NAMES, Piece, pieces, write_panoptic
from benchmarks.world.photos import png
from benchmarks.world.scenes import SIZE, SplitName

AT_MOST = 40
CITY = "shapes"
FIRST = 7
"""Label id of the first category."""
LABELS = {place: FIRST + place for place in range(len(NAMES))}


def write_cityscapes(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the first dense scenes of the test split; nothing without scenes."""
    found = [(f"{CITY}_{k:06d}_000019", scene) for k, scene in numbered(seed, scenes, "test")[:AT_MOST]]
    if not found:
        return
    base = folder / "cityscapes"
    (photos := base / "leftImg8bit" / "val" / CITY).mkdir(parents=True)
    (truth := base / "gtFine" / "val" / CITY).mkdir(parents=True)
    maps = []
    for place, (name, scene) in enumerate(found):
        segments = _numbered(pieces(scene), group=place % 3 == 0)
        ids = np.zeros((SIZE, SIZE), dtype=np.uint16)
        for number, piece in segments:
            ids[piece.mask] = number
        (photos / f"{name}_leftImg8bit.png").write_bytes(png(scene.image))
        (truth / f"{name}_gtFine_labelIds.png").write_bytes(png(label_map(pieces(scene), LABELS)))
        (truth / f"{name}_gtFine_instanceIds.png").write_bytes(png(ids))
        maps.append((f"{name}_gtFine_panoptic.png", segments))
    images = [
        {"id": name, "file_name": f"{name}_gtFine_leftImg8bit.png", "width": SIZE, "height": SIZE} for name, _ in found
    ]
    categories = {place: (LABELS[place], name) for place, name in enumerate(NAMES)}
    write_panoptic(base / "gtFine" / "cityscapes_panoptic_val.json", images, maps, categories)
    labels = [{"id": LABELS[k], "name": name, "isthing": int(k < len(THINGS))} for k, name in enumerate(NAMES)]
    (base / "labels.json").write_text(json.dumps(labels), encoding="utf-8")


def _numbered(parts: list[Piece], group: bool) -> list[tuple[int, Piece]]:
    """Give every segment its instance id."""
    found: dict[int, Piece] = {}
    for piece in parts:
        label = LABELS[piece.category]
        number = label
        if piece.category < len(THINGS) and not group:
            number = next(n for n in range(label * 1000, label * 1000 + 1000) if n not in found)
        found[number] = replace(piece, crowd=piece.category < len(THINGS) and number == label)
        group = group and not found[number].crowd
    return list(found.items())


PARTS = [write_cityscapes]
