"""The frame of a plot as SVG text: axes with round ticks, labels, a legend, and words for those who cannot see it.

Colours are CSS variables with the light scheme as fallback; `CSS` sets both schemes for a page. Numbers are written
with at most two decimals, so that the same data give the same text.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from results.harmless import plain
from results.report import lettering

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b0538f", "#b07800", "#2f86bd", "#6e7781")
DARK_COLOURS = ("#56b4e9", "#f0803c", "#2fc79a", "#e19fc6", "#f0c419", "#9ecbff", "#9198a1")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "12 4", "1 4")
"""Lines differ in more than their colour."""
INK = "var(--plot-ink,#1f2328)"
MUTED = "var(--plot-muted,#59636e)"
GRID = "var(--plot-grid,#d1d9e0)"


def _declarations(ink: str, muted: str, lines: str, colours: Sequence[str]) -> str:
    series = "".join(f"--plot-{number}:{colour};" for number, colour in enumerate(colours, start=1))
    return f"--plot-ink:{ink};--plot-muted:{muted};--plot-grid:{lines};{series}"


LIGHT = _declarations("#1f2328", "#59636e", "#d1d9e0", COLOURS)
DARK = _declarations("#f0f6fc", "#9198a1", "#3d444d", DARK_COLOURS)
"""What a page declares for its plots in each scheme."""
CSS = f":root{{{LIGHT}}}@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}"
"""Rules for a page that holds plots, for light and dark; a page may set the same variables otherwise."""
_TEXT_PX, _TITLE_PX, _LEGEND_PX = 11, 14, 16
_STEPS = (1.0, 2.0, 5.0, 10.0)
_FAR_PX = 1e5
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the data.

    Attributes:
        title: above the plot, and read aloud.
        x_label: below the horizontal axis.
        y_label: beside the vertical one.
        description: what there is to see, for those who cannot see it; the data are told anyway.
        size: width and height in pixels; it scales with the page.
        x_range: ends of the horizontal axis; None for what the data need.
        y_range: ends of the vertical one, likewise.
    """

    title: str
    x_label: str = ""
    y_label: str = ""
    description: str = ""
    size: tuple[int, int] = (480, 300)
    x_range: Range | None = None
    y_range: Range | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """Where the data are drawn: pixels of its four sides, and the values at them."""

    left: float
    top: float
    right: float
    bottom: float
    x_range: Range
    y_range: Range

    def x(self, value: float) -> float:
        """Pixels of a value on the horizontal axis."""
        low, high = self.x_range
        return _near(self.left + (value - low) / (high - low) * (self.right - self.left))

    def y(self, value: float) -> float:
        """Pixels of a value on the vertical axis, which grows upwards."""
        low, high = self.y_range
        return _near(self.bottom - (value - low) / (high - low) * (self.bottom - self.top))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values from low to high: multiples of 1, 2 or 5 times a power of ten, at most `most` steps apart."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in _STEPS if power * each >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def span(values: Sequence[float], fixed: Range | None = None) -> Range:
    """Ends of an axis: the fixed ones, or those of the finite values; never equal, never beyond what can be drawn."""
    known = [value for value in (values if fixed is None else fixed) if math.isfinite(value) and abs(value) < 1e300]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        margin = 0.5 * abs(low) or 0.5
        return low - margin, high + margin
    return low, high


def number(value: float) -> str:
    """A number for people: up to four digits, without zeros at its end."""
    return f"{value:.4g}" if value else "0"


def place(value: float) -> str:
    """A number for a coordinate."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def colour(at: int) -> str:
    """The colour of the n-th series, from 0."""
    return f"var(--plot-{at % len(COLOURS) + 1},{COLOURS[at % len(COLOURS)]})"


def text(x: float, y: float, words: str, anchor: str = "start", ink: str = INK, size_px: int = _TEXT_PX) -> str:
    """A line of text, escaped; `y` is its foot."""
    return (
        f'<text x="{place(x)}" y="{place(y)}" text-anchor="{anchor}" '
        f'style="fill:{ink};font-size:{size_px}px">{clean(words)}</text>'
    )


def clean(words: str) -> str:
    """Words as XML text or the value of an attribute: one line, without control characters, escaped."""
    return escape(plain(words))


def line(start: tuple[float, float], end: tuple[float, float], ink: str, more: str = "") -> str:
    """A straight line, a pixel wide unless `more` says otherwise."""
    (x1, y1), (x2, y2) = start, end
    return f'<line x1="{place(x1)}" y1="{place(y1)}" x2="{place(x2)}" y2="{place(y2)}" style="stroke:{ink};{more}"/>'


def area_of(frame: Frame, ranges: tuple[Range, Range], legend: Sequence[str] = (), left_px: int = 52) -> Area:
    """Leave room for title, labels and the rows of a legend."""
    width, height = frame.size
    top = 34 + _LEGEND_PX * len(_legend_rows(legend, width - left_px - 16))
    return Area(left_px, top, max(width - 16, left_px + 1), max(height - 42, top + 1), *ranges)


def horizontal_axis(area: Area, label: str) -> list[str]:
    """Ticks, numbers and label below the data, with light lines through them."""
    parts = []
    for value in ticks(*area.x_range):
        x = area.x(value)
        parts += [
            line((x, area.top), (x, area.bottom), GRID),
            text(x, area.bottom + 15, number(value), "middle", MUTED),
        ]
    parts.append(line((area.left, area.bottom), (area.right, area.bottom), INK))
    return [*parts, text((area.left + area.right) / 2, area.bottom + 33, label, "middle")]


def vertical_axis(area: Area, label: str) -> list[str]:
    """Ticks, numbers and label beside the data, with light lines through them."""
    parts = []
    for value in ticks(*area.y_range):
        y = area.y(value)
        parts += [line((area.left, y), (area.right, y), GRID), text(area.left - 6, y + 4, number(value), "end", MUTED)]
    parts.append(line((area.left, area.top), (area.left, area.bottom), INK))
    middle = place((area.top + area.bottom) / 2)
    return [*parts, f'<g transform="translate(13,{middle}) rotate(-90)">{text(0, 0, label, "middle")}</g>']


def legend(area: Area, names: Sequence[str]) -> list[str]:
    """Name lines by their colour and dashes, above the data."""
    rows, parts, at = _legend_rows(names, area.right - area.left), list[str](), 0
    for row, members in enumerate(rows):
        x, y = area.left, area.top - _LEGEND_PX * (len(rows) - row) + 5
        for name in members:
            dashes = (
                f"stroke-width:2;stroke-dasharray:{DASHES[at % len(DASHES)]}"
                if DASHES[at % len(DASHES)]
                else "stroke-width:2"
            )
            parts += [line((x, y), (x + 22, y), colour(at), dashes), text(x + 27, y + 4, name)]
            x += _entry_px(name)
            at += 1
    return parts


def svg(frame: Frame, area: Area | None, parts: Sequence[str], facts: str) -> str:
    """Put the parts of a plot together, with title and description for people and for screen readers.

    Args:
        frame: title, description and size.
        area: parts in the class `data` are cut off at its sides; None where nothing needs cutting.
        parts: elements.
        facts: the data in words, read after the description.
    """
    body, (width, height) = "".join(parts), frame.size
    title, told = clean(frame.title), clean(f"{frame.description} {facts}")
    key = "plot-" + hashlib.sha256(f"{title}{told}{body}".encode()).hexdigest()[:10]
    clip = ""
    if area is not None:
        sides = (area.left, area.top, area.right - area.left, area.bottom - area.top)
        x, y, wide, tall = (place(side) for side in sides)
        clip = f'<clipPath id="{key}-area"><rect x="{x}" y="{y}" width="{wide}" height="{tall}"/></clipPath>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="{key}-title {key}-desc" '
        'style="max-width:100%;height:auto;font-family:system-ui,sans-serif;font-variant-numeric:tabular-nums">'
        f'<title id="{key}-title">{title}</title><desc id="{key}-desc">{told}</desc>{clip}'
        f"{text(16, 21, lettering.cut(frame.title, _TITLE_PX, width - 32), size_px=_TITLE_PX)}"
        f"{body.replace(CLIPPED, f'url(#{key}-area)')}</svg>"
    )


CLIPPED = "\0"
"""Stands in parts for the name of the area that they are cut off at; no text holds it."""


def _near(pixels: float) -> float:
    """What lies far outside is cut off anyway; nearer, it stays a number."""
    return min(max(pixels, -_FAR_PX), _FAR_PX)


def _legend_rows(names: Sequence[str], width: float) -> list[list[str]]:
    rows: list[list[str]] = []
    used = 0.0
    for name in names:
        wide = _entry_px(name)
        if not rows or used + wide > width:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += wide
    return rows


def _entry_px(name: str) -> float:
    return 27 + 1.05 * lettering.width(plain(name), _TEXT_PX) + 14
