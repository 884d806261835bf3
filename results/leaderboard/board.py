"""What a leaderboard is made of, and which of its numbers are best."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from results.published import Source
from results.record import Better

State = Literal["number", "partial", "missing", "impossible", "undefined"]
"""A number over everything; over a part of the samples; nobody ran it; the model has no such answer; ran, no number."""
Mark = Literal["", "best", "second"]


@dataclass(frozen=True)
class Column:
    """One number of one split of one task.

    Attributes:
        task, split, key: names.
        unit: of the plain number ("fraction", "metres", …).
        better: which way is better; "none" is never marked.
        code: protocol of its rows; empty where there is none, or where rows of several are shown.
        n: samples that its rows have; None where they differ.
    """

    task: str
    split: str
    key: str
    unit: str
    better: Better
    code: str
    n: int | None


@dataclass(frozen=True)
class Cell:
    """What stands under a column in one line.

    Attributes:
        state: whether there is a number, and if not, why.
        value: plain number, unrounded; None where there is none.
        interval: 95 %, or None.
        n: samples in the denominator; None without a run.
        failed, unparsable, missing: samples of these without a usable answer.
        code: protocol.
        run: id of the run, or empty.
        text: as printed, of a published number.
        notes: what a reader must know about this number.
        mark: whether it is best or second best.
    """

    state: State
    value: float | None = None
    interval: tuple[float, float] | None = None
    n: int | None = None
    failed: int = 0
    unparsable: int = 0
    missing: int = 0
    code: str = ""
    run: str = ""
    text: str = ""
    notes: tuple[str, ...] = ()
    mark: Mark = ""


@dataclass(frozen=True)
class Line:
    """A model with its numbers.

    Attributes:
        model: its name, with what it was told beside its default.
        group: heading that it stands under.
        cells: one for each column.
        is_ranked: whether its numbers may be best; bounds and published numbers may not.
        source: where its numbers are printed; None for measured ones.
    """

    model: str
    group: str
    cells: tuple[Cell, ...]
    is_ranked: bool = True
    source: Source | None = None


@dataclass(frozen=True)
class Board:
    """A leaderboard.

    Attributes:
        title: what it is about.
        columns: numbers that it shows.
        lines: measured ones, group by group, the best first; then published ones.
        notes: what holds for the whole of it.
        by_task: its columns are tasks; else they are the numbers of one split of one task.
    """

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    by_task: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a program reads it."""
        return asdict(self)


def marked(lines: Sequence[Line], columns: Sequence[Column], per_group: bool) -> list[Line]:
    """Mark best and second best of every column, over all ranked lines or within each group."""
    groups = {line.group for line in lines} if per_group else {None}
    for group in groups:
        members = [at for at, line in enumerate(lines) if line.is_ranked and group in (None, line.group)]
        lines = _marked(lines, columns, set(members))
    return list(lines)


def marks(values: Mapping[int, float], better: Better) -> dict[int, Mark]:
    """Rank unrounded values: place -> mark; ties share theirs, and a single value is nothing to rank."""
    if better == "none" or len(values) < 2:
        return {}
    ranked = sorted(set(values.values()), reverse=better == "higher")
    names: dict[float, Mark] = dict(zip(ranked, ("best", "second"), strict=False))
    return {at: names[value] for at, value in values.items() if value in names}


def sort(lines: Iterable[Line], better: Better) -> list[Line]:
    """Order lines by group as they come, ranked groups first, and by their first number within a group."""
    every = list(lines)
    groups = sorted({line.group: line.is_ranked for line in every}.items(), key=lambda item: not item[1])
    order = {group: place for place, (group, _) in enumerate(groups)}
    return sorted(every, key=lambda line: (order[line.group], *_goodness(line, better), line.model))


def _marked(lines: Sequence[Line], columns: Sequence[Column], members: set[int]) -> list[Line]:
    cells = [list(line.cells) for line in lines]
    for place, column in enumerate(columns):
        values = {at: value for at in members if (value := cells[at][place].value) is not None}
        for at, mark in marks(values, column.better).items():
            cells[at][place] = replace(cells[at][place], mark=mark)
    return [replace(line, cells=tuple(each)) for line, each in zip(lines, cells, strict=True)]


def _goodness(line: Line, better: Better) -> tuple[bool, float]:
    value = line.cells[0].value if line.cells else None
    return (True, 0.0) if value is None else (False, value if better == "lower" else -value)
