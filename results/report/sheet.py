"""Pictures with words around them, side by side or in a grid; and files of them, with the same bytes every time."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from PIL import Image

from results.report import lettering
from results.report.palette import WHITE, Colour

INK: Colour = (31, 35, 40)
MUTED: Colour = (89, 99, 110)
FORMATS = {".png": "PNG", ".webp": "WEBP"}
_GAP = 5
"""Between title, picture and lines, pixels."""


@dataclass(frozen=True, slots=True)
class Line:
    """Words under a picture, wrapped into `most` lines at most; muted ones are grey."""

    text: str
    muted: bool = False
    most: int = 3


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture with a title above it, and a scale or legend and lines below it."""

    picture: Image.Image
    title: str = ""
    lines: tuple[Line, ...] = ()
    key: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How a grid is set: columns, distances and sizes of fonts in pixels."""

    columns: int = 4
    gap_px: int = 16
    title_px: int = 15
    text_px: int = 12


def grid(panels: Sequence[Panel], layout: Layout, heading: Sequence[Line] = ()) -> Image.Image:
    """Set panels in rows, each column as wide as its widest picture, each row as tall as its tallest panel.

    Titles, pictures and lines of a row stand at the same heights. Nothing but the heading is drawn without panels.

    Raises:
        ValueError: no columns.
    """
    if layout.columns < 1:
        raise ValueError(f"a grid needs at least 1 column, got {layout.columns}")
    columns = min(layout.columns, max(1, len(panels)))
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    widths = [max(panel.picture.width for panel in panels[place::columns]) for place in range(columns) if panels]
    inner = sum(widths) + layout.gap_px * (columns - 1) if panels else 480
    blocks = [_words(heading, inner, layout)] if heading else []
    blocks += [_row(row, widths, layout) for row in rows]
    height = sum(block.height for block in blocks) + layout.gap_px * (len(blocks) + 1)
    sheet = Image.new("RGB", (inner + 2 * layout.gap_px, height), WHITE)
    top = layout.gap_px
    for block in blocks:
        sheet.paste(block, (layout.gap_px, top))
        top += block.height + layout.gap_px
    return sheet


def to_bytes(picture: Image.Image, name: str) -> bytes:
    """Encode a picture for a file of that name: .png without loss, .webp with little.

    Raises:
        ValueError: another ending.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"'{name}' must end in {' or '.join(FORMATS)}")
    stream = io.BytesIO()
    if ending == ".png":
        picture.save(stream, "PNG", compress_level=4)  # 6 takes twice as long for 5 % fewer bytes
    else:
        picture.save(stream, "WEBP", quality=90, method=6)
    return stream.getvalue()


def _row(panels: Sequence[Panel], widths: Sequence[int], layout: Layout) -> Image.Image:
    titled = any(panel.title for panel in panels)
    above = lettering.height(layout.title_px) + _GAP if titled else 0
    tallest = max(panel.picture.height for panel in panels)
    keyed = max((panel.key.height + _GAP for panel in panels if panel.key is not None), default=0)
    words = [_words(panel.lines, width, layout) for panel, width in zip(panels, widths, strict=False)]
    below = max(block.height for block in words)
    row = Image.new(
        "RGB",
        (sum(widths) + layout.gap_px * (len(widths) - 1), above + tallest + keyed + (_GAP if below > 1 else 0) + below),
        WHITE,
    )
    left = 0
    for panel, width, block in zip(panels, widths, words, strict=False):
        title = lettering.cut(panel.title, layout.title_px, width)
        lettering.write(row, (left, 0), title, layout.title_px, INK)
        row.paste(panel.picture, (left, above))
        under = above + panel.picture.height + _GAP
        if panel.key is not None:
            row.paste(panel.key, (left, under))
            under += panel.key.height + _GAP
        row.paste(block, (left, under))
        left += width + layout.gap_px
    return row


def _words(lines: Sequence[Line], width: int, layout: Layout) -> Image.Image:
    """Lines as a picture; one pixel high without any."""
    texts = [
        (text, line.muted) for line in lines for text in lettering.wrap(line.text, layout.text_px, width, line.most)
    ]
    tall = lettering.height(layout.text_px)
    block = Image.new("RGB", (max(1, width), max(1, tall * len(texts))), WHITE)
    for place, (text, muted) in enumerate(texts):
        lettering.write(block, (0, place * tall), text, layout.text_px, MUTED if muted else INK)
    return block
