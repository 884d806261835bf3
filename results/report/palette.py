"""Colours that people with any kind of colour vision can tell apart, and scales whose lightness rises evenly.

`SERIES` are the seven hues of Okabe and Ito, Color Universal Design (2008), without black. `VIRIDIS` and `INFERNO` are
Matplotlib's perceptual colour maps of these names (CC0), by nine of their colours each.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
"""Red, green, blue; 0 to 255."""
SERIES: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip
VIRIDIS: tuple[Colour, ...] = (
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99),
    (170, 220, 50), (253, 231, 37),
)  # fmt: skip
INFERNO: tuple[Colour, ...] = (
    (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
    (249, 201, 50), (252, 255, 164),
)  # fmt: skip
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
UNKNOWN: Colour = (128, 128, 128)
"""No reading, no segment."""
_SHADES = (0.0, 0.45, -0.4, 0.7, -0.65)
"""How far a repeated hue goes towards white (positive) or black."""


def hue(place: int) -> Colour:
    """The colour of the n-th thing: 35 different ones, then again from the first."""
    shade = _SHADES[place // len(SERIES) % len(_SHADES)]
    end = 255 if shade > 0 else 0
    red, green, blue = (round(part + abs(shade) * (end - part)) for part in SERIES[place % len(SERIES)])
    return red, green, blue


def hue_of(name: str, names: Sequence[str] = ()) -> Colour:
    """The colour of a category: by its place among `names`, or by its letters where it is none of them.

    The same name has the same colour in every picture that is drawn with the same names.
    """
    if name in names:
        return hue(names.index(name))
    return hue(int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:4]))


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever stands out more (contrast ratio of WCAG 2)."""
    light = _luminance(colour) + 0.05
    return BLACK if light / 0.05 >= 1.05 / light else WHITE


def shade(values: NDArray[np.floating], low: float, high: float, scale: Sequence[Colour]) -> NDArray[np.uint8]:
    """Colour numbers on a scale.

    Args:
        values: float [H, W]; those beyond the range get the colour of its end, those that are no number `UNKNOWN`.
        low: value of the first colour.
        high: value of the last one.
        scale: colours at even distances.

    Returns:
        uint8 [H, W, 3].
    """
    share = (np.asarray(values, dtype=np.float64) - low) / (high - low if high > low else 1.0)
    known = np.isfinite(values)
    place = np.clip(np.where(known, share, 0.0), 0.0, 1.0) * (len(scale) - 1)
    parts = [np.interp(place, np.arange(len(scale)), [colour[channel] for colour in scale]) for channel in range(3)]
    coloured: NDArray[np.uint8] = np.rint(np.stack(parts, axis=-1)).astype(np.uint8)
    coloured[~known] = UNKNOWN
    return coloured


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
