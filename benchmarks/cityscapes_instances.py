"""Cityscapes instances: every thing of a street with its mask and one of 8 classes, from the official PNGs.

    <root>/cityscapes/leftImg8bit/val/<city>/*_leftImg8bit.png
    <root>/cityscapes/gtFine/val/<city>/*_gtFine_instanceIds.png        16 bits: 1000 times the label id and a number

A thing without a number (its bare label id) is a group of things that nobody told apart: a crowd. Objects are compared
by COCO's AP over 8 classes. That is not the AP of the official script (evalInstanceLevelSemanticLabeling.py), which
matches and ignores by other rules: never set the two side by side. Counts: see `benchmarks.cityscapes`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import cityscapes, label_maps
from benchmarks.cityscapes import CARD, PUBLISHER
from benchmarks.errors import DataError, unknown
from benchmarks.geometry import encode
from benchmarks.label_split import LabelSource, build
from benchmarks.schema import Benchmark, Origin, Split
from benchmarks.truth import Category, ObjectsTarget, TrueObject

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

SOURCE = LabelSource(name="cityscapes/instance", split="val", published=cityscapes.SOURCE.published)
NUMBERED = 1000
"""Instance ids from here on are label id times this, and a number."""


class PaintedObjects(ObjectsTarget):
    """The objects of one street, read from its PNG whenever they are asked for, so that a sample stays small."""

    __slots__ = ("_path", "_size_hw")

    def __init__(self, path: Path, size_hw: tuple[int, int], categories: tuple[Category, ...]) -> None:
        object.__setattr__(self, "_path", path)
        object.__setattr__(self, "_size_hw", size_hw)
        object.__setattr__(self, "categories", categories)

    @property
    def objects(self) -> tuple[TrueObject, ...]:
        """The objects by instance id.

        Raises:
            DataError: the PNG is missing, damaged, of another kind or size, or holds what is no instance id.
        """
        path: Path = self._path  # type: ignore[attr-defined]
        size_hw: tuple[int, int] = self._size_hw  # type: ignore[attr-defined]
        return read_objects(path, size_hw, self.categories)


def read_objects(path: Path, size_hw: tuple[int, int], categories: tuple[Category, ...]) -> tuple[TrueObject, ...]:
    """Read the things of a map of instance ids, by id.

    Raises:
        DataError: see `PaintedObjects.objects`.
    """
    import numpy as np

    numbers = np.asfortranarray(label_maps.read_numbers(path, size_hw))  # masks are encoded column by column
    here = sorted(label_maps.values(numbers))
    if here[-1] >= cityscapes.LABELS * NUMBERED:
        raise DataError(f"{path} holds {here[-1]}, which is no instance id: fetch the file again")
    things = {category.id for category in categories}
    labels = {number: number // NUMBERED if number >= NUMBERED else number for number in here}
    return tuple(_object(number, label, numbers == number) for number, label in labels.items() if label in things)


def _object(number: int, label: int, mask: "NDArray[np.bool_]") -> TrueObject:
    from pycocotools import mask as coco_mask

    rle = encode(mask)
    left, top, width, height = coco_mask.toBbox(rle).tolist()
    return TrueObject(
        id=number,
        category_id=label,
        box_xyxy=(left, top, left + width, top + height),
        area=float(coco_mask.area(rle)),
        mask_rle=rle,
        crowd=number < NUMBERED,
    )


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split val.

    Raises:
        DataError: files or photos are missing.
        UnknownName: no such split.
    """
    if split != SOURCE.split:
        raise unknown(f"split of {SOURCE.name}", split, [SOURCE.split])
    things = tuple(category for category in cityscapes.classes(root) if category.isthing)
    pairs = cityscapes.pairs(root, "instanceIds")
    return build(SOURCE, pairs, things, lambda pair: PaintedObjects(pair.labels, pair.image.size_hw, things), origin)


def found(root: Path) -> dict[str, int]:
    """Count the maps of instances.

    Raises:
        DataError: their folder is missing or empty.
    """
    return cityscapes.count(root, "instanceIds")


BENCHMARKS = [
    Benchmark(
        name=SOURCE.name,
        splits={SOURCE.split: SOURCE.published},
        open=open_split,
        files=cityscapes.files,
        card=f"{CARD} Compared by COCO's AP, which is not the AP of the Cityscapes script.",
        found=found,
        where=PUBLISHER,
    )
]
