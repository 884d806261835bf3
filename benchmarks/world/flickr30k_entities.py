"""Flickr30k Entities in the sample world: two captions a dense scene, every object a chain with its box.

The first caption names the objects one by one and the ground, a scene without a box; the second speaks of all of them,
a chain that has all boxes, and of the nearest again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.flickr30k_entities import IMAGE_FOLDERS, NAME
from benchmarks.world.dense import GROUNDS, DenseObject, DenseScene, numbered
from benchmarks.world.grandf import phrase_of
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SIZE, SplitName

MOST = 25
"""Scenes of a split that are described."""
ALL, GROUND, FIRST = 1, 2, 3
"""Chains: of all objects together, of the ground, and of the first object; the others follow."""


def write_flickr30k_entities(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write both splits."""
    splits: tuple[SplitName, ...] = ("val", "test")
    for split in splits:
        if not (numbers := numbered(seed, scenes, split)[:MOST]):
            continue
        places = [folder / NAME / "Sentences", folder / NAME / "Annotations", folder / IMAGE_FOLDERS[0]]
        for each in places:
            each.mkdir(parents=True, exist_ok=True)
        for number, scene in numbers:
            (places[0] / f"{number}.txt").write_text(sentences(scene), encoding="utf-8")
            (places[1] / f"{number}.xml").write_text(annotation(number, scene), encoding="utf-8")
            (places[2] / f"{number}.jpg").write_bytes(jpeg(scene.image))
        listing = "".join(f"{number}\n" for number, _ in numbers)
        (folder / NAME / f"{split}.txt").write_text(listing, encoding="ascii")


def sentences(scene: DenseScene) -> str:
    """The content of a sentences file."""
    things = [_mark(FIRST + k, _type(each), phrase_of(each)) for k, each in enumerate(scene.objects)]
    name = max(GROUNDS, key=lambda each: int(scene.stuff_mask(each).sum()))
    ground = _mark(GROUND, "scene", f"the {name}")
    listed = " , ".join(things[:-1]) + f" and {things[-1]}"
    together = _mark(ALL, "other", f"All {len(things)} objects")
    return f"{listed} on {ground} .\n{together} stand on {ground} with {things[-1]} in front .\n"


def _mark(chain: int, kind: str, words: str) -> str:
    return f"[/EN#{chain}/{kind} {words}]"


def _type(thing: DenseObject) -> str:
    return "people" if thing.category == "person" else "other"


def annotation(number: int, scene: DenseScene) -> str:
    """The content of an annotation file: corners count from 1."""
    size = f"<size><width>{SIZE}</width><height>{SIZE}</height><depth>3</depth></size>"
    objects = [
        _object([FIRST + k, ALL], f"<bndbox>{_corners(each.box_xywh)}</bndbox>") for k, each in enumerate(scene.objects)
    ]
    flags = _object([GROUND], "<scene>1</scene><nobndbox>0</nobndbox>")
    return f"<annotation><filename>{number}.jpg</filename>{size}{''.join(objects)}{flags}</annotation>\n"


def _object(chains: Sequence[int], content: str) -> str:
    names = "".join(f"<name>{chain}</name>" for chain in chains)
    return f"<object>{names}{content}</object>"


def _corners(box_xywh: tuple[int, int, int, int]) -> str:
    x, y, width, height = box_xywh
    corners = {"xmin": x + 1, "ymin": y + 1, "xmax": x + width + 1, "ymax": y + height + 1}
    return "".join(f"<{name}>{value}</{name}>" for name, value in corners.items())


PARTS = [write_flickr30k_entities]
