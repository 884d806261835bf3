"""Lays a filled table out as a grid of text that every format can draw: headers, groups, marks and footnotes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from results.export.cells import Cell, Leaf, Row, Table

UP, DOWN = "↑", "↓"
ABLE, UNDEFINED = "✓", "n/a"
MINUS = "−"
_LEGEND = "Best in bold, second best underlined, by unrounded values of the same data and protocol"
_PRINTED = (
    "Printed numbers are ranked together with measured ones on official data, though under the protocol of their "
    "publication"
)


@dataclass(frozen=True)
class Piece:
    """One number of a cell.

    Attributes:
        text: as shown, without emphasis.
        emphasis: how its value ranks.
        delta: signed difference, empty for none.
        good: whether the difference is for the better; None for neither.
    """

    text: str
    emphasis: Literal["best", "second", ""] = ""
    delta: str = ""
    good: bool | None = None


@dataclass(frozen=True)
class Shown:
    """A cell: its numbers, the text between them, and the marks of its footnotes."""

    pieces: tuple[Piece, ...]
    join: str = ""
    marks: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        """The text without emphasis and marks."""
        return self.join.join(piece.text + (f" ({piece.delta})" if piece.delta else "") for piece in self.pieces)


@dataclass(frozen=True)
class GridRow:
    """A row: names on the left, cells, and what stands above it.

    Attributes:
        stub: names, one for each column of names; merged downwards where they repeat, except the last.
        marks: footnotes of the last name.
        section: head of the group that starts here; empty where none does.
        rule: a line above it.
    """

    stub: tuple[str, ...]
    cells: tuple[Shown, ...]
    marks: tuple[str, ...] = ()
    section: str = ""
    rule: bool = False
    ours: bool = False
    grey: bool = False


@dataclass(frozen=True)
class Grid:
    """A table as text.

    Attributes:
        name, caption: of the table.
        stub_heads: heads of the columns of names.
        heads: header of each column from the top line down, all of the same length; an empty line is part of the one
            above.
        head_marks: footnotes of each column's head, behind its last line.
        rows: from top to bottom.
        notes: mark and text of each footnote, marks empty for general ones.
    """

    name: str
    caption: str
    stub_heads: tuple[str, ...]
    heads: tuple[tuple[str, ...], ...]
    rows: tuple[GridRow, ...]
    notes: tuple[tuple[str, str], ...]
    head_marks: tuple[tuple[str, ...], ...]

    def head_spans(self, level: int) -> list[tuple[int, int, str]]:
        """One line of the header, equal neighbours joined, see `spans`."""
        parents = [[head[above] for head in self.heads] for above in range(level)]
        return spans([head[level] for head in self.heads], parents)

    def reach(self, at: int, level: int) -> int:
        """How many rows a name covers from its row down: 0 where it is part of the one above; the last is never joined.

        Args:
            at: the row.
            level: of the name, from the left.
        """
        stub = self.rows[at].stub
        if level == len(stub) - 1:
            return 1
        same = [row.stub[: level + 1] == stub[: level + 1] for row in self.rows]
        if at > 0 and same[at - 1]:
            return 0
        return same[at:].index(False) if False in same[at:] else len(same) - at


def lay_out(table: Table) -> Grid:
    """Lay a table out."""
    marks = _Marks()
    upright = _upright(table, marks)
    notes = (*marks.notes(), *(("", text) for text in _general(table)))
    if table.transpose:
        return _turned(table, upright, notes)
    heads = _same_length([_head(leaf) for leaf in table.columns])
    grouped = table.groups == "column" and any(row.group for row in table.rows)
    stub_heads = ("Type", table.first) if grouped else (table.first,)
    return Grid(table.name, table.caption, stub_heads, heads, tuple(upright), notes, ((),) * len(heads))


def number(cell: Cell) -> str:
    """Write a number with the digits of its column; a true minus sign, and never minus zero."""
    text = f"{cell.shown:.{cell.decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.") else MINUS + text[1:]
    return text + ("×" if cell.factor else "")


def head_text(leaf: Leaf) -> str:
    """Write a header in one line."""
    return " ".join(_head(leaf))


def _head(leaf: Leaf) -> tuple[str, ...]:
    arrow = f" {UP if leaf.better == 'higher' else DOWN}" if leaf.arrow else ""
    return (*leaf.path[:-1], leaf.path[-1] + arrow)


def _same_length(heads: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    depth = max(len(head) for head in heads)
    return tuple((*head, *([""] * (depth - len(head)))) for head in heads)


class _Marks:
    """Hands out footnote marks in the order in which notes first appear."""

    def __init__(self) -> None:
        self._auto: dict[str, str] = {}
        self._own: dict[str, str] = {}

    def of(self, notes: Iterable[str]) -> tuple[str, ...]:
        """Marks of some notes."""
        return tuple(self._auto.setdefault(note, _letters(len(self._auto))) for note in notes)

    def own(self, row: Row) -> tuple[str, ...]:
        """The mark that a description gives a row itself."""
        if row.note and not row.mark:
            return self.of([row.note])
        if row.mark and row.note:
            self._own.setdefault(row.mark, row.note)
        return (row.mark,) if row.mark else ()

    def notes(self) -> list[tuple[str, str]]:
        """Every mark with its text."""
        return [*self._own.items(), *((mark, note) for note, mark in self._auto.items())]


def _letters(number: int) -> str:
    """a, b, …, z, aa, ab, …"""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def _upright(table: Table, marks: _Marks) -> list[GridRow]:
    found: list[GridRow] = []
    before = ""
    grouped = table.groups == "column" and any(row.group for row in table.rows)
    for at, row in enumerate(table.rows):
        starts = row.group != before or (at == 0 and bool(row.group))
        before = row.group
        shared = _shared(row)
        own = marks.own(row) + marks.of(shared)
        cells = tuple(_shown(cells, (at, place), table, marks, shared) for place, cells in enumerate(row.cells))
        found.append(
            GridRow(
                stub=(row.group, row.label) if grouped else (row.label,),
                cells=cells,
                marks=own,
                section=row.group if starts and table.groups == "header" else "",
                rule=starts and at > 0,
                ours=row.ours,
                grey=row.grey,
            )
        )
    return found


def _shared(row: Row) -> tuple[str, ...]:
    """Notes that hold for every number of a row: they go to its name."""
    notes = [cell.notes for cells in row.cells for cell in cells if cell.sources]
    first = notes[0] if notes else ()
    return tuple(note for note in first if all(note in others for others in notes))


def _shown(cells: Sequence[Cell], place: tuple[int, int], table: Table, marks: _Marks, shared: Sequence[str]) -> Shown:
    pieces = tuple(_piece(cell, (*place, part), table) for part, cell in enumerate(cells))
    notes = dict.fromkeys(note for cell in cells for note in cell.notes if note not in shared)
    if all(cell.state == "missing" for cell in cells) or all(cell.state == "impossible" for cell in cells):
        pieces = pieces[:1]
    return Shown(pieces, table.joins[place[1]], marks.of(notes))


def _piece(cell: Cell, place: tuple[int, int, int], table: Table) -> Piece:
    if cell.state != "number":
        texts = {"text": cell.text, "able": ABLE, "impossible": table.impossible, "undefined": UNDEFINED}
        return Piece(texts.get(cell.state, table.missing))
    emphasis: Literal["best", "second", ""] = table.emphasis.get(place, "")
    if cell.delta is None:
        return Piece(number(cell), emphasis)
    shift = f"{cell.delta * cell.scale:+.{cell.decimals}f}".replace("-", MINUS)
    direction = table.columns[place[1]].better
    good = None if direction == "none" or not shift.strip("+−0.") else (cell.delta > 0) == (direction == "higher")
    return Piece(number(cell), emphasis, shift, good)


def _general(table: Table) -> list[str]:
    states = {cell.state for row in table.rows for cells in row.cells for cell in cells}
    notes = [f"{table.missing} not measured"] if "missing" in states else []
    if "incomplete" in states:
        notes.append(f"{table.missing} in a column of averages or ratios: a number that it needs is missing")
    notes += [f"{table.impossible} the model cannot do this"] if "impossible" in states else []
    notes += [_LEGEND] if table.emphasis else []
    notes += [_PRINTED] if table.ranks_printed else []
    counts = _counts(table)
    return [*notes, f"Samples scored: {'; '.join(counts)}"] if counts else notes


def _counts(table: Table) -> list[str]:
    """Task and split with the number of samples behind the measured numbers, which shows mixed up splits."""
    found: dict[str, set[str]] = {}
    for row in table.rows:
        for cell in (cell for cells in row.cells for cell in cells if cell.state == "number"):
            if len(cell.sources) == 1 and cell.sources[0].kind == "run":
                what = " ".join(cell.what.split(" ")[:2])
                found.setdefault(what, set()).add(f"{int(cell.sources[0].details['n']):,}")
    return [f"{what} {' or '.join(sorted(counts))}" for what, counts in found.items()]


def _turned(table: Table, rows: Sequence[GridRow], notes: tuple[tuple[str, str], ...]) -> Grid:
    """Models as columns: headers become names of rows."""
    stubs = _same_length([_head(leaf) for leaf in table.columns])
    depth = len(stubs[0])
    named = any(row.group for row in table.rows)
    heads = tuple((*((row.group,) if named else ()), row.label) for row in table.rows)
    marks = tuple(row.marks for row in rows)
    turned = []
    starts = {sum(1 for _ in group) for _, group in groupby(stubs, key=lambda stub: stub[0])}
    for at, stub in enumerate(stubs):
        rule = at > 0 and stub[0] != stubs[at - 1][0] and starts != {1}
        turned.append(GridRow(stub, tuple(row.cells[at] for row in rows), rule=rule))
    return Grid(table.name, table.caption, ("",) * depth, heads, tuple(turned), notes, marks)


def spans(line: Sequence[str], parents: Sequence[Sequence[str]] = ()) -> list[tuple[int, int, str]]:
    """Join equal neighbours of a header line: (first column, number of columns, text); a parent's end ends a span.

    Args:
        line: text of each column.
        parents: the lines above.
    """
    keys = [(text, *(parent[at] for parent in parents)) for at, text in enumerate(line)]
    found, at = [], 0
    for _, group in groupby(keys):
        length = len(list(group))
        found.append((at, length, line[at]))
        at += length
    return found
