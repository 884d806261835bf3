"""COCO mask formats: polygons, run lengths and compressed run lengths, checked before C code reads them.

pycocotools reads compressed counts unchecked: a text that does not cover the image exactly gives a number without
meaning. Here every mask is checked first, without decoding. Format: cocoapi `maskApi.c`, `rleToString`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from pycocotools import mask as rle

from metrics.coco_columns import Describe
from metrics.errors import DataError
from metrics.matching import Bools, Floats, Ints

Rle = dict[str, Any]
BYTES_AT_ONCE = 1 << 20
FARTHEST_PX = 1e5


@dataclass(frozen=True)
class Masks:
    """Masks of N objects.

    Attributes:
        rles: N compressed RLEs.
        area: float [N], pixels of each.
        odd: bool [N], True where a mask has another size than its image.
    """

    rles: list[Rle]
    area: Floats
    odd: Bools

    def boxes_xywh(self) -> Floats:
        """Find the box around each mask: float [N, 4] xywh."""
        return np.asarray(rle.toBbox(self.rles), dtype=np.float64).reshape(-1, 4)


NO_MASKS = Masks([], np.zeros(0), np.zeros(0, dtype=bool))


def read_masks(segmentations: Sequence[Any], size_hw: Ints, describe: Describe) -> Masks:
    """Bring segmentations into compressed RLE.

    Args:
        segmentations: polygons [[x1, y1, x2, y2, x3, y3, …], …] or {"size": [H, W], "counts": list or text}.
        size_hw: int [N, 2], size of the image of each.
        describe: names a record.

    Raises:
        DataError: a segmentation has another form, or its runs do not cover its size exactly.
    """
    _check_polygons(segmentations, describe)
    heights, widths = size_hw.T.tolist()
    rles = [_compress(s, heights[i], widths[i], i, describe) for i, s in enumerate(segmentations)]
    sizes = np.array([r["size"] for r in rles], dtype=np.int64).reshape(-1, 2)
    covered, area = run_sums([r["counts"] for r in rles])
    broken = np.flatnonzero(covered != sizes.prod(axis=1))
    if len(broken):
        height, width = sizes[broken[0]].tolist()
        raise DataError(
            f"{describe(int(broken[0]))}: the runs of its mask do not cover {height} x {width} pixels exactly: "
            "encode it again with pycocotools.mask.encode"
        )
    return Masks(rles, area.astype(np.float64), (sizes != size_hw).any(axis=1))


def run_sums(counts: Sequence[str | bytes]) -> tuple[Ints, Ints]:
    """Sum the runs of compressed masks without decoding them.

    Returns:
        Pixels that the runs cover, int [N], -1 where the text is broken or a run is negative; and the pixels of the
        object, int [N], the sum of every second run.
    """
    sums = [_sums(chunk) for chunk in _chunks(counts)]
    covered, area = np.concatenate(sums, axis=1) if sums else np.zeros((2, 0), dtype=np.int64)
    return covered, area


def _chunks(counts: Sequence[str | bytes]) -> Iterator[list[bytes]]:
    """Encode texts and hand them on about `BYTES_AT_ONCE` at a time."""
    chunk: list[bytes] = []
    size = 0
    for text in counts:
        chunk.append(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        size += len(chunk[-1])
        if size >= BYTES_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _sums(texts: list[bytes]) -> Ints:
    """Sum the runs of a few texts, int [2, N]; a byte holds five bits, least significant first, and "more follows"."""
    data = np.frombuffer(b"".join(texts), dtype=np.uint8).astype(np.int64) - 48
    ends = np.cumsum([len(text) for text in texts])
    starts = np.concatenate(([0], ends[:-1]))
    last = (data & 32) == 0
    broken = starts == ends
    broken[~broken] = ~last[ends[~broken] - 1]
    owner = np.repeat(np.arange(len(texts)), ends - starts)
    broken[owner[(data < 0) | (data > 63)]] = True
    heads = np.flatnonzero(np.concatenate(([True], last[:-1])))
    if not len(data):
        return np.full((2, len(texts)), -1)
    place = np.arange(len(data)) - np.repeat(heads, np.diff(np.append(heads, len(data))))
    broken[owner[place > 6]] = True
    place = np.minimum(place, 6)
    value = np.add.reduceat((data & 31) << (5 * place), heads)
    tails = np.append(heads[1:], len(data)) - 1
    value -= np.where(data[tails] & 16, np.int64(1) << (5 * (place[tails] + 1)), 0)
    run_owner = owner[heads]
    number = np.arange(len(heads)) - np.searchsorted(run_owner, run_owner)
    # From the fourth run on, a text holds the difference to the run two before it.
    runs = value.copy()
    for chain_of in (number % 2 == 1, (number % 2 == 0) & (number > 0)):
        summed = np.cumsum(value[chain_of])
        mine = run_owner[chain_of]
        first = np.searchsorted(mine, mine)
        runs[chain_of] = summed - (summed - value[chain_of])[first]
    broken[run_owner[runs < 0]] = True
    covered = np.bincount(run_owner, weights=runs, minlength=len(texts))
    area = np.bincount(run_owner, weights=runs * (number % 2), minlength=len(texts))
    return np.where(broken, -1, np.stack((covered, area))).astype(np.int64)


def _compress(segmentation: Any, height: int, width: int, position: int, describe: Describe) -> Rle:
    """Turn one segmentation into {"size", "counts"} with compressed counts."""
    if isinstance(segmentation, list):
        merged: Rle = rle.merge(rle.frPyObjects(segmentation, height, width))
        return merged
    if isinstance(segmentation, Mapping):
        size, counts = segmentation.get("size"), segmentation.get("counts")
        if isinstance(size, list) and len(size) == 2 and all(type(side) is int and side > 0 for side in size):
            if isinstance(counts, str | bytes):
                return {"size": size, "counts": counts}
            if isinstance(counts, list) and all(type(run) is int and 0 <= run <= size[0] * size[1] for run in counts):
                packed: Rle = rle.frPyObjects({"size": size, "counts": counts}, *size)
                return packed
    raise DataError(
        f'{describe(position)}: its segmentation is neither polygons nor {{"size": [H, W], "counts": …}}: '
        "encode it with pycocotools.mask.encode"
    )


def _check_polygons(segmentations: Sequence[Any], describe: Describe) -> None:
    """Check every polygon for at least three finite points near the image, before C code rasterises it."""
    polygons = [s for s in segmentations if isinstance(s, list)]
    if _good_rings(polygons):
        return
    for position, segmentation in enumerate(segmentations):
        if isinstance(segmentation, list) and not _good_rings([segmentation]):
            raise DataError(
                f"{describe(position)}: its polygon must be one or more lists [x1, y1, x2, y2, x3, y3, …] of at "
                "least three finite points: correct it"
            )


def _good_rings(polygons: Sequence[list[Any]]) -> bool:
    if not all(polygons):
        return False
    rings = list(chain.from_iterable(polygons))
    if not all(isinstance(ring, list) and len(ring) >= 6 and len(ring) % 2 == 0 for ring in rings):
        return False
    values = list(chain.from_iterable(rings))
    if set(map(type, values)) - {int, float}:
        return False
    return bool((np.abs(np.array(values, dtype=np.float64)) < FARTHEST_PX).all())
