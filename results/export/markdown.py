"""Draws a paper table in Markdown, which knows no merged cells: headers become one line, groups a row of their own."""

from collections.abc import Sequence

from results.export.layout import Grid
from results.export.pen import Pen
from results.harmless import markdown as escape

_PEN = Pen(
    escape,
    best="**%s**",
    second="<u>%s</u>",
    raised="<sup>%s</sup>",
    change=dict.fromkeys((None, True, False), "(%s)"),
)


def draw(grid: Grid, sources: Sequence[str] = ()) -> str:
    """Draw a table, and the list of its sources below."""
    lines = [f"**{escape(grid.caption)}**", ""] if grid.caption else []
    texts = [escape(" ".join(filter(None, head))) for head in grid.heads]
    heads = [text + _PEN.marks(marks) for text, marks in zip(texts, grid.head_marks, strict=True)]
    lines.append(_line([*(escape(text) for text in grid.stub_heads), *heads]))
    lines.append(_line([*(":--" for _ in grid.stub_heads), *("--:" for _ in heads)]))
    blank = [""] * (len(grid.stub_heads) + len(heads) - 1)
    for row in grid.rows:
        if row.section:
            lines.append(_line([f"*{escape(row.section)}*", *blank]))
        names = [escape(name) for name in row.stub]
        names[-1] += _PEN.marks(row.marks)
        lines.append(_line([*names, *map(_PEN.cell, row.cells)]))
    lines += [""] + [f"{_PEN.note(mark, text)}  " for mark, text in grid.notes]
    if sources:
        lines += ["", "Sources:", "", *(f"- {escape(line)}" for line in sources)]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
