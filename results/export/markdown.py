"""Draws a paper table in Markdown, which knows no merged cells: headers become one line, groups a row of their own."""

import re
from collections.abc import Sequence
from html import escape as html_escape

from results.export.layout import Grid, Piece, Shown, spaced

_ACTIVE = re.compile(r"([\\`*_\[\]|~#!])")


def escape(text: str) -> str:
    """Make any text safe in a cell: no markup, no HTML, no line ends."""
    return html_escape(_ACTIVE.sub(r"\\\1", " ".join(text.split())), quote=False)


def draw(grid: Grid, sources: Sequence[str] = ()) -> str:
    """Draw a table, and the list of its sources below."""
    lines = [f"**{escape(grid.caption)}**", ""] if grid.caption else []
    texts = [escape(" ".join(filter(None, head))) for head in grid.heads]
    heads = [text + _marks(marks) for text, marks in zip(texts, grid.head_marks, strict=True)]
    lines.append(_line([*(escape(text) for text in grid.stub_heads), *heads]))
    lines.append(_line([*(":--" for _ in grid.stub_heads), *("--:" for _ in heads)]))
    blank = [""] * (len(grid.stub_heads) + len(heads) - 1)
    for row in grid.rows:
        if row.section:
            lines.append(_line([f"*{escape(row.section)}*", *blank]))
        names = [escape(name) for name in row.stub]
        names[-1] += _marks(row.marks)
        lines.append(_line([*names, *(_cell(cell) for cell in row.cells)]))
    lines += [""] + [f"{_marks((mark,)) if mark else ''}{escape(text)}.  " for mark, text in grid.notes]
    if sources:
        lines += ["", "Sources:", "", *(f"- {escape(line)}" for line in sources)]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Shown) -> str:
    return spaced(cell.join, escape).join(_piece(piece) for piece in cell.pieces) + _marks(cell.marks)


def _piece(piece: Piece) -> str:
    text = escape(piece.text)
    if piece.emphasis:
        text = f"**{text}**" if piece.emphasis == "best" else f"<u>{text}</u>"
    return f"{text} ({escape(piece.delta)})" if piece.delta else text


def _marks(marks: Sequence[str]) -> str:
    return f"<sup>{escape(','.join(marks))}</sup>" if marks else ""
