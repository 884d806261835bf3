"""Draws a paper table in HTML: one file without scripts, light and dark, that shows every source on its cell."""

from collections.abc import Sequence
from html import escape

from results.export.layout import Grid, GridRow
from results.export.pen import Pen

_STYLE = """
:root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--line:#999;--soft:#f0f3f7;
--grey:#6b6b6b;--good:#17692e;--bad:#a3211c}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#16181b;--line:#777;--soft:#242a31;--grey:#a0a0a0;
--good:#7ed492;--bad:#ff9a93}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;border-top:2px solid var(--ink);border-bottom:2px solid var(--ink)}
caption{text-align:left;padding:.4rem 0;font-weight:600}
td,th{padding:.25rem .6rem;text-align:center;font-weight:400}
th[scope=row],.name{text-align:left}thead tr:last-child{border-bottom:1px solid var(--ink)}
.group{border-bottom:1px solid var(--line)}
.rule{border-top:1px solid var(--line)}.section{font-style:italic;text-align:left}
.ours{background:var(--soft)}.grey{color:var(--grey)}.good{color:var(--good)}.bad{color:var(--bad)}
.notes,.sources{font-size:.85em;max-width:70rem}.sources li{overflow-wrap:anywhere}
""".strip()
_PEN = Pen(
    escape,
    best="<b>%s</b>",
    second="<u>%s</u>",
    raised="<sup>%s</sup>",
    change={None: "<span>(%s)</span>", True: '<span class="good">(%s)</span>', False: '<span class="bad">(%s)</span>'},
)


def draw(tables: Sequence[tuple[Grid, Sequence[str]]]) -> str:
    """Draw a page of tables, each with the lines that say where its numbers come from."""
    title = escape(", ".join(grid.name for grid, _ in tables))
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        *(_table(grid, sources) for grid, sources in tables),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _table(grid: Grid, sources: Sequence[str]) -> str:
    width = len(grid.stub_heads) + len(grid.heads)
    body = "\n".join(line for at, row in enumerate(grid.rows) for line in _row(grid, at, row, width))
    notes = "".join(f"<p>{_PEN.note(mark, text)}</p>" for mark, text in grid.notes)
    listed = "".join(f"<li>{escape(line)}</li>" for line in sources)
    caption = f"<caption>{escape(grid.caption)}</caption>" if grid.caption else ""
    table = f"<table>{caption}<thead>{''.join(_head(grid))}</thead>\n<tbody>{body}</tbody></table>"
    parts = [f'<section><div class="wide">{table}</div><div class="notes">{notes}</div>']
    parts += [f'<details class="sources"><summary>Sources</summary><ul>{listed}</ul></details>'] if listed else []
    return "\n".join([*parts, "</section>"])


def _head(grid: Grid) -> list[str]:
    depth = len(grid.heads[0])
    found = []
    for level in range(depth):
        cells = []
        if level == 0:
            cells += [f'<th class="name" rowspan="{depth}" scope="col">{escape(text)}</th>' for text in grid.stub_heads]
        for at, length, text in grid.head_spans(level):
            below = grid.heads[at][level + 1 :]
            tall = depth - level if below and not any(below) and length == 1 else 1
            if text or not level:
                look = ' class="group"' if any(below) else ""
                scope = "colgroup" if length > 1 else "col"
                marks = "" if any(below) else _PEN.marks(grid.head_marks[at])
                head = f'<th{look} colspan="{length}" rowspan="{tall}" scope="{scope}">'
                cells.append(f"{head}{escape(text)}{marks}</th>")
            elif any(grid.heads[at][level:]):
                cells.append(f'<th colspan="{length}"></th>')
        found.append(f"<tr>{''.join(cells)}</tr>")
    return found


def _row(grid: Grid, at: int, row: GridRow, width: int) -> list[str]:
    lines = []
    if row.section:
        lines.append(
            f'<tr class="rule"><th class="section" scope="rowgroup" colspan="{width}">{escape(row.section)}</th></tr>'
        )
    looks = [
        name
        for name, is_so in (("ours", row.ours), ("grey", row.grey), ("rule", row.rule and not row.section))
        if is_so
    ]
    names = [_name(grid, at, level) for level in range(len(row.stub))]
    cells = "".join(f"<td>{_PEN.cell(cell)}</td>" for cell in row.cells)
    return [*lines, f'<tr class="{" ".join(looks)}">{"".join(names)}{cells}</tr>']


def _name(grid: Grid, at: int, level: int) -> str:
    stub = grid.rows[at].stub
    if level == len(stub) - 1:
        return f'<th scope="row">{escape(stub[level])}{_PEN.marks(grid.rows[at].marks)}</th>'
    length = grid.reach(at, level)
    return f'<th class="name" rowspan="{length}" scope="rowgroup">{escape(stub[level])}</th>' if length else ""
