"""COCO mask formats: polygons, run lengths and compressed run lengths, checked before C code reads them.

pycocotools reads compressed counts unchecked: a text that does not cover the image exactly gives a number without
meaning. Here every mask is checked first, without decoding. Format: cocoapi `maskApi.c`, `rleToString`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from pycocotools import mask as rle

from metrics.coco_columns import Describe
from metrics.errors import DataError
from metrics.matching import Bools, Floats, Ints

Rle = dict[str, Any]
BYTES_AT_ONCE = 1 << 18
FARTHEST_PX = 1e5
LONGEST = 7
"""Bytes that hold any run of an image."""


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
    if not _all_compressed(segmentations):
        heights, widths = size_hw.T.tolist()
        segmentations = [_compress(s, heights[i], widths[i], i, describe) for i, s in enumerate(segmentations)]
    rles: list[Rle] = list(segmentations)
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
    data = np.frombuffer(b"".join(texts), dtype=np.uint8) - np.uint8(48)
    lengths = np.array([len(text) for text in texts])
    ends = np.cumsum(lengths)
    tails = np.flatnonzero((data & 32) == 0)
    broken = lengths == 0
    broken[~broken] = (data[ends[~broken] - 1] & 32) != 0
    _mark(broken, ends, np.flatnonzero(data > 63))
    if broken.any():
        fine = [text for text, bad in zip(texts, broken, strict=True) if not bad]
        sums = np.full((2, len(texts)), -1, dtype=np.int64)
        if fine:
            sums[:, ~broken] = _sums(fine)
        return sums
    values, too_long = _values(data, tails)
    counts = np.diff(np.searchsorted(tails, ends), prepend=0)
    covered, area, negative = _chain(values, counts)
    _mark(broken, ends, tails[too_long])
    return np.where(broken | negative, -1, np.stack((covered, area)))


def _mark(broken: Bools, ends: Ints, positions: Ints) -> None:
    """Mark the texts that hold the bytes at some positions."""
    broken[np.searchsorted(ends, positions, side="right")] = True


def _values(data: np.ndarray, tails: Ints) -> tuple[Ints, Ints]:
    """Put together the numbers whose last bytes are at `tails`: int [R], and which of them are too long to be runs."""
    heads = np.concatenate(([0], tails[:-1] + 1))
    width = tails - heads + 1
    values = (data[heads] & 31).astype(np.int64)
    for place in range(1, min(int(width.max(initial=1)), LONGEST)):
        longer = np.flatnonzero(width > place)
        values[longer] |= (data[heads[longer] + place] & 31).astype(np.int64) << (5 * place)
    below = np.flatnonzero(data[tails] & 16)
    values[below] -= np.int64(1) << (5 * np.minimum(width[below], LONGEST))
    return values, np.flatnonzero(width > LONGEST)


def _chain(values: Ints, counts: Ints) -> tuple[Ints, Ints, Bools]:
    """Undo the differences: from the fourth run of a text on, it holds the difference to the run two before it.

    Args:
        values: int [R], numbers of all texts.
        counts: int [N], numbers of each text, at least one.

    Returns:
        Sum of all runs and of every second run, int [N], and bool [N], True where a run is negative.
    """
    starts = np.cumsum(counts) - counts
    number = np.arange(len(values)) - np.repeat(starts, counts)
    first = values[starts]
    negative = first < 0
    sums = []
    for members, each in ((number & 1 == 1, counts // 2), ((number & 1 == 0) & (number > 0), (counts - 1) // 2)):
        running = np.concatenate(([0], np.cumsum(values[members])))
        stops = np.cumsum(each)
        runs = running[1:] - np.repeat(running[stops - each], each)
        below = np.flatnonzero(runs < 0)
        negative[np.searchsorted(stops, below, side="right")] = True
        total = np.concatenate(([0], np.cumsum(runs)))
        sums.append(total[stops] - total[stops - each])
    return first + sums[0] + sums[1], sums[0], negative


def _all_compressed(segmentations: Sequence[Any]) -> bool:
    """Tell whether all segmentations are compressed RLE already, the usual case."""
    if set(map(type, segmentations)) - {dict}:
        return False
    if not all(type(s.get("counts")) is str for s in segmentations):
        return False
    return all(_is_size(s.get("size")) for s in segmentations)


def _compress(segmentation: Any, height: int, width: int, position: int, describe: Describe) -> Rle:
    """Turn one segmentation into {"size", "counts"} with compressed counts."""
    if isinstance(segmentation, list):
        merged: Rle = rle.merge(rle.frPyObjects(segmentation, height, width))
        return merged
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        if isinstance(counts, str | bytes) and _is_size(segmentation.get("size")):
            return segmentation
        if isinstance(counts, list) and _is_size(segmentation.get("size")):
            pixels = segmentation["size"][0] * segmentation["size"][1]
            if all(type(run) is int and 0 <= run <= pixels for run in counts):
                packed: Rle = rle.frPyObjects(segmentation, height, width)
                return packed
    raise DataError(
        f'{describe(position)}: its segmentation is neither polygons nor {{"size": [H, W], "counts": …}}: '
        "encode it with pycocotools.mask.encode"
    )


def _is_size(size: Any) -> bool:
    if not isinstance(size, list) or len(size) != 2:
        return False
    height, width = size
    return type(height) is int and type(width) is int and 0 < height < FARTHEST_PX and 0 < width < FARTHEST_PX


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
