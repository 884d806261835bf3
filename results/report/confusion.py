"""A table of counts as a picture: what something is, down; what it was called, across."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from results.harmless import plain
from results.report import lettering
from results.report.axes import GRID, INK, MUTED, Frame, clean, colour, place, svg, text

MOST = 14
"""Rows and columns that are drawn; the rarer ones are added up as "others"."""
_CELL_PX, _NAME_PX, _NAMES_MOST_PX = 34, 12, 120


def draw_confusion(
    counts: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], frame: Frame, series: int = 0
) -> str:
    """Draw counts, each cell as dark as its share of its row.

    Args:
        counts: int [R, C].
        rows: R names.
        columns: C names; those that are names of rows, too, are the right answers.
        frame: title and description; `y_label` names the rows, `x_label` the columns. Its size follows the counts.
        series: colour.

    Raises:
        ValueError: another number of names.
    """
    if counts.shape != (len(rows), len(columns)):
        raise ValueError(f"counts are {counts.shape} but there are {len(rows)} and {len(columns)} names")
    names = [[lettering.cut(plain(name), _NAME_PX, _NAMES_MOST_PX) for name in each] for each in (rows, columns)]
    left, above = (int(1.2 * max((lettering.width(name, _NAME_PX) for name in each), default=0)) + 16 for each in names)
    left, top = left + 22, above + 56
    width = max(left + _CELL_PX * len(columns) + 16, 320)
    parts = [
        text(left, top - above - 4, frame.x_label, ink=MUTED),
        f'<g transform="translate(15,{place(top + _CELL_PX * len(rows) / 2)}) rotate(-90)">'
        f"{text(0, 0, frame.y_label, 'middle', MUTED)}</g>",
    ]
    for at, name in enumerate(names[1]):
        x = left + _CELL_PX * (at + 0.5) + 4
        turned = f'<g transform="translate({place(x)},{place(top - 8)}) rotate(-90)">'
        parts.append(f"{turned}{text(0, 0, name, size_px=_NAME_PX)}</g>")
    for row, name in enumerate(names[0]):
        y = top + _CELL_PX * row
        parts.append(text(left - 8, y + _CELL_PX / 2 + 4, name, "end", INK, _NAME_PX))
        whole = max(int(counts[row].sum()), 1)
        for column, count in enumerate(counts[row].tolist()):
            told = f"{rows[row]} called {columns[column]}: {count} of {int(counts[row].sum())}"
            parts.append(_cell((left + _CELL_PX * column, y), count, count / whole, (told, colour(series))))
    sized = Frame(frame.title, description=frame.description, size=(width, top + _CELL_PX * len(rows) + 16))
    return svg(sized, None, parts, _facts(counts, rows, columns))


def shorten(
    counts: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], most: int = MOST
) -> tuple[NDArray[np.int64], list[str], list[str]]:
    """Keep the most frequent rows and the columns of the same names; add the others up.

    Args:
        counts: int [R, C], whose first R columns have the names of the rows; further ones are always kept.
        rows: R names.
        columns: C names.
        most: rows to keep; those without a count go in any case.
    """
    totals = counts.sum(axis=1) + counts[:, : len(rows)].sum(axis=0)
    kept = sorted(np.argsort(-totals, kind="stable")[:most].tolist())
    kept = [each for each in kept if totals[each]]
    others = [each for each in range(len(rows)) if each not in kept]
    extra = list(range(len(rows), len(columns)))
    table = np.concatenate((counts[:, kept], counts[:, others].sum(axis=1, keepdims=True), counts[:, extra]), axis=1)
    table = np.concatenate((table[kept], table[others].sum(axis=0, keepdims=True)))
    row_names = [*(rows[each] for each in kept), "others"]
    column_names = [*(columns[each] for each in kept), "others", *(columns[each] for each in extra)]
    if not (table[-1].any() or table[:, len(kept)].any()):
        return np.delete(table[:-1], len(kept), axis=1), row_names[:-1], [n for n in column_names if n != "others"]
    return table, row_names, column_names


def _cell(corner: tuple[float, float], count: int, share: float, told: tuple[str, str]) -> str:
    words, ink = told
    x, y = corner
    look = f"fill:{ink};fill-opacity:{place(0.05 + 0.75 * share) if count else 0};stroke:{GRID};stroke-width:0.5"
    number = (
        text(x + _CELL_PX / 2, y + _CELL_PX / 2 + 4, str(count) if count < 100_000 else "…", "middle") if count else ""
    )
    return (
        f'<g><title>{clean(words)}</title><rect x="{place(x)}" y="{place(y)}" width="{_CELL_PX}" height="{_CELL_PX}" '
        f'style="{look}"/>{number}</g>'
    )


def _facts(counts: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str]) -> str:
    told = []
    for row, name in enumerate(rows):
        most = np.argsort(-counts[row], kind="stable")[:3].tolist()
        told.append(f"{name}: " + ", ".join(f"{columns[at]} {counts[row, at]}" for at in most if counts[row, at]))
    return "; ".join(told) if counts.any() else "no counts"
