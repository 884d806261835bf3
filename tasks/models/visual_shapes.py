"""Draws one visual prompt on a transparent layer: the eight shapes of ViP-LLaVA (arXiv 2312.00784).

Lengths grow with the photo: s = longer side / side of the model's input, cut to whole pixels, at least 1. What training
draws at random (widths, inner points, the place of an arrow) comes from the generator that is handed in.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.geometry import decode, middles
from benchmarks.schema import Box, Region

if TYPE_CHECKING:
    from PIL import Image

    from tasks.models.visual_prompts import Mark, Style

Rgba = tuple[int, int, int, int]
Xy = tuple[float, float]
_WIDTHS: Mapping[str, tuple[int, int, int]] = {
    "rectangle": (2, 8, 3),
    "ellipse": (2, 8, 3),
    "triangle": (2, 8, 3),
    "point": (5, 20, 8),
    "scribble": (2, 12, 3),
    "mask contour": (1, 2, 1),
    "mask": (0, 0, 0),
    "arrow": (1, 6, 3),
}
"""Shape -> smallest and largest width of training, and the fixed one, in s; of a point the radius."""
_POINT_REACH = 8
"""Half the side of the square that stands for a point where a shape needs an extent, in s."""
_ARROW, _ARROW_HEAD, _WOBBLE = 50, 6, 5
_WIDEST_ANGLE = 150
_CURVE_STEPS = 1000
_TRIES = 1000


@dataclass(frozen=True)
class Pen:
    """What a shape is drawn with.

    Attributes:
        canvas: Pillow's `ImageDraw` over the layer.
        layer: the layer.
        colour: with alpha.
        width: pixels.
        unit: s times its argument, whole pixels, at least 1.
        draw: source of what is random.
        fixed: widths and ratios are fixed.
    """

    canvas: Any
    layer: "Image.Image"
    colour: Rgba
    width: int
    unit: Callable[[float], int]
    draw: random.Random
    fixed: bool


def draw(size: tuple[int, int], region: Region, mark: "Mark", style: "Style", source: random.Random) -> "Image.Image":
    """Draw one mark.

    Args:
        size: width and height of the photo.
        region: what is marked.
        mark: shape, colour, alpha.
        style: widths.
        source: of random numbers.

    Returns:
        A transparent RGBA layer of the photo's size with the mark.
    """
    from PIL import Image, ImageDraw

    def unit(times: float) -> int:
        return max(int(times * max(size) / style.anchor), 1)

    low, high, fixed = _WIDTHS[mark.shape]
    width = source.randint(unit(low), unit(high)) if style.random_widths else unit(fixed)
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = Pen(ImageDraw.Draw(layer), layer, (*mark.rgb, mark.alpha), width, unit, source, not style.random_widths)
    _SHAPES[mark.shape](pen, region)
    return layer


def extent(region: Region, reach: float) -> Box:
    """The box around a region, xyxy pixels; around a single point a square that reaches so far to each side."""
    if region.box_xyxy is not None:
        return region.box_xyxy
    xs, ys = zip(*(region.points_xy or _pixels(region)), strict=True)
    if len(xs) == 1:
        return (xs[0] - reach, ys[0] - reach, xs[0] + reach, ys[0] + reach)
    spread = 0.0 if region.points_xy else 0.5  # from the middle of the outermost pixels to their edge
    return (min(xs) - spread, min(ys) - spread, max(xs) + spread, max(ys) + spread)


def _pixels(region: Region) -> list[Xy]:
    found = middles(region.mask_rle) if region.mask_rle is not None else []
    return found or [(0.0, 0.0)]


def _box(pen: Pen, region: Region) -> Box:
    return extent(region, pen.unit(_POINT_REACH))


def _rectangle(pen: Pen, region: Region) -> None:
    pen.canvas.rectangle(_box(pen, region), outline=pen.colour, width=pen.width)


def _ellipse(pen: Pen, region: Region) -> None:
    x1, y1, x2, y2 = _box(pen, region)
    ratio = 1.0 if pen.fixed else pen.draw.uniform(1, 1.5)
    cx, cy, half_w, half_h = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) * ratio / 2, (y2 - y1) * ratio / 2
    pen.canvas.ellipse((cx - half_w, cy - half_h, cx + half_w, cy + half_h), outline=pen.colour, width=pen.width)


def _triangle(pen: Pen, region: Region) -> None:
    """Three inner points that make no needle; in a region so flat that there are none, the last ones drawn."""
    for _ in range(_TRIES):
        corners = _inner(pen, region, 3)
        if widest_angle(corners) < _WIDEST_ANGLE:
            break
    pen.canvas.line([*corners, corners[0]], fill=pen.colour, width=pen.width, joint="curve")


def _point(pen: Pen, region: Region) -> None:
    """A disc at the point itself; in a larger region at its centre, in training around it."""
    places = region.points_xy if region.kind == "point" else (_near_centre(pen, region),)
    wide = 1.0 if pen.fixed or pen.draw.random() < 0.5 else pen.draw.uniform(0.5, 2.0)
    for x, y in places:
        reach_x, reach_y = pen.width * wide, pen.width / wide
        pen.canvas.ellipse((x - reach_x, y - reach_y, x + reach_x, y + reach_y), fill=pen.colour, outline=pen.colour)


def _near_centre(pen: Pen, region: Region) -> Xy:
    x1, y1, x2, y2 = _box(pen, region)
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
    if pen.fixed:
        return cx, cy
    return pen.draw.gauss(cx, math.sqrt((x2 - x1) / 8)), pen.draw.gauss(cy, math.sqrt((y2 - y1) / 8))


def _scribble(pen: Pen, region: Region) -> None:
    """The stroke itself where one was drawn; else a cubic curve through four inner points."""
    if region.kind == "scribble" and region.points_xy:
        pen.canvas.line(region.points_xy, fill=pen.colour, width=pen.width, joint="curve")
    elif region.kind == "scribble":
        _paint(pen, _thick(pen, decode(region.mask_rle or {})))
    else:
        a, b, c, d = _inner(pen, region, 4)
        steps = [step / (pen.unit(_CURVE_STEPS) - 1 or 1) for step in range(pen.unit(_CURVE_STEPS))]
        pen.canvas.line([_bezier(a, b, c, d, t) for t in steps], fill=pen.colour, width=pen.width)


def _bezier(a: Xy, b: Xy, c: Xy, d: Xy, t: float) -> Xy:
    weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
    x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
    return x, y


def _mask(pen: Pen, region: Region) -> None:
    if region.mask_rle is None:
        pen.canvas.rectangle(_box(pen, region), fill=pen.colour)
    else:
        _paint(pen, decode(region.mask_rle))


def _contour(pen: Pen, region: Region) -> None:
    """The rim of a mask, thickened to every side; of a region without mask that of its box."""
    from scipy.ndimage import binary_erosion

    if region.mask_rle is None:
        pen.canvas.rectangle(_box(pen, region), outline=pen.colour, width=pen.width)
        return
    mask = decode(region.mask_rle)
    _paint(pen, _thick(pen, mask & ~binary_erosion(mask)))


def _thick(pen: Pen, mask: Any) -> Any:
    import numpy as np
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, np.ones((2 * pen.width + 1,) * 2, dtype=bool))


def _paint(pen: Pen, mask: Any) -> None:
    """Give pixels of a mask, bool [H, W], the pen's colour."""
    from PIL import Image

    pen.layer.paste(pen.colour, (0, 0), Image.fromarray(mask))


def _arrow(pen: Pen, region: Region) -> None:
    """An arrow whose tip lies in the middle half of the box, from any side, straight or bent, its head open or not."""
    x1, y1, x2, y2 = _box(pen, region)
    length = pen.draw.uniform(0.8 * min(x2 - x1, y2 - y1), pen.unit(_ARROW))
    angle = pen.draw.uniform(0, 2 * math.pi)
    tip_x = (x1 + x2) / 2 + pen.draw.uniform(-0.25, 0.25) * (x2 - x1)
    tip_y = (y1 + y2) / 2 + pen.draw.uniform(-0.25, 0.25) * (y2 - y1)
    head = max(pen.draw.uniform(0.2, 0.5) * length, pen.unit(_ARROW_HEAD))
    end = (tip_x + (length - head) * math.cos(angle), tip_y + (length - head) * math.sin(angle))
    shaft = [(tip_x, tip_y), end]
    if pen.draw.random() < 0.5:
        bend_x, bend_y = (pen.draw.uniform(-_WOBBLE, _WOBBLE) * pen.unit(1) for _ in range(2))
        shaft.insert(1, ((tip_x + end[0]) / 2 + bend_x, (tip_y + end[1]) / 2 + bend_y))
    pen.canvas.line(shaft, fill=pen.colour, width=pen.width)
    barbs = [
        (tip_x + head * math.cos(angle + turn), tip_y + head * math.sin(angle + turn))
        for turn in (math.pi / 3, -math.pi / 3)
    ]
    if pen.draw.random() < 0.5:
        pen.canvas.polygon([barbs[0], (tip_x, tip_y), barbs[1]], fill=pen.colour)
    else:
        pen.canvas.line([barbs[0], (tip_x, tip_y), barbs[1]], fill=pen.colour, width=pen.width)


def _inner(pen: Pen, region: Region, count: int) -> list[Xy]:
    """Draw points inside a region: of its pixels where it has a mask, else of its box."""
    if region.mask_rle is not None:
        return pen.draw.choices(_pixels(region), k=count)
    x1, y1, x2, y2 = _box(pen, region)
    return [(pen.draw.uniform(x1, x2), pen.draw.uniform(y1, y2)) for _ in range(count)]


def widest_angle(corners: Sequence[Xy]) -> float:
    """The widest angle of a triangle, degrees; 180 where corners fall together."""
    angles = []
    for place in range(3):
        here, left, right = (corners[(place + turn) % 3] for turn in range(3))
        a, b = ((other[0] - here[0], other[1] - here[1]) for other in (left, right))
        lengths = math.hypot(*a) * math.hypot(*b)
        if not lengths:
            return 180.0
        cosine = (a[0] * b[0] + a[1] * b[1]) / lengths
        angles.append(math.degrees(math.acos(min(max(cosine, -1.0), 1.0))))
    return max(angles)


_SHAPES: Mapping[str, Callable[[Pen, Region], None]] = {
    "rectangle": _rectangle,
    "ellipse": _ellipse,
    "triangle": _triangle,
    "point": _point,
    "scribble": _scribble,
    "mask contour": _contour,
    "mask": _mask,
    "arrow": _arrow,
}
