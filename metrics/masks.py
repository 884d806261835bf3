"""Mask areas, intersections and unions on COCO run lengths, without decoding to pixels.

An RLE is {"size": [H, W], "counts": str or bytes}, column-major and compressed, as pycocotools writes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from metrics.errors import DataError

Rle = Mapping[str, Any]


def check_same_size(pred: Rle, target: Rle) -> None:
    """Refuse masks of different sizes.

    Raises:
        DataError: names both sizes and the remedy.
    """
    if list(pred["size"]) != list(target["size"]):
        raise DataError(
            f"predicted mask is {'x'.join(map(str, pred['size']))} but its target is "
            f"{'x'.join(map(str, target['size']))} (height x width): resize it to the image first"
        )


def area(rle: Rle) -> int:
    """Number of object pixels."""
    from pycocotools import mask as coco_mask

    return int(coco_mask.area(_plain(rle)))


def overlap(pred: Rle, target: Rle) -> tuple[int, int]:
    """Intersection and union in pixels, exact.

    Raises:
        DataError: the sizes differ.
    """
    from pycocotools import mask as coco_mask

    check_same_size(pred, target)
    pair = [_plain(pred), _plain(target)]
    union = int(coco_mask.area(coco_mask.merge(pair)))
    total = int(coco_mask.area(pair[0])) + int(coco_mask.area(pair[1]))
    return total - union, union


def union_of(masks: Sequence[Rle]) -> Rle:
    """Union of one or more masks of one size, as an RLE with text counts.

    Raises:
        DataError: the sizes differ.
        ValueError: there is no mask.
    """
    from pycocotools import mask as coco_mask

    if not masks:
        raise ValueError("a union needs at least one mask: an answer without masks is None")
    for mask in masks[1:]:
        check_same_size(mask, masks[0])
    merged = coco_mask.merge([_plain(mask) for mask in masks]) if len(masks) > 1 else _plain(masks[0])
    counts = merged["counts"]
    return {"size": list(merged["size"]), "counts": counts.decode("ascii") if isinstance(counts, bytes) else counts}


def _plain(rle: Rle) -> dict[str, Any]:
    """Copy to the exact form that pycocotools takes.

    Raises:
        DataError: it is no compressed RLE.
    """
    size, counts = rle.get("size"), rle.get("counts")
    if not isinstance(counts, str | bytes) or not isinstance(size, list | tuple) or len(size) != 2:
        raise DataError("a mask must be a compressed COCO RLE: {'size': [height, width], 'counts': text}")
    return {"size": [int(size[0]), int(size[1])], "counts": counts}
