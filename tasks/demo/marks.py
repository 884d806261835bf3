"""Visual prompts as the page sends them: JSON of what was drawn, in pixels of the original picture."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.errors import ConfigError
from benchmarks.geometry import decode, encode
from benchmarks.schema import Region
from results.report.draw import outline

MOST = 16
"""Prompts of one question."""
MOST_POINTS = 4_000
"""Corners of a scribble or of the outline of a mask."""
_CORNERS = {"point": (1, 1), "box": (2, 2), "scribble": (2, MOST_POINTS), "mask": (3, MOST_POINTS)}
"""Kind -> fewest and most corners."""


def read(text: str, size_hw: tuple[int, int], given: Sequence[Region] = ()) -> tuple[Region, ...]:
    """Read what somebody drew.

    Args:
        text: JSON `[{"kind": "point"|"box"|"scribble"|"mask", "points": [[x, y], …]}, …]`, in pixels; a box has two
            opposite corners, a mask its outline. `{"given": 0}` stands for the first of `given`, unchanged.
        size_hw: of the picture.
        given: prompts that came with the sample.

    Returns:
        Prompts in the order of drawing; what goes beyond the edge is cut off there.

    Raises:
        ConfigError: another content, too much of it, or something wholly outside the picture or without extent.
    """
    try:
        content = json.loads(text or "[]")
    except (ValueError, RecursionError):
        raise ConfigError("what was drawn cannot be read: clear the drawing and draw again") from None
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise ConfigError("what was drawn is no list of marks: clear the drawing and draw again")
    if len(content) > MOST:
        raise ConfigError(f"{len(content)} marks are drawn, {MOST} are the most: undo some")
    return tuple(
        given[_place(each["given"], len(given))] if "given" in each else _region(each, place + 1, size_hw)
        for place, each in enumerate(content)
    )


def to_json(regions: Sequence[Region]) -> list[dict[str, Any]]:
    """Describe prompts of a sample to the page: where to draw them, and their place in `given` of `read`.

    Those of which only pixels are known, such as masks, are shown by dots: the middles of their outermost pixels.
    """
    found: list[dict[str, Any]] = []
    for place, region in enumerate(regions):
        points, dots = region.points_xy, False
        if region.kind == "box" and region.box_xyxy is not None:
            x1, y1, x2, y2 = region.box_xyxy
            points = ((x1, y1), (x2, y2))
        elif not points and region.mask_rle is not None:
            points, dots = _edge(region.mask_rle), True
        found.append({"kind": region.kind, "points": [list(each) for each in points], "dots": dots, "given": place})
    return found


def _place(value: Any, count: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < count:
        raise ConfigError("a mark belongs to another sample: clear the drawing and draw again")
    return value


def _edge(rle: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    rows, columns = outline(decode(rle)).nonzero()
    step = -(-len(rows) // MOST_POINTS) or 1
    return tuple((float(x) + 0.5, float(y) + 0.5) for x, y in zip(columns[::step], rows[::step], strict=True))


def _region(content: Mapping[str, Any], number: int, size_hw: tuple[int, int]) -> Region:
    kind = content.get("kind")
    if kind not in _CORNERS:
        raise ConfigError(f"mark {number} is none of {', '.join(_CORNERS)}: clear the drawing and draw again")
    points = _points(content.get("points"), f"{kind} {number}", *_CORNERS[kind])
    height, width = size_hw
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    if low[0] > width or low[1] > height or high[0] < 0 or high[1] < 0:
        raise ConfigError(f"{kind} {number} lies outside the picture of {width}x{height}: draw it on the picture")
    inside = np.clip(points, 0, (width, height))
    corners = tuple((float(x), float(y)) for x, y in inside)
    if kind == "box":
        (x1, y1), (x2, y2) = inside.min(axis=0).tolist(), inside.max(axis=0).tolist()
        if x2 - x1 < 1 or y2 - y1 < 1:
            raise ConfigError(f"box {number} is less than a pixel wide or high: drag it over what is meant")
        return Region("box", box_xyxy=(x1, y1, x2, y2))
    if kind == "mask":
        return Region("mask", mask_rle=_filled(corners, number, size_hw))
    return Region(kind, points_xy=corners)


def _points(content: Any, what: str, fewest: int, most: int) -> np.ndarray:
    numbers = isinstance(content, list) and all(
        isinstance(point, list) and len(point) == 2 and all(_is_number(value) for value in point) for point in content
    )
    if not numbers or not fewest <= len(content) <= most:
        raise ConfigError(f"{what} has not from {fewest} to {most} points with x and y: undo it and draw again")
    return np.array(content, dtype=np.float64)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e7


def _filled(corners: Sequence[tuple[float, float]], number: int, size_hw: tuple[int, int]) -> dict[str, Any]:
    """Fill an outline; pixels that its line touches are inside."""
    height, width = size_hw
    plane = Image.new("1", (width, height))
    ImageDraw.Draw(plane).polygon([(min(x, width - 1), min(y, height - 1)) for x, y in corners], fill=1, outline=1)
    mask = np.asarray(plane, dtype=np.bool_)
    if not mask.any():
        raise ConfigError(f"mask {number} covers no pixel: draw around what is meant")
    return encode(mask)
