"""The truth of panoptic segmentation: segments listed in JSON, and a PNG, read when it is needed, that says where."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import label_maps
from benchmarks.errors import DataError
from benchmarks.schema import Truth
from benchmarks.truth import Category

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TrueSegment:
    """One entry of `segments_info`; `area` is the recorded one, in pixels, which the official IoU uses."""

    id: int
    category_id: int
    area: float
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class PanopticTarget(Truth):
    """The segments of one picture, and the PNG that says where they are.

    Attributes:
        png: read by `ids`, when it is needed.
        size_hw: of the picture.
        segments: in the order of the JSON file.
        categories: of the benchmark, one tuple shared by all samples.
    """

    png: Path
    size_hw: tuple[int, int]
    segments: tuple[TrueSegment, ...]
    categories: tuple[Category, ...]

    def ids(self) -> "NDArray[np.uint32]":
        """Read the segment id of every pixel: uint32 [H, W], 0 = void.

        An id that the JSON does not list, and a listed segment without a pixel, are kept: panopticapi has rules for
        both, and ADE20K's files, in which objects were painted over each other, hold the latter.

        Raises:
            DataError: the PNG is missing, damaged, of another kind or size, or holds none of the listed segments.
        """
        ids = label_maps.read_ids(self.png, self.size_hw)
        if self.segments and label_maps.values(ids).isdisjoint(segment.id for segment in self.segments):
            raise DataError(f"{self.png} holds none of the segments that the JSON lists: fetch both of one release")
        return ids


def semantic_labels(target: PanopticTarget) -> "NDArray[np.uint8]":
    """Read the place of its category in `categories` for every pixel: uint8 [H, W], void ignored.

    Raises:
        DataError: see `PanopticTarget.ids`.
    """
    import numpy as np

    place = {category.id: place for place, category in enumerate(target.categories)}
    ids = target.ids()
    labels = np.full(ids.shape, label_maps.IGNORED, dtype=np.uint8)
    for segment in target.segments:
        labels[ids == segment.id] = place[segment.category_id]
    return labels
