"""Plots as inline SVG: lines with bands, bars with intervals, precision over recall, histograms, cumulative errors.

    svg = lines([Curve("refvlm", xs=[1, 2, 3], ys=[0.4, 0.6, 0.7])], Frame("accuracy over size", "size", "accuracy"))

What is not finite leaves a gap and is counted in the description; without any data the plot says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from results.harmless import plain
from results.report import lettering
from results.report.axes import (
    CLIPPED,
    DASHES,
    GRID,
    INK,
    MUTED,
    Area,
    Frame,
    Range,
    area_of,
    clean,
    colour,
    horizontal_axis,
    legend,
    line,
    number,
    place,
    span,
    svg,
    text,
    vertical_axis,
)

_BAR_PX, _NAME_PX, _NAMES_MOST_PX = 24, 12, 170
_NUMBER_PX = 52
"""Room for a number behind the longest bar."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line: float [N] each; low and high are the ends of its band, or empty."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with the ends of its interval, None where there is none; `series` gives the colour, from 0."""

    name: str
    value: float
    interval: Range | None = None
    series: int = 0


def lines(curves: Sequence[Curve], frame: Frame) -> str:
    """Draw lines, each with its band; several are named above.

    Raises:
        ValueError: the numbers of a curve differ in length.
    """
    for each in curves:
        if len({len(each.xs), len(each.ys), len(each.low or each.ys), len(each.high or each.ys)}) > 1:
            raise ValueError(f"curve '{each.name}' needs as many ys, lows and highs as xs")
    names = [each.name for each in curves] if len(curves) > 1 else []
    xs = [x for each in curves for x in each.xs]
    ys = [y for each in curves for y in (*each.ys, *each.low, *each.high)]
    area = area_of(frame, (span(xs, frame.x_range), span(ys, frame.y_range)), names)
    parts = [*horizontal_axis(area, frame.x_label), *vertical_axis(area, frame.y_label), *legend(area, names)]
    drawn = [part for at, each in enumerate(curves) for part in (_band(area, each, at), _line(area, each, at))]
    facts = "; ".join(_facts(each) for each in curves)
    empty = not any(
        math.isfinite(x) and math.isfinite(y) for each in curves for x, y in zip(each.xs, each.ys, strict=True)
    )
    return svg(frame, area, [*parts, _clipped(drawn), *([_no_data(area)] if empty else [])], facts)


def precision_recall(curves: Sequence[Curve], frame: Frame) -> str:
    """Draw precision over recall on axes from 0 to 1 (unless the frame says otherwise), as steps.

    Precision holds from one recall to the next lower one, as AP adds it up.
    """
    return lines([_steps(each, before=True) for each in curves], _unit(frame, both=True))


def cumulative_error(errors: Sequence[tuple[str, ArrayLike]], frame: Frame, limit: float | None = None) -> str:
    """Draw which share of the errors is at most x, from 0 to `limit` (by default the largest of all).

    Args:
        errors: (name, float [N]) of each line; what is no number counts as an error beyond any limit.
        frame: around it.
        limit: end of the horizontal axis.
    """
    curves = []
    finite = [float(value) for _, values in errors for value in np.asarray(values).ravel() if np.isfinite(value)]
    end = max(finite, default=1.0) if limit is None else limit
    for name, values in errors:
        whole: NDArray[np.float64] = np.asarray(values, dtype=np.float64).ravel()
        known = np.sort(whole[np.isfinite(whole)])
        at, counts = np.unique(known, return_counts=True)
        shares = np.cumsum(counts) / max(whole.size, 1)
        if whole.size:
            inside = at <= end
            xs = [0.0, *at[inside].tolist(), end]
            ys = [0.0, *shares[inside].tolist(), float(shares[inside][-1]) if inside.any() else 0.0]
            curves.append(_steps(Curve(name, xs, ys), before=False))
        else:
            curves.append(Curve(name, (), ()))
    return lines(curves, _unit(frame, both=False, x_range=frame.x_range or (0.0, end)))


def histogram(values: ArrayLike, frame: Frame, bins: int = 20, series: int = 0) -> str:
    """Draw how many values fall between even edges; the last bin holds its upper edge, others do not.

    Args:
        values: float [N]; those that are no numbers or outside the frame's `x_range` are counted in the description.
        frame: around it.
        bins: number of bars.
        series: gives the colour, from 0.

    Raises:
        ValueError: no bins.
    """
    if bins < 1:
        raise ValueError(f"a histogram needs at least 1 bin, got {bins}")
    whole: NDArray[np.float64] = np.asarray(values, dtype=np.float64).ravel()
    x_range = span(whole.tolist(), frame.x_range)
    known = whole[np.isfinite(whole) & (whole >= x_range[0]) & (whole <= x_range[1])]
    counts, edges = np.histogram(known, bins, x_range)
    area = area_of(frame, (x_range, frame.y_range or (0.0, float(max(counts.max(), 1)))))
    drawn = []
    for count, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        box = (area.x(low), area.y(count), area.x(high) - area.x(low), area.bottom - area.y(count))
        drawn.append(_rectangle(box, colour(series), f"{number(low)} to {number(high)}: {count}"))
    parts = [*vertical_axis(area, frame.y_label), *horizontal_axis(area, frame.x_label), _clipped(drawn)]
    facts = f"{known.size} values in {bins} bins" + _left_out(int(whole.size - known.size))
    return svg(frame, area, [*parts, *([] if known.size else [_no_data(area)])], facts)


def bars(values: Sequence[Bar], frame: Frame, names: Sequence[str] = ()) -> str:
    """Draw values as horizontal bars from 0, each with its name, its number and its interval.

    The height of the frame follows the number of bars.

    Args:
        values: from top to bottom.
        frame: around them.
        names: of the series, named above; none where there is one.
    """
    widest = max((lettering.width(plain(each.name), _NAME_PX) for each in values), default=0)
    left = 22 + int(1.2 * min(widest, _NAMES_MOST_PX))  # a browser's font may be wider than the one that is measured
    unit = ((0.0, 1.0), (0.0, 1.0))
    above = int(area_of(frame, unit, names, left).top)  # with room for the names of the series
    sized = replace(frame, size=(frame.size[0], 42 + above + _BAR_PX * max(len(values), 1)))
    ends = [0.0, *(each.value for each in values), *(end for each in values for end in each.interval or ())]
    low, high = span(ends, frame.x_range)
    area = area_of(sized, ((low, high), (0.0, 1.0)), names, left)
    area = replace(area, right=max(area.right - _NUMBER_PX, area.left + 1))
    parts = [*horizontal_axis(area, frame.x_label), *legend(area, names)]
    for at, each in enumerate(values):
        parts += _bar(area, each, area.top + _BAR_PX * at)
    parts += [] if values else [_no_data(area)]
    return svg(sized, area, parts, "; ".join(_told(each) for each in values))


def _bar(area: Area, each: Bar, top: float) -> list[str]:
    middle = top + _BAR_PX / 2
    name = text(area.left - 8, middle + 4, lettering.cut(each.name, _NAME_PX, _NAMES_MOST_PX), "end", INK, _NAME_PX)
    if not math.isfinite(each.value):
        return [name, text(area.left + 4, middle + 4, "undefined", ink=MUTED)]
    start, end = sorted((area.x(max(0.0, area.x_range[0])), area.x(each.value)))
    told = _told(each)
    parts = [name, _clipped([_rectangle((start, top + 4, end - start, _BAR_PX - 8), colour(each.series), told)])]
    furthest = end
    if each.interval is not None and all(map(math.isfinite, each.interval)):
        low, high = (area.x(value) for value in each.interval)
        whisker = [
            line((low, middle), (high, middle), INK, "stroke-width:1.5"),
            *(line((x, middle - 4), (x, middle + 4), INK, "stroke-width:1.5") for x in (low, high)),
        ]
        parts.append(_clipped(whisker))
        furthest = max(end, high)
    words = number(each.value)
    room = area.right + _NUMBER_PX - 1.2 * lettering.width(words, _NAME_PX)
    return [*parts, text(min(furthest + 5, room), middle + 4, words)]


def _told(each: Bar) -> str:
    interval = f" ({number(each.interval[0])} to {number(each.interval[1])})" if each.interval else ""
    return f"{each.name}: {number(each.value) if math.isfinite(each.value) else 'undefined'}{interval}"


def _facts(each: Curve) -> str:
    known = [(x, y) for x, y in zip(each.xs, each.ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    gaps = _left_out(len(each.xs) - len(known))
    if not known:
        return f"{each.name}: no data{gaps}"
    (x1, y1), (x2, y2) = known[0], known[-1]
    return f"{each.name}: {number(y1)} at {number(x1)} to {number(y2)} at {number(x2)}, {len(known)} points{gaps}"


def _left_out(count: int) -> str:
    return f", {count} left out" if count else ""


def _line(area: Area, each: Curve, at: int) -> str:
    dashes = f"stroke-dasharray:{DASHES[at % len(DASHES)]};" if DASHES[at % len(DASHES)] else ""
    pieces = _pieces(area, each.xs, [each.ys])
    path = " ".join("M" + " L".join(f"{place(x)},{place(y)}" for x, (y,) in piece) for piece in pieces)
    look = f"fill:none;stroke:{colour(at)};stroke-width:2;stroke-linejoin:round;{dashes}"
    dots = "".join(
        f'<circle cx="{place(piece[0][0])}" cy="{place(piece[0][1][0])}" r="3" style="fill:{colour(at)}"/>'
        for piece in pieces
        if len(piece) == 1
    )
    return f'<path d="{path}" style="{look}"><title>{clean(each.name)}</title></path>{dots}' if pieces else ""


def _band(area: Area, each: Curve, at: int) -> str:
    if not each.low or not each.high:
        return ""
    shapes = []
    for piece in _pieces(area, each.xs, [each.low, each.high]):
        corners = [*((x, low) for x, (low, _) in piece), *((x, high) for x, (_, high) in reversed(piece))]
        points = " ".join(f"{place(x)},{place(y)}" for x, y in corners)
        shapes.append(f'<polygon points="{points}" style="fill:{colour(at)};opacity:0.2"/>')
    return "".join(shapes)


def _pieces(area: Area, xs: Sequence[float], rows: Sequence[Sequence[float]]) -> list[list[tuple[float, list[float]]]]:
    """Runs of neighbours whose numbers are all finite, in pixels."""
    pieces: list[list[tuple[float, list[float]]]] = [[]]
    for x, *ys in zip(xs, *rows, strict=True):
        if all(map(math.isfinite, (x, *ys))):
            pieces[-1].append((area.x(x), [area.y(y) for y in ys]))
        else:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _steps(each: Curve, before: bool) -> Curve:
    """Join points by a level and an upright line; the level is that of the later point (before) or the earlier one."""
    points = list(zip(each.xs, each.ys, strict=True))
    corners = points[:1]
    for (x1, y1), (x2, y2) in pairwise(points):
        corners += [(x1, y2) if before else (x2, y1), (x2, y2)]
    return Curve(each.name, [x for x, _ in corners], [y for _, y in corners])


def _unit(frame: Frame, both: bool, x_range: Range | None = None) -> Frame:
    """The same frame with a vertical axis from 0 to 1, and a horizontal one where asked."""
    x_ends = x_range or frame.x_range or ((0.0, 1.0) if both else None)
    y_ends = frame.y_range or (0.0, 1.0)
    return replace(frame, x_range=x_ends, y_range=y_ends)


def _rectangle(box: tuple[float, float, float, float], ink: str, told: str) -> str:
    x, y, width, height = (place(side) for side in box)
    look = f"fill:{ink};stroke:{GRID};stroke-width:0.5"
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" style="{look}"><title>{clean(told)}</title></rect>'


def _clipped(parts: Sequence[str]) -> str:
    return f'<g class="data" clip-path="{CLIPPED}">{"".join(parts)}</g>'


def _no_data(area: Area) -> str:
    return text((area.left + area.right) / 2, (area.top + area.bottom) / 2, "no data", "middle", MUTED)
