"""Truths about whole images: their objects, and maps that are read from disk only when they are needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.schema import Box, Rle, Truth

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Category:
    """A category as its annotation file lists it; stuff (sky, grass) is no thing.

    Attributes:
        id: of the annotation file.
        name: as it stands there.
        isthing: whether its objects can be counted.
        frequency: in LVIS, how many training images have it: "r" (rare), "c" (common) or "f" (frequent).
    """

    id: int
    name: str
    isthing: bool = True
    frequency: str = ""


@dataclass(frozen=True, slots=True)
class TrueObject:
    """One annotated object.

    Attributes:
        id: of the annotation.
        category_id: one of the target's categories.
        box_xyxy: pixels of the original image.
        area: as annotated, in square pixels; the official size ranges use it.
        mask_rle: None where the file holds no segmentation.
        crowd: a group that is never missed and may be found any number of times.
        keypoints: (x, y, visibility) of every joint, 0 not labelled, 1 hidden, 2 visible; empty without any.
    """

    id: int
    category_id: int
    box_xyxy: Box
    area: float
    mask_rle: Rle | None = None
    crowd: bool = False
    keypoints: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectsTarget(Truth):
    """All objects of one image, and the categories of the benchmark (one tuple shared by all samples)."""

    objects: tuple[TrueObject, ...]
    categories: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class MapTarget(Truth):
    """A truth with a value for every pixel (labels, saliency, depth), read when it is needed.

    Attributes:
        load: reads the map, [H, W]; what its values mean stands with the reader that yields it. Raises DataError.
        categories: the classes, in the order of the labels; empty where there are none.
    """

    load: "Callable[[], NDArray[Any]]"
    categories: tuple[Category, ...] = ()
