"""Fills a paper table: from its description and all evidence to cells with their sources."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log10
from statistics import fmean

from metrics.errors import DataError
from results.export.cells import OTHER_PROTOCOL, UNDEFINED, Cell, Row, Source, Table
from results.export.columns import Column, columns
from results.export.emphasis import emphasis, ranks_printed
from results.export.pick import Evidence, Subject
from results.export.spec import ALL, TableSpec
from results.export.subjects import subjects

Cells = tuple[Cell, ...]


def build(name: str, spec: TableSpec, evidence: Evidence) -> Table:
    """Fill a table.

    Raises:
        DataError: no row is left, or a row is compared with one that the table does not have.
    """
    places = columns(spec, evidence.directions)
    chosen = subjects(spec, evidence)
    if not chosen or not _has_anything(chosen, spec):
        raise DataError(
            f"table '{name}' would be empty: no run and no published number fits its rows "
            "(`refbench export --list` shows what it asks for, `refbench eval` makes runs)"
        )
    labels = _unique([subject.label for subject in chosen])
    grid = [[_cells(subject, column, evidence, spec) for column in places] for subject in chosen]
    _average(grid, places)
    _relate(grid, places, chosen, labels, name)
    grid = _other_protocols(grid)
    rows = [
        _row(subject, label, group, tuple(cells), evidence)
        for subject, label, group, cells in zip(chosen, labels, _groups(chosen), grid, strict=True)
    ]
    return Table(
        name=name,
        caption=spec.caption,
        first=spec.first,
        columns=tuple(column.leaf for column in places),
        joins=tuple(column.block.join or "" for column in places),
        rows=tuple(rows),
        groups=spec.groups,
        transpose=spec.transpose,
        missing=spec.missing,
        impossible=spec.impossible,
        emphasis=emphasis(rows, [column.leaf.better for column in places], spec.best),
        ranks_printed=ranks_printed(rows, spec.best),
    )


def _has_anything(chosen: Sequence[Subject], spec: TableSpec) -> bool:
    """Whether a row has a run or a printed number, or the table asks for what needs neither."""
    needs_none = any(block.fact is not None or block.can is not None for block in spec.columns)
    return needs_none or any(subject.runs or subject.quotes for subject in chosen)


def _cells(subject: Subject, column: Column, evidence: Evidence, spec: TableSpec) -> Cells:
    block = column.block
    if block.fact is not None:
        text = subject.line.facts.get(block.fact)
        return (Cell("missing") if text is None else Cell("text", text=text, what=f"fact {block.fact}"),)
    if block.can is not None:
        able = evidence.abilities(subject.model, block.can)
        declared = block.can in subject.line.cannot or ALL in subject.line.cannot
        return (Cell("impossible" if declared or able is False else "missing" if able is None else "able"),)
    decimals = spec.decimals if block.decimals is None else block.decimals
    return tuple(_dressed(subject.cell(part, evidence), block.scale, decimals) for part in column.parts)


def _dressed(cell: Cell, scale: float | None, decimals: int) -> Cell:
    """Set scale and digits; a printed number shows no digit that its publication does not print."""
    if cell.state != "number":
        return replace(cell, decimals=decimals)
    wanted = cell.scale if scale is None else scale
    if cell.world == "published":
        decimals = max(0, min(decimals, cell.decimals + round(log10(cell.scale / wanted))))
    return replace(cell, scale=wanted, decimals=decimals)


def _average(grid: Sequence[list[Cells]], places: Sequence[Column]) -> None:
    """Fill columns of averages: means of unrounded numbers, and only over complete rows."""
    for at, column in enumerate(places):
        chosen = column.block.average
        if chosen is None:
            continue
        over = [k for k, each in enumerate(places) if each.parts and (chosen == ALL or each.block.head in chosen)]
        for cells in grid:
            cells[at] = (_mean([cell for k in over for cell in cells[k]], column),)


def _mean(cells: Sequence[Cell], column: Column) -> Cell:
    what = f"mean of {len(cells)} numbers: {'; '.join(cell.what for cell in cells)}"
    worlds = {cell.world for cell in cells}
    if not cells or any(cell.state != "number" for cell in cells) or {"sample", "official"} <= worlds:
        cannot = bool(cells) and all(cell.state == "impossible" for cell in cells)
        return Cell("impossible" if cannot else "incomplete", what=what)
    scale = column.block.scale or cells[0].scale
    decimals = min(cell.decimals for cell in cells)
    return Cell(
        "number",
        fmean(cell.shown for cell in cells) / scale,
        scale=scale,
        decimals=decimals if column.block.decimals is None else min(decimals, column.block.decimals),
        sources=_all_sources(cells),
        notes=tuple(dict.fromkeys(note for cell in cells for note in cell.notes)),
        world=worlds.pop() if len(worlds) == 1 else "",
        code="+".join(cell.code for cell in cells),
        what=what,
    )


def _all_sources(cells: Sequence[Cell]) -> tuple[Source, ...]:
    return tuple({(each.name, each.key): each for cell in cells for each in cell.sources}.values())


def _relate(
    grid: list[list[Cells]],
    places: Sequence[Column],
    chosen: Sequence[Subject],
    labels: Sequence[str],
    name: str,
) -> None:
    """Fill ratios and differences to other rows."""
    rows = {label: number for number, label in enumerate(labels)}
    for at, column in enumerate(places):
        if column.block.ratio_to is not None:
            base = grid[_find(rows, column.block.ratio_to, name)][at]
            for cells in grid:
                cells[at] = tuple(_ratio(one, other, column) for one, other in zip(cells[at], base, strict=True))
    for number, subject in enumerate(chosen):
        if subject.line.delta_to is not None:
            base_row = grid[_find(rows, subject.line.delta_to, name)]
            grid[number] = [
                tuple(_differ(one, other) for one, other in zip(cells, others, strict=True))
                for cells, others in zip(grid[number], base_row, strict=True)
            ]


def _find(rows: Mapping[str, int], label: str, name: str) -> int:
    if label not in rows:
        near = difflib.get_close_matches(label, rows, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"its rows are {', '.join(list(rows)[:8])}"
        raise DataError(f"table '{name}' compares with a row '{label}' that it does not have: {hint}")
    return rows[label]


def _ratio(cell: Cell, base: Cell, column: Column) -> Cell:
    if cell.value is None or base.value is None:
        return cell if cell.value is None else Cell("incomplete", what=cell.what)
    over, under = (base.value, cell.value) if column.block.inverse else (cell.value, base.value)
    what = f"{cell.what}, {'inverse ' if column.block.inverse else ''}ratio to '{column.block.ratio_to}'"
    if under == 0:
        return Cell("undefined", sources=cell.sources, notes=(UNDEFINED, *cell.notes), what=what)
    sources = _all_sources((cell, base))
    return replace(cell, value=over / under, scale=1.0, sources=sources, factor=True, what=what, query=None)


def _differ(cell: Cell, base: Cell) -> Cell:
    """Add the difference to the base's number, where both can be compared."""
    if cell.value is None or base.value is None or (cell.world, cell.code) != (base.world, base.code):
        return cell
    return replace(cell, delta=cell.value - base.value)


def _other_protocols(grid: Sequence[Sequence[Cells]]) -> list[list[Cells]]:
    """Mark measured numbers whose protocol is not the most frequent one of their column."""
    columns = []
    for column in zip(*grid, strict=True):
        parts = [_marked(cells) for cells in zip(*column, strict=True)]
        columns.append(list(zip(*parts, strict=True)))
    return [list(row) for row in zip(*columns, strict=True)]


def _marked(column: Sequence[Cell]) -> list[Cell]:
    """The cells of one column, those under another protocol than most with a footnote."""
    alike: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
    for cell in column:
        alike[_asked(cell)].append(cell)
    usuals = {asked: _usual(cells) for asked, cells in alike.items()}
    return [_beside(cell, usuals[_asked(cell)]) for cell in column]


def _beside(cell: Cell, usual: Cell | None) -> Cell:
    if usual is None or not cell.code or cell.code == usual.code:
        return cell
    return replace(cell, notes=(*cell.notes, _difference(cell, usual)))


def _asked(cell: Cell) -> tuple[object, ...]:
    """Task and split that a cell asks for: rows may name their own."""
    return (cell.query or ())[:2]


def _usual(cells: Sequence[Cell]) -> Cell | None:
    """A cell with the most frequent protocol, official data before others; None without a measured number."""
    codes = Counter((cell.world == "official", cell.code) for cell in cells if cell.code)
    if not codes:
        return None
    most = max(codes, key=lambda each: (each[0], codes[each]))
    return next(cell for cell in cells if cell.code == most[1])


def _difference(cell: Cell, usual: Cell) -> str:
    one, other = cell.sources[0].protocol, usual.sources[0].protocol
    names = [field for field in one if one[field] != other.get(field)]
    return f"{OTHER_PROTOCOL} ({', '.join(names)})" if names else OTHER_PROTOCOL


def _row(subject: Subject, label: str, group: str, cells: tuple[Cells, ...], evidence: Evidence) -> Row:
    line = subject.line
    bound = line.models == ALL and subject.model in evidence.bounds
    return Row(
        subject.model,
        label,
        group,
        cells,
        mark=line.mark,
        note=line.note,
        ours=line.ours and not bound,
        grey=line.grey or bound,
    )


def _groups(chosen: Sequence[Subject]) -> list[str]:
    """Head of the group of each row: a row without one goes on with the group before."""
    heads: list[str] = []
    for subject in chosen:
        heads.append(subject.line.group if subject.line.group is not None else heads[-1] if heads else "")
    return heads


def _unique(labels: Sequence[str]) -> list[str]:
    """Number labels that occur twice, so that every row can be told from the others."""
    counts: Counter[str] = Counter()
    repeated = {label for label, count in Counter(labels).items() if count > 1}
    found = []
    for label in labels:
        counts[label] += 1
        found.append(f"{label} #{counts[label]}" if label in repeated else label)
    return found
