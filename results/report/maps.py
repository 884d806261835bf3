"""Maps over a picture or instead of it: segments with names, depth with its scale, errors; and legends for them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from results.report import lettering
from results.report.canvas import Canvas, Place
from results.report.draw import around, outline
from results.report.palette import BLACK, INFERNO, VIRIDIS, WHITE, Colour, hue, shade

NOBODY = -1
INK: Colour = (31, 35, 40)
_DIMMED = 0.6
_LABELLED = 0.012
"""Share of the picture from which a segment's name is written on it."""
_BAR_PX, _TICK_PX, _LABEL_GAP = 12, 3, 6


def draw_segments(
    canvas: Canvas,
    owners: NDArray[np.integer],
    names: Sequence[str] = (),
    colours: Sequence[Colour] = (),
    alpha: float = 0.65,
) -> None:
    """Tint every pixel with the colour of its segment, draw borders and write names on segments that are large enough.

    Args:
        canvas: to draw on.
        owners: int [H, W], place of the segment that a pixel belongs to, `NOBODY` for none, which are darkened.
        names: of the segments, or none.
        colours: likewise; by default those of the palette, in turn.
        alpha: 0 leaves the picture as it is, 1 hides it.

    Raises:
        ValueError: not int [H, W], or a place that has no name or colour.
    """
    if owners.ndim != 2 or not owners.size or not np.issubdtype(owners.dtype, np.integer):
        raise ValueError(f"owners must be int [H, W], got {owners.dtype} {owners.shape}")
    shown = canvas.enlarge(owners).astype(np.int64)
    places = np.unique(shown)
    for given, what in ((names, "names"), (colours, "colours")):
        if given and places[-1] >= len(given):
            raise ValueError(f"owners hold {places[-1]} but there are {len(given)} {what}, counted from 0")
    canvas.fill(shown < 0, BLACK, _DIMMED)
    segments = [(int(place), shown == place) for place in places if place >= 0]
    inks = {place: colours[place] if colours else hue(place) for place, _ in segments}
    for place, mask in segments:
        canvas.fill(mask, inks[place], alpha)
    for _, mask in segments:
        canvas.fill(outline(mask), WHITE, 0.8)
    for place, mask in sorted(segments, key=lambda segment: -np.count_nonzero(segment[1])):
        if names and np.count_nonzero(mask) >= _LABELLED * mask.size:
            canvas.label(names[place], Place(around(mask), centred=True), inks[place])


def depth_range(values: NDArray[np.floating]) -> tuple[float, float]:
    """Lowest and highest of the finite values above 0, which are readings; (0, 1) where there are none."""
    known = values[np.isfinite(values) & (values > 0)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def draw_depth(
    canvas: Canvas, values: NDArray[np.floating], low: float, high: float, scale: Sequence[Colour] = VIRIDIS
) -> None:
    """Show depth instead of the picture; where there is no reading (0, below, or no number) it is grey.

    Args:
        canvas: to draw on.
        values: float [h, w]; stretched over the picture where it has another size, and a note says so.
        low: value of the first colour, such as that of `depth_range`.
        high: value of the last one.
        scale: colours at even distances.

    Raises:
        ValueError: not [h, w].
    """
    _check_map(values)
    readings = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    canvas.pixels[:] = shade(canvas.enlarge(readings).astype(np.float64), low, high, scale)


def draw_error(canvas: Canvas, errors: NDArray[np.floating], high: float) -> None:
    """Show how far off every pixel is instead of the picture, from black (0) to light yellow (`high` and beyond).

    Args:
        canvas: to draw on.
        errors: float [h, w], not negative; grey where it is no number.
        high: error of the last colour.

    Raises:
        ValueError: not [h, w].
    """
    _check_map(errors)
    canvas.pixels[:] = shade(canvas.enlarge(errors).astype(np.float64), 0.0, high, INFERNO)


def colour_bar(
    width: int, ends: tuple[float, float], unit: str = "m", scale: Sequence[Colour] = VIRIDIS
) -> Image.Image:
    """Draw the scale of a map with its ends and its middle written below; to be put under the map.

    Args:
        width: in pixels.
        ends: values of the first and the last colour.
        unit: written behind the last value.
        scale: the colours.
    """
    size = 11
    bar = np.full((_BAR_PX + _TICK_PX + lettering.height(size), width, 3), 255, dtype=np.uint8)
    bar[:_BAR_PX] = shade(np.linspace(0.0, 1.0, width)[None], 0.0, 1.0, scale)
    texts = [_number(ends[0]), _number((ends[0] + ends[1]) / 2), f"{_number(ends[1])} {unit}".strip()]
    wide = [lettering.width(text, size) for text in texts]
    starts = [0, (width - wide[1]) // 2, width - wide[2]]
    fits = starts[1] >= wide[0] + _LABEL_GAP and starts[2] >= starts[1] + wide[1] + _LABEL_GAP
    chosen = (0, 1, 2) if fits else (0, 2) if wide[0] + wide[2] + _LABEL_GAP <= width else ()
    for place in chosen:
        column = (0, width // 2, width - 1)[place]
        bar[_BAR_PX : _BAR_PX + _TICK_PX, column] = INK
    picture = Image.fromarray(bar)
    for place in chosen:
        lettering.write(picture, (starts[place], _BAR_PX + _TICK_PX), texts[place], size, INK)
    return picture


def legend(width: int, names: Sequence[str], colours: Sequence[Colour]) -> Image.Image:
    """Draw a coloured square and a name for each category, in as many rows as it takes.

    Raises:
        ValueError: another number of colours than of names.
    """
    size = 12
    tall = lettering.height(size)
    square, gap = size, 8
    spots: list[tuple[int, int, str, Colour]] = []
    x = y = 0
    for name, colour in zip(names, colours, strict=True):
        text = lettering.cut(name, size, width - square - gap)
        wide = square + 4 + lettering.width(text, size)
        x, y = (0, y + tall) if x and x + wide > width else (x, y)
        spots.append((x, y, text, colour))
        x += wide + gap
    picture = Image.new("RGB", (max(1, width), y + tall), WHITE)
    for left, top, text, colour in spots:
        picture.paste(colour, (left, top + (tall - square) // 2, left + square, top + (tall + square) // 2))
        lettering.write(picture, (left + square + 4, top), text, size, INK)
    return picture


def _check_map(values: NDArray[np.floating]) -> None:
    if values.ndim != 2 or not values.size:
        raise ValueError(f"a map must be float [h, w], got {values.dtype} {values.shape}")


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
