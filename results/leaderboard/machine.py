"""Boards for programs: CSV in long form, one number a line, and JSON."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from results.leaderboard.board import Board, Cell, Column, Line

HEAD = (
    "board", "measured", "group", "model", "task", "split", "metric", "unit", "better", "state", "value", "low", "high",
    "mark", "n", "failed", "unparsable", "missing", "protocol", "run", "source", "notes",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(boards: Sequence[Board]) -> str:
    """One line per number, unrounded. Texts that a spreadsheet would take for a formula get an apostrophe in front."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEAD)
    for board in boards:
        for line in board.lines:
            for column, cell in zip(board.columns, line.cells, strict=True):
                writer.writerow(_guarded(value) for value in _entry(board, line, column, cell))
    return stream.getvalue()


def to_json(boards: Sequence[Board]) -> dict[str, Any]:
    """`{"boards": […]}`, unrounded; a cell without a number says why in `state`."""
    return {"boards": [board.to_json() for board in boards]}


def _entry(board: Board, line: Line, column: Column, cell: Cell) -> Iterator[object]:
    low, high = cell.interval or ("", "")
    yield from (board.title, "no" if line.source else "yes", line.group, line.model)
    yield from (column.task, column.split, column.key, column.unit, column.better, cell.state)
    yield from ("" if cell.value is None else repr(cell.value), low, high, cell.mark)
    counts = (cell.n, cell.failed, cell.unparsable, cell.missing)
    yield from counts if cell.n is not None else ("",) * len(counts)
    yield from (cell.code, cell.run, line.source.line() if line.source else "", "; ".join(cell.notes))


def _guarded(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
