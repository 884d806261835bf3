"""A plot of first numbers over commits, one panel for each row, as a picture that opens by itself (SVG)."""

from collections.abc import Sequence
from dataclasses import dataclass

from results import fingerprint
from results.regression.check import finite, number
from results.report import lettering
from results.report.axes import (
    INK,
    MUTED,
    Area,
    Frame,
    clean,
    colour,
    line,
    place,
    span,
    svg,
    text,
    vertical_axis,
)
from results.run import Run

WIDTH = 720
MOST_PANELS = 24
MOST_POINTS = 60
_LEFT, _RIGHT, _HEAD, _PANEL, _FOOT = 64, 16, 40, 150, 34
_NAME_PX = 11
_LABEL_PX = 58


@dataclass(frozen=True)
class Point:
    """One run: its label below the axis, value and interval, and whether it is the candidate."""

    label: str
    ended: str
    value: float | None
    interval: tuple[float, float] | None
    is_candidate: bool


@dataclass(frozen=True)
class Track:
    """One first number of one model over time."""

    title: str
    unit: str
    points: tuple[Point, ...]


def tracks(candidates: Sequence[Run], known: Sequence[Run]) -> list[Track]:
    """Collect for every run of the candidate the runs of its model under the same protocol, by when they ended.

    Args:
        candidates: runs that are judged.
        known: of the store, the baseline and whatever else; the same run may be in it several times.
    """
    found = []
    for run in candidates:
        code = fingerprint.code(run.record)
        others = {each.folder.resolve(): each for each in (*known, run) if _is_kin(each, run)}
        same = [each for each in others.values() if fingerprint.code(each.record) == code]
        same.sort(key=lambda each: (each is run, each.ended, str(each.folder)))
        record = run.record
        title = f"{record.task} {record.split}, {record.headline}, {record.model}"
        points = tuple(_point(each, each is run) for each in same[-MOST_POINTS:])
        found.append(Track(title, record.units.get(record.headline, ""), points))
    return found


def plot(found: Sequence[Track]) -> str:
    """Draw tracks below one another; beyond `MOST_PANELS` a line counts the others."""
    shown = found[:MOST_PANELS]
    height = _HEAD + _PANEL * max(len(shown), 1) + (_FOOT if len(found) > len(shown) else 0)
    frame = Frame("First numbers over commits", description="One panel for each row.", size=(WIDTH, height))
    parts = [part for at, track in enumerate(shown) for part in _panel(track, _HEAD + _PANEL * at)]
    if not shown:
        parts.append(text(WIDTH / 2, height / 2, "no runs", "middle", MUTED))
    if len(found) > len(shown):
        parts.append(text(_LEFT, height - 12, f"and {len(found) - len(shown)} rows more", ink=MUTED))
    return svg(frame, None, parts, "; ".join(map(_told, shown)))


def _is_kin(one: Run, other: Run) -> bool:
    a, b = one.record, other.record
    return (a.model, a.task, a.split, a.data) == (b.model, b.task, b.split, b.data)


def _point(run: Run, is_candidate: bool) -> Point:
    record = run.record
    label = run.commit[:7] or run.ended[5:10] or run.id[:7]
    value = finite(record.metrics.get(record.headline))
    return Point(label, run.ended, value, record.intervals.get(record.headline), is_candidate)


def _panel(track: Track, top: float) -> list[str]:
    scale = 100.0 if track.unit == "fraction" else 1.0
    ends = [scale * end for point in track.points for end in (point.interval or (point.value,)) if end is not None]
    area = Area(_LEFT, top + 22, WIDTH - _RIGHT, top + _PANEL - 34, (-0.5, len(track.points) - 0.5), span(ends))
    title = lettering.cut(track.title, _NAME_PX, WIDTH - _LEFT - _RIGHT)
    parts = [text(_LEFT, top + 14, title), *vertical_axis(area, "%" if scale == 100.0 else track.unit)]
    parts.append(line((area.left, area.bottom), (area.right, area.bottom), INK))
    room = max(1, int((area.right - area.left) // _LABEL_PX))
    step = -(-len(track.points) // room)
    for at, point in enumerate(track.points):
        if (len(track.points) - 1 - at) % step == 0:
            label = lettering.cut(point.label, _NAME_PX, _LABEL_PX - 8)
            parts.append(text(area.x(at), area.bottom + 15, label, "middle", INK if point.is_candidate else MUTED))
    known = [(area.x(at), area.y(scale * p.value)) for at, p in enumerate(track.points) if p.value is not None]
    if len(known) > 1:
        path = " L".join(f"{place(x)},{place(y)}" for x, y in known)
        parts.append(f'<path d="M{path}" style="fill:none;stroke:{colour(0)};stroke-width:1.5"/>')
    return parts + [mark for at, point in enumerate(track.points) for mark in _mark(area, at, point, track.unit)]


def _mark(area: Area, at: int, point: Point, unit: str) -> list[str]:
    """A dot with its interval; the candidate's is larger, filled with another colour and has an outline."""
    if point.value is None:
        return [text(area.x(at), area.bottom - 4, "undefined", "middle", MUTED)]
    scale = 100.0 if unit == "fraction" else 1.0
    x, y, ink = area.x(at), area.y(scale * point.value), colour(1 if point.is_candidate else 0)
    parts = []
    if point.interval is not None:
        low, high = (area.y(scale * end) for end in point.interval)
        parts.append(line((x, low), (x, high), ink, "stroke-width:1.5"))
    told = clean(f"{point.label} {point.ended}: {number(point.value, unit)}")
    look = f"fill:{ink};stroke:{INK};stroke-width:{1 if point.is_candidate else 0}"
    size = 5 if point.is_candidate else 3.5
    return [*parts, f'<circle cx="{place(x)}" cy="{place(y)}" r="{size}" style="{look}"><title>{told}</title></circle>']


def _told(track: Track) -> str:
    values = [number(point.value, track.unit) or "undefined" for point in track.points]
    return f"{track.title}: {', '.join(values)}"
