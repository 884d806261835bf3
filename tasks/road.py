"""The road of one sample as a picture: every stage by the name that it has in the code, so that the picture follows it.

svg = draw()
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.schema import Benchmark, Prediction, Query, Sample
from metrics.base import Metric
from results.record import Record
from tasks.base import Model, TaskKind

WIDTH, HEIGHT = 1180, 392
_BOX = (250, 112)
_GAP_X, _GAP_Y = 40, 64
_LEFT, _TOP = 30, 78
_INK, _FAINT = "#111827", "#4b5563"
_ASKED, _ANSWERED, _COUNTED = ("#dbeafe", "#2563eb"), ("#fef3c7", "#b45309"), ("#dcfce7", "#15803d")


@dataclass(frozen=True)
class Stage:
    """A stop on the road.

    Attributes:
        name: as the code calls it.
        place: package or module that it is at home in.
        says: what happens there, a line each.
        colours: of the inside and the frame.
    """

    name: str
    place: str
    says: Sequence[str]
    colours: tuple[str, str]


def stages() -> list[Stage]:
    """Every stage, in the order that a sample comes through."""
    return [
        _of(Benchmark, ("reads official files,", "counts what must be there"), _ASKED),
        _of(Sample, ("image, question,", "visual prompts and truth"), _ASKED),
        _of(Query, ("the same without the truth,", "with the task's prompt and unit"), _ASKED),
        _of(Model, ("answers a batch,", "never sees a truth"), _ANSWERED, Model.predict),
        _of(Prediction, ("text, boxes, masks, joints, depth;", "or failed, or unreadable: a status"), _ANSWERED),
        _of(
            TaskKind,
            ("compares answer and truth:", "one row of counts a sample"),
            _COUNTED,
            _field(TaskKind, "measure"),
        ),
        _of(Metric, ("sums the rows up; resampled,", "they give the intervals"), _COUNTED, _field(Metric, "aggregate")),
        _of(Record, ("numbers, intervals, data, protocol,", "weights: tables are made from it"), _COUNTED),
    ]


def draw() -> str:
    """Draw the road as SVG, 1180 x 392 px, on a white ground of its own so that it is readable on a dark page."""
    found = stages()
    inside = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#ffffff"/>',
        _text((_LEFT, 40), "From a sample to a table", 20, weight=700),
        *(_arrow(place) for place in range(len(found) - 1)),
        *(_drawn(place, stage) for place, stage in enumerate(found)),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="Helvetica, Arial, sans-serif" role="img">'
    )
    title = f"<title>{escape(' → '.join(stage.name for stage in found))}</title>"
    return "\n".join([head, title, *inside, "</svg>"]) + "\n"


def corner(place: int) -> tuple[int, int]:
    """Left and top of the n-th stage: four in a row, the second row below the first."""
    row, column = divmod(place, 4)
    return _LEFT + column * (_BOX[0] + _GAP_X), _TOP + row * (_BOX[1] + _GAP_Y)


def _field(thing: type, name: str) -> str:
    """The name of a field, which must be there."""
    assert name in thing.__annotations__, f"{thing.__name__} has no {name}: the picture is of another program"
    return name


def _of(thing: type, says: Sequence[str], colours: tuple[str, str], does: Callable[..., object] | str = "") -> Stage:
    verb = does if isinstance(does, str) else does.__name__
    return Stage(f"{thing.__name__}{f'.{verb}' if verb else ''}", thing.__module__, says, colours)


def _drawn(place: int, stage: Stage) -> str:
    left, top = corner(place)
    inside, frame = stage.colours
    return "\n".join(
        [
            f'<rect x="{left}" y="{top}" width="{_BOX[0]}" height="{_BOX[1]}" rx="10" fill="{inside}" '
            f'stroke="{frame}" stroke-width="1.5"/>',
            _text((left + 14, top + 28), f"{place + 1}  {stage.name}", 16, weight=700),
            _text((left + 14, top + 48), stage.place, 12, _FAINT),
            *(_text((left + 14, top + 72 + 20 * line), words, 13.5) for line, words in enumerate(stage.says)),
        ]
    )


def _arrow(place: int) -> str:
    """A line with a tip from one stage to the next, round the corner at the end of a row."""
    (left, top), (to_left, to_top) = corner(place), corner(place + 1)
    middle = top + _BOX[1] // 2
    if to_top == top:
        return _line([(left + _BOX[0], middle), (to_left - 2, middle)], (to_left - 2, middle), (-9, -5), (-9, 5))
    below, foot = top + _BOX[1] + _GAP_Y // 2, to_left + _BOX[0] // 2
    start = left + _BOX[0] // 2
    corners = [(start, top + _BOX[1]), (start, below), (foot, below), (foot, to_top - 2)]
    return _line(corners, (foot, to_top - 2), (-5, -9), (5, -9))


def _line(corners: Sequence[tuple[int, int]], tip: tuple[int, int], *wings: tuple[int, int]) -> str:
    points = " ".join(f"{x},{y}" for x, y in corners)
    head = " ".join(f"{x},{y}" for x, y in (tip, *((tip[0] + dx, tip[1] + dy) for dx, dy in wings)))
    line = f'<polyline points="{points}" fill="none" stroke="{_FAINT}" stroke-width="1.5"/>'
    return f'{line}\n<polygon points="{head}" fill="{_FAINT}"/>'


def _text(at: tuple[int, int], words: str, size: float, colour: str = _INK, weight: int = 400) -> str:
    x, y = at
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" font-weight="{weight}">{escape(words)}</text>'
