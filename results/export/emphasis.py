"""Finds the best and the second best number of each column, by what was measured and not by what is printed."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

from results.export.cells import Cell, Row
from results.record import Better

Emphasis = dict[tuple[int, int, int], Literal["best", "second"]]


Scope = Literal["group", "column", "none"]


def emphasis(rows: Sequence[Row], directions: Sequence[Better], scope: Scope) -> Emphasis:
    """Mark the best and the second best number of every column.

    Values are compared unrounded, and equal ones share a mark. Numbers of different data or protocol are never
    compared: of each column, printed numbers and whole runs on official data under the most frequent protocol are
    ranked together if there are any, else the largest set of measured ones that may be. A single number gets no mark.

    Args:
        rows: of the table; grey ones are left out.
        directions: of the columns.
        scope: rank within each group, or the whole column, or not at all.

    Returns:
        (row, column, part) -> mark.
    """
    found: Emphasis = {}
    for at, part, cells in _ranked(rows, scope):
        if directions[at] != "none":
            found |= {(number, at, part): mark for number, mark in _marks(cells, directions[at] == "higher").items()}
    return found


def ranks_printed(rows: Sequence[Row], scope: Scope) -> bool:
    """Whether printed numbers are ranked together with measured ones; arguments as of `emphasis`."""
    return any(len({cells[number].world for number in _comparable(cells)}) > 1 for _, _, cells in _ranked(rows, scope))


def _ranked(rows: Sequence[Row], scope: Scope) -> Iterator[tuple[int, int, dict[int, Cell]]]:
    """Column, part, and the cells of the rows among which the best is looked for."""
    scopes: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows if scope != "none" else ()):
        if not row.grey:
            scopes[row.group if scope == "group" else ""].append(number)
    for numbers in scopes.values():
        for at, parts in enumerate(rows[numbers[0]].cells):
            for part in range(len(parts)):
                yield at, part, {number: rows[number].cells[at][part] for number in numbers}


def _marks(cells: dict[int, Cell], higher: bool) -> dict[int, Literal["best", "second"]]:
    together = _comparable(cells)
    values = sorted({cells[number].value or 0.0 for number in together}, reverse=higher)
    if len(together) < 2:
        return {}
    marks: dict[int, Literal["best", "second"]] = {}
    for number in together:
        value = cells[number].value or 0.0
        if value == values[0]:
            marks[number] = "best"
        elif value == values[1]:
            marks[number] = "second"
    return marks


def _comparable(cells: dict[int, Cell]) -> list[int]:
    """Rows whose numbers may be ranked with each other."""
    usable = {number: cell for number, cell in cells.items() if cell.value is not None and cell.world}
    official = Counter(cell.code for cell in usable.values() if cell.world == "official")
    printed = [number for number, cell in usable.items() if cell.world == "published"]
    if official or printed:
        code = official.most_common(1)[0][0] if official else ""
        measured = [number for number, cell in usable.items() if cell.world == "official" and cell.code == code]
        return sorted(printed + measured)
    classes = Counter((cell.world, cell.code) for cell in usable.values())
    if not classes:
        return []
    chosen = classes.most_common(1)[0][0]
    return [number for number, cell in usable.items() if (cell.world, cell.code) == chosen]
