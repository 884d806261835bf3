"""Boards as text for a terminal and as Markdown.

A board of one split has a line per model; a board over tasks has a line per task, since there are many of those.
Names of models come from anywhere: nothing in them may format, link or move the cursor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from tabulate import SEPARATING_LINE, tabulate

from results.harmless import markdown, plain
from results.leaderboard.board import Board, Cell, Column, Line, Mark
from results.table import number

GAPS: Mapping[str, str] = {"missing": "–", "impossible": "✗", "undefined": "undef."}
_MARKS_NOTE = "{best} best, {second} second best, on unrounded values"
_GAPS_NOTES: Mapping[str, str] = {
    "partial": "† over a part of the samples",
    "missing": "– not run, or not printed",
    "impossible": "✗ the model has no such answer",
    "undefined": "undef. has no value on these answers",
}
_ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


@dataclass(frozen=True)
class Style:
    """How a format writes: table layout, what stands around best and second, whether names must be escaped."""

    layout: str
    marks: Mapping[Mark, tuple[str, str]]
    is_markdown: bool

    def name(self, text: str) -> str:
        """Make a name from anywhere harmless: one line, printable characters, no formatting."""
        return markdown(text) if self.is_markdown else plain(text)

    def marked(self, text: str, mark: Mark) -> str:
        """Put what says best or second around a number."""
        before, after = self.marks.get(mark, ("", ""))
        return f"{before}{text}{after}"


TEXT = Style("simple", {"best": ("", "¹"), "second": ("", "²")}, is_markdown=False)
MARKDOWN = Style("pipe", {"best": ("**", "**"), "second": ("<u>", "</u>")}, is_markdown=True)


class Footnotes:
    """Numbers notes in the order in which they are met: a, b, …, z, aa, …"""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def refer(self, notes: Sequence[str]) -> str:
        """Name the marks of notes, as in ` (a,c)`; empty for none."""
        for note in notes:
            self.texts.setdefault(note, _letters(len(self.texts)))
        return f" ({','.join(self.texts[note] for note in notes)})" if notes else ""


def render(board: Board, style: Style) -> str:
    """Lay out a board: title, table, then notes on everything that is special about it."""
    footnotes = Footnotes()
    head, body = (_tasks if board.by_task else _models)(board, style, footnotes)
    words = {"model", "group", "protocol", "task", "split", "number"}
    sides = ["left" if name in words else "right" for name in head]
    rows: list[list[str] | str] = [[str(cell) for cell in row] for row in body]
    if not (board.by_task or style.is_markdown):
        rows = _parted(rows, [line.group for line in board.lines])
    table = tabulate(rows, head, tablefmt=style.layout, colalign=sides if rows else None, disable_numparse=True)
    title = f"## {style.name(board.title)}" if style.is_markdown else board.title
    notes = _notes(board, style, footnotes)
    between = "\n" if style.is_markdown else ""
    return "\n".join([f"{title}{between}", table, *([between + f"{between}\n".join(notes)] if notes else [])])


def _models(board: Board, style: Style, footnotes: Footnotes) -> tuple[list[str], list[list[str | int]]]:
    """One line per model: group, protocol, counts, the first number with its interval, the others."""
    first, *others = (f"{column.key}{_ARROWS[column.better]}" for column in board.columns)
    head = ["model", "group", "protocol", "n", "failed", "unparsable", first, "95% CI", *others]
    body: list[list[str | int]] = []
    for line in board.lines:
        lead, *rest = [
            _cell(cell, column, style, footnotes) for cell, column in zip(line.cells, board.columns, strict=True)
        ]
        cell = line.cells[0]
        counts = ["", "", ""] if line.source else [cell.n or 0, cell.failed, cell.unparsable]
        special = footnotes.refer(cell.notes)
        who = _who(line, style, footnotes)
        body.append([who + special, style.name(line.group), cell.code, *counts, lead, _interval(cell, board), *rest])
    return head, body


def _tasks(board: Board, style: Style, footnotes: Footnotes) -> tuple[list[str], list[list[str | int]]]:
    """One line per task and split, one column per model; the heading of a model stands below its name."""
    head = ["task", "split", "number", "protocol", "n", *(_who(line, style, footnotes) for line in board.lines)]
    headings: list[str | int] = ["", "", "", "", "", *(style.name(line.group) for line in board.lines)]
    body: list[list[str | int]] = [headings]
    for place, column in enumerate(board.columns):
        cells = [line.cells[place] for line in board.lines]
        texts = [_cell(cell, column, style, footnotes) + footnotes.refer(cell.notes) for cell in cells]
        what = [style.name(column.task), column.split, f"{style.name(column.key)}{_ARROWS[column.better]}"]
        body.append([*what, column.code or "mixed", "" if column.n is None else column.n, *texts])
    return head, body


def _parted(rows: Sequence[list[str] | str], groups: Sequence[str]) -> list[list[str] | str]:
    """Draw a line between groups."""
    parted: list[list[str] | str] = []
    for at, row in enumerate(rows):
        parted += [SEPARATING_LINE] if at and groups[at] != groups[at - 1] else []
        parted.append(row)
    return parted


def _who(line: Line, style: Style, footnotes: Footnotes) -> str:
    source = footnotes.refer([f"printed in {line.source.line()}"]) if line.source else ""
    return style.name(line.model) + source


def _cell(cell: Cell, column: Column, style: Style, footnotes: Footnotes) -> str:
    if cell.value is None:
        return GAPS[cell.state]
    part = "†" if cell.state == "partial" else ""
    text = style.marked(number(cell.value, column.unit), cell.mark)
    return f"{text}{part}"


def _interval(cell: Cell, board: Board) -> str:
    if cell.interval is None:
        return ""
    low, high = (number(end, board.columns[0].unit) for end in cell.interval)
    return f"{low} to {high}"


def _notes(board: Board, style: Style, footnotes: Footnotes) -> list[str]:
    states = {cell.state for line in board.lines for cell in line.cells}
    has_marks = any(cell.mark for line in board.lines for cell in line.cells)
    names = {
        name: style.marked(name, name) if style.is_markdown else end for name, (_, end) in style.marks.items() if name
    }
    legend = [_MARKS_NOTE.format(best=names["best"], second=names["second"])] if has_marks else []
    if style.is_markdown and has_marks:
        legend = ["**best**, <u>second best</u>, on unrounded values"]
    unranked = list(dict.fromkeys(line.group for line in board.lines if not line.is_ranked))
    legend += [f"not ranked: {style.name(', '.join(unranked))}"] if unranked and has_marks else []
    legend += [text for state, text in _GAPS_NOTES.items() if state in states]
    texts = [f"({letters}) {style.name(note)}" for note, letters in footnotes.texts.items()]
    return ["; ".join(legend)] * bool(legend) + [style.name(note) for note in board.notes] + texts


def _letters(at: int) -> str:
    text = ascii_lowercase[at % 26]
    return text if at < 26 else _letters(at // 26 - 1) + text
