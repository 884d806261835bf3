"""Where every number of a paper table comes from."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from results.export.cells import Cell, Source, Table
from results.export.layout import head_text


@dataclass
class Entry:
    """One source and the cells that it feeds: name of a row -> heads of its columns."""

    source: Source
    cells: dict[str, list[str]] = field(default_factory=dict)

    def line(self, number: int) -> str:
        """Say it in one line."""
        source = self.source
        facts = ", ".join(f"{name} {value}" for name, value in source.details.items() if name != "elsewhere")
        what = (
            f"run {source.name} (id {source.key}" if source.kind == "run" else f"{source.name}, {source.key} (printed"
        )
        return f"[{number}] {what}{', ' + facts if facts else ''}): {self._fed()}"

    def _fed(self) -> str:
        """Name the cells: `row / column, column; row / column`."""
        return "; ".join(f"{label} / {', '.join(heads)}" for label, heads in self.cells.items())


def entries(table: Table) -> list[Entry]:
    """List all sources in the order in which the table first needs them."""
    found: dict[tuple[str, str, str], Entry] = {}
    for label, head, cell in each_cell(table):
        for source in cell.sources:
            entry = found.setdefault((source.kind, source.name, source.key), Entry(source))
            other = source.details.get("elsewhere")
            heads = entry.cells.setdefault(label, [])
            heads.append(f"{head} (elsewhere {other})" if other else head)
    return list(found.values())


def lines(table: Table) -> list[str]:
    """The appendix as lines of text."""
    return [entry.line(number) for number, entry in enumerate(entries(table), start=1)]


def each_cell(table: Table) -> Iterator[tuple[str, str, Cell]]:
    """Go over all single numbers: label of the row, header in one line, cell."""
    for row in table.rows:
        for leaf, cells in zip(table.columns, row.cells, strict=True):
            for cell in cells:
                yield row.label, head_text(leaf), cell
