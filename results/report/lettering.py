"""Text in pictures: Pillow's own scalable font, measured, wrapped and cut so that it stays where it belongs."""

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from results.harmless import plain
from results.report.palette import Colour

_MORE = "..."
_SPACING = 1.3
"""Height of a line, in sizes of its font."""
_MIDDLE = 0.75
"""Middle between the top of capitals and the bottom of a g, in sizes of the font below where its line begins."""


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """Load the font, with the one layout engine that every build of Pillow has: the same text gives the same pixels."""
    found = ImageFont.load_default(size=size_px)
    assert isinstance(found, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return found.font_variant(layout_engine=ImageFont.Layout.BASIC)


def width(text: str, size_px: int) -> int:
    """Pixels that a line takes."""
    return int(font(size_px).getlength(text) + 0.999)


def height(size_px: int) -> int:
    """Pixels from one line to the next."""
    return round(_SPACING * size_px)


def cut(text: str, size_px: int, limit_px: int) -> str:
    """Shorten a line so that it fits, with three dots at its end; empty where not even one letter would fit."""
    text = plain(text)
    if width(text, size_px) <= limit_px:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = width(text[:middle].rstrip() + _MORE, size_px) <= limit_px
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + _MORE if low else ""


def wrap(text: str, size_px: int, limit_px: int, most: int = 3) -> list[str]:
    """Break a text into at most `most` lines, between words where that is possible; the last one may be cut."""
    words, lines = plain(text).split(), list[str]()
    while words and len(lines) < most - 1:
        taken = 1
        while taken < len(words) and width(" ".join(words[: taken + 1]), size_px) <= limit_px:
            taken += 1
        line = " ".join(words[:taken])
        if width(line, size_px) > limit_px:
            words[0:1] = _broken(line, size_px, limit_px)
            line = words[0]
        lines.append(line)
        words = words[taken:]
    return [*lines, cut(" ".join(words), size_px, limit_px)] if words else lines


def _broken(word: str, size_px: int, limit_px: int) -> tuple[str, str]:
    """Break a word that is longer than a line; at least one letter comes before the break."""
    end = len(word)
    while end > 1 and width(word[:end], size_px) > limit_px:
        end -= 1
    return word[:end], word[end:]


def write(picture: Image.Image, xy: tuple[int, int], text: str, size_px: int, ink: Colour) -> None:
    """Write one line; `xy` is the upper left corner of its place, which is `height(size_px)` tall."""
    above = round(height(size_px) / 2 - _MIDDLE * size_px)
    ImageDraw.Draw(picture).text((xy[0], xy[1] + above), text, fill=ink, font=font(size_px), anchor="la")
