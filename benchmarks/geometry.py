"""Boxes and masks as annotation files store them, turned into ours: xyxy pixels and compressed COCO RLE.

Functions raise ValueError with the reason; the reader that calls them adds file, record and remedy.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.schema import Box, Rle

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

MIN_POLYGON = 6
"""Numbers in the shortest polygon: three points."""


def xywh_to_xyxy(box_xywh: Sequence[float]) -> Box:
    """Turn COCO's x, y, width, height into x1, y1, x2 = x + w, y2 = y + h (pixels)."""
    x, y, width, height = box_xywh
    return (float(x), float(y), float(x + width), float(y + height))


def union_rle(segmentation: object, size_hw: tuple[int, int], empty: bool = False) -> Rle:
    """Rasterise a COCO segmentation at image size: the union of all its polygons, or its RLE in either form.

    Args:
        segmentation: list of polygons [x1, y1, x2, y2, …] in pixels, or {"size", "counts"} with counts as a list of run
            lengths or as compressed text.
        size_hw: height and width of the image.
        empty: accept a segmentation that covers no pixel.

    Returns:
        Compressed COCO RLE, the same bits as pycocotools' `annToRLE`.

    Raises:
        ValueError: unusable polygons or runs, another size than the image, or no pixel covered.
    """
    from pycocotools import mask as coco_mask

    height, width = size_hw
    if isinstance(segmentation, Mapping):
        rle = coco_mask.frPyObjects({"size": [height, width], "counts": _runs(segmentation, size_hw)}, height, width)
    else:
        rle = coco_mask.merge(coco_mask.frPyObjects(_polygons(segmentation, size_hw), height, width))
    if not empty and not coco_mask.area(rle):
        raise ValueError("the segmentation covers no pixel")
    return {"size": [height, width], "counts": rle["counts"].decode("ascii")}


def encode(mask: "NDArray[Any]") -> dict[str, Any]:
    """Turn a mask [H, W] into compressed COCO RLE."""
    import numpy as np
    from pycocotools import mask as coco_mask

    packed = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": packed["counts"].decode("ascii")}


def decode(rle: Rle) -> "NDArray[np.bool_]":
    """Draw a compressed COCO RLE that has been checked: bool [H, W]."""
    import numpy as np
    from pycocotools import mask as coco_mask

    with warnings.catch_warnings():
        # pycocotools 2.0.11 builds its array in a way that NumPy 2 deprecates; the result is right.
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.asarray(coco_mask.decode(dict(rle))).astype(np.bool_)


def middles(rle: Rle) -> list[tuple[float, float]]:
    """The middle of every pixel of a compressed COCO RLE: x, y in pixels, row by row."""
    rows, columns = decode(rle).nonzero()
    return [(x + 0.5, y + 0.5) for y, x in zip(rows.tolist(), columns.tolist(), strict=True)]


def _polygons(segmentation: object, size_hw: tuple[int, int]) -> list[list[float]]:
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError("the segmentation is neither a list of polygons nor an RLE")
    reach = 2 * max(size_hw)  # the rasteriser's memory grows with coordinates, so a wild one must not reach it
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) < MIN_POLYGON or len(polygon) % 2:
            size = len(polygon) if isinstance(polygon, list) else "no"
            raise ValueError(f"a polygon has {size} coordinates; it needs an even number, {MIN_POLYGON} or more")
        if not all(isinstance(value, int | float) for value in polygon) or not math.isfinite(sum(polygon)):
            raise ValueError("a polygon holds something that is not a finite number")
        if min(polygon) < -reach or max(polygon) > reach:
            raise ValueError(f"a polygon reaches {max(polygon, key=abs)} px in an image of {size_hw[1]}x{size_hw[0]}")
    return segmentation


def _runs(rle: Mapping[str, Any], size_hw: tuple[int, int]) -> list[int]:
    """Run lengths of an RLE; checked here because the C code trusts them."""
    counts = rle.get("counts")
    if rle.get("size") != list(size_hw):
        raise ValueError(f"the RLE is for [H, W] = {rle.get('size')} but the image is {list(size_hw)}")
    runs = _decompress(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs):
        raise ValueError("the RLE's counts are not run lengths")
    if sum(runs) != size_hw[0] * size_hw[1]:
        raise ValueError(f"the RLE's runs cover {sum(runs)} of {size_hw[0] * size_hw[1]} pixels")
    return runs


def _decompress(counts: str) -> list[int]:
    """Decode COCO's compressed counts: 5 bits a character, low first; from the fourth on, change from two before."""
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"the RLE's counts hold the character {character!r}")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("the RLE's counts end in the middle of a number")
    return runs
