"""Colours that people with any kind of colour vision can tell apart, and scales whose lightness rises evenly.

`SERIES` are the seven hues of Okabe and Ito, Color Universal Design (2008), without black. `VIRIDIS` and `INFERNO` are
Matplotlib's perceptual colour maps of these names (CC0), by nine of their colours each.
"""

import hashlib
import math
from collections.abc import Sequence
from functools import cache

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
_LIGHTNESS, _CHROMA, _GOLDEN_ANGLE = (0.72, 0.5, 0.85, 0.6), 0.13, 2.399963


@cache
def hue(place: int) -> Colour:
    """The colour of the n-th thing: `SERIES`, then hundreds of hues, a golden angle apart, at changing lightness."""
    if place < len(SERIES):
        return SERIES[place]
    return _from_oklch(_LIGHTNESS[place % len(_LIGHTNESS)], _CHROMA, place * _GOLDEN_ANGLE)


def hue_of(name: str, names: Sequence[str] = ()) -> Colour:
    """The colour of a category: by its place among `names`, or by its letters where it is none of them.

    The same name has the same colour in every picture that is drawn with the same names.
    """
    if name in names:
        return hue(names.index(name))
    return hue(int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:1]))


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


def _from_oklch(lightness: float, chroma: float, angle: float) -> Colour:
    """A colour from lightness, chroma and hue in radians (Ottosson, A perceptual color space, 2020), cut to sRGB."""
    a, b = chroma * math.cos(angle), chroma * math.sin(angle)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _encoded(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
        _encoded(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
        _encoded(-0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short),
    )


def _encoded(part: float) -> int:
    """Linear light as a byte of sRGB."""
    part = min(max(part, 0.0), 1.0)
    return round(255 * (12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055))
