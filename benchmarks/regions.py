"""Visual prompts of annotation files, checked against their photo. What lies elsewhere is an error, never moved."""

import math
from collections.abc import Sequence
from typing import Any

from benchmarks.errors import DataError
from benchmarks.schema import Region


def point(xy: Sequence[Any], size_hw: tuple[int, int], place: str) -> Region:
    """Build a point.

    Args:
        xy: two numbers in pixels, on the photo or its edge.
        size_hw: of the photo.
        place: file and record, for error texts.

    Raises:
        DataError: it is no point, or not on the photo.
    """
    x, y = numbers(xy, 2, "a point must be x, y", place)
    height, width = size_hw
    if not (0 <= x <= width and 0 <= y <= height):
        raise DataError(
            f"{place}: point {x:g}, {y:g} is not on the photo, {width}x{height}: fetch photo and file again"
        )
    return Region("point", points_xy=((x, y),))


def box(xyxy: Sequence[Any], size_hw: tuple[int, int], place: str) -> Region:
    """Build a box, which may reach beyond the photo, as annotators' boxes do by a few pixels, and may have no area.

    Args:
        xyxy: four numbers in pixels.
        size_hw: of the photo.
        place: file and record, for error texts.

    Raises:
        DataError: it is no box, its corners are in another order, or none of it is on the photo.
    """
    x1, y1, x2, y2 = numbers(xyxy, 4, "a box must be x1, y1, x2, y2", place)
    height, width = size_hw
    if x2 < x1 or y2 < y1:
        raise DataError(f"{place}: box {x1:g}, {y1:g}, {x2:g}, {y2:g} is not x1, y1, x2, y2: fetch the file again")
    if x1 > width or y1 > height or x2 < 0 or y2 < 0:
        raise DataError(
            f"{place}: box {x1:g}, {y1:g}, {x2:g}, {y2:g} is not on the photo, {width}x{height}: "
            "fetch photo and file again"
        )
    return Region("box", box_xyxy=(x1, y1, x2, y2))


def numbers(values: Any, count: int, rule: str, place: str) -> list[float]:
    """Check a list of finite numbers.

    Raises:
        DataError: it is none of that length; the text says the rule.
    """
    fine = isinstance(values, Sequence) and len(values) == count and all(type(v) in (int, float) for v in values)
    if not fine or not all(map(math.isfinite, values)):
        raise DataError(f"{place}: {rule}, got {values!r}: fetch the file again")
    return [float(value) for value in values]
