"""Holds every number in the tables of a finished paper against the stored runs and the published numbers."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from results.export.cells import Cell, Row, Table
from results.export.latex import escape
from results.export.layout import Grid, lay_out
from results.export.pick import Evidence, values_of
from results.export.tex import PaperCell, PaperTable, plain

Verdict = Literal["ok", "wrong", "stale", "untraceable", "emphasis"]
_NUMBER = re.compile(r"(?<![\w.])[-+−–]?\d+(?:,\d{3})*(?:\.\d+)?")
_MARKS = str.maketrans("", "", "*†‡§")
_ARROWS = re.compile(r"[↑↓]")


@dataclass(frozen=True)
class Finding:
    """What was found about one number of the paper.

    Attributes:
        place: `file:line`.
        table, row, column: where it stands, as the paper names it.
        printed: the number.
        verdict: `ok`; `wrong`, no run gives it; `stale`, an older run of the same model gives it; `untraceable`,
            nothing is known that it could come from; `emphasis`, right, but bold where it is not the best.
        reason: what the runs say instead.
    """

    place: str
    table: str
    row: str
    column: str
    printed: str
    verdict: Verdict
    reason: str = ""

    def line(self) -> str:
        """Say it in one line."""
        where = " / ".join(filter(None, (self.table, self.row, self.column)))
        return f"{self.place}: {self.verdict}: {self.printed} ({where}): {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """Build its entry in `export --check --json`."""
        return asdict(self)


def check(papers: Sequence[PaperTable], build: Callable[[str], Table | None], evidence: Evidence) -> list[Finding]:
    """Check all tables of a paper.

    Args:
        papers: its tables.
        build: what stands behind `% refbench table=` -> the table as the runs give it now; None where no such table is
            described. Called with an empty text for a table without that line.
        evidence: for numbers of earlier runs.
    """
    found: list[Finding] = []
    for paper in papers:
        if paper.marker == "skip":
            continue
        table = build(paper.marker)
        found += _untraceable(paper) if table is None else _Desk(paper, table, evidence).findings()
    return found


def _untraceable(paper: PaperTable) -> list[Finding]:
    """Every number of a table that nothing describes."""
    reason = (
        f"no table is called '{paper.marker}': name its file with --table"
        if paper.marker
        else "put the line `% refbench table=NAME` before the table, or `% refbench skip` where it holds no results"
    )
    return [
        Finding(f"{paper.file.name}:{cell.line}", paper.marker, plain(row[0].raw), "", number, "untraceable", reason)
        for row in paper.body
        for cell in row[1:]
        if cell.span == 1
        for number in _NUMBER.findall(cell.text)
    ]


class _Desk:
    """One table of the paper beside the table that the runs give."""

    def __init__(self, paper: PaperTable, table: Table, evidence: Evidence) -> None:
        self.paper, self.table, self.evidence = paper, table, evidence
        self.grid: Grid = lay_out(table)
        self.rows = {
            _key(*(row.stub if table.transpose else row.stub[-1:])): at for at, row in enumerate(self.grid.rows)
        }
        self.columns = {_key(*head): at for at, head in enumerate(self.grid.heads)}

    def findings(self) -> list[Finding]:
        """Go over all cells."""
        stubs = len(self.grid.stub_heads)
        heads = self._heads()
        found: list[Finding] = []
        for row in self.paper.body:
            if not row or row[0].span > 1:  # the head of a group
                continue
            names = [plain(cell.raw) for cell in row[:stubs]]
            for at, cell in enumerate(row[stubs:], start=stubs):
                head = heads[at] if at < len(heads) else ""
                found += self._cell(names, head, cell)
        return found

    def _heads(self) -> list[str]:
        width = max((len(row) for row in self.paper.head), default=0)
        heads = []
        for at in range(width):
            texts = [plain(row[at].raw) for row in self.paper.head if at < len(row)]
            heads.append(" ".join(dict.fromkeys(filter(None, texts))))
        return heads

    def _cell(self, names: Sequence[str], head: str, cell: PaperCell) -> list[Finding]:
        printed = _NUMBER.findall(cell.text)
        if not printed:
            return []
        label = " ".join(filter(None, names if self.table.transpose else names[-1:]))
        row, row_problem = _match(self.rows, label, "row")
        column, column_problem = _match(self.columns, head, "column")

        def finding(number: str, verdict: Verdict, reason: str = "") -> Finding:
            return Finding(f"{self.paper.file.name}:{cell.line}", self.table.name, label, head, number, verdict, reason)

        if row is None or column is None:
            return [finding(number, "untraceable", row_problem or column_problem) for number in printed]
        owner, cells, place = self._known(row, column)
        if any(each.state == "text" for each in cells):
            same = _key(plain(escape(cells[0].text))) == _key(cell.text)
            reason = f"the table's description says '{cells[0].text}'"
            return [finding(number, "ok" if same else "wrong", "" if same else reason) for number in printed]
        expected = _expected(cells)
        found = []
        for at, number in enumerate(printed):
            if at >= len(expected):
                found.append(finding(number, "untraceable", _absence(cells)))
                continue
            verdict, reason = self._judge(number, expected[at], owner)
            if verdict == "ok" and cell.is_bold and self._is_falsely_bold(place, len(cells)):
                verdict, reason = "emphasis", "bold, but not the best of what it may be compared with"
            found.append(finding(number, verdict, reason))
        return found

    def _known(self, row: int, column: int) -> tuple[Row, Sequence[Cell], tuple[int, int]]:
        place = (column, row) if self.table.transpose else (row, column)
        return self.table.rows[place[0]], self.table.rows[place[0]].cells[place[1]], place

    def _is_falsely_bold(self, place: tuple[int, int], parts: int) -> bool:
        marks = [self.table.emphasis.get((*place, part)) for part in range(parts)]
        return bool(self.table.emphasis) and "best" not in marks

    def _judge(self, number: str, expected: "_Expected", owner: Row) -> tuple[Verdict, str]:
        if _agrees(number, expected.value):
            return "ok", ""
        cell = expected.cell
        now = f"{_origin(cell)} gives {expected.value:.{max(cell.decimals, _digits(number))}f}"
        if not expected.is_delta and cell.query is not None:
            for where, value in values_of(self.evidence, owner.model, cell.query):
                if _agrees(number, value * cell.scale):
                    return "stale", f"{where} gave it; {now}"
        return "wrong", now


@dataclass(frozen=True)
class _Expected:
    value: float
    cell: Cell
    is_delta: bool = False


def _expected(cells: Sequence[Cell]) -> list[_Expected]:
    """Numbers that a cell shows, in order."""
    found = []
    for cell in cells:
        if cell.value is not None:
            found.append(_Expected(cell.shown, cell))
            if cell.delta is not None:
                found.append(_Expected(cell.delta * cell.scale, cell, is_delta=True))
    return found


def _absence(cells: Sequence[Cell]) -> str:
    words = {
        "missing": "no run and no publication gives a number there",
        "impossible": "the model cannot do this task",
        "undefined": "the run has no value there",
        "incomplete": "a number that it needs is missing",
    }
    return next(
        (words[cell.state] for cell in cells if cell.state in words), "the table has fewer numbers in this cell"
    )


def _origin(cell: Cell) -> str:
    if len(cell.sources) != 1:
        return f"the {'mean' if cell.sources else 'table'} of {len(cell.sources)} sources"
    source = cell.sources[0]
    return f"run {source.name}" if source.kind == "run" else f"'{source.name}'"


def _agrees(printed: str, value: float) -> bool:
    """Whether a printed number is a rounding of a value, to as many digits as it has."""
    digits = _digits(printed)
    number = float(printed.replace(",", "").replace("−", "-").replace("–", "-"))
    return abs(number - value) <= 0.5 * 10.0**-digits * (1 + 1e-9)


def _digits(printed: str) -> int:
    return len(printed.partition(".")[2])


def _key(*texts: str) -> str:
    """Text for comparison: small letters, no spaces, arrows or commands."""
    joined = "".join(plain(escape(text)) if "\\" not in text else text for text in texts)
    return re.sub(r"\s", "", _ARROWS.sub("", joined)).lower()


def _match(known: Mapping[str, int], text: str, what: str) -> tuple[int | None, str]:
    key = _key(text)
    if key in known:
        return known[key], ""
    bare = [at for name, at in known.items() if name.translate(_MARKS) == key.translate(_MARKS)]
    if len(bare) == 1:
        return bare[0], ""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f"; the nearest is '{near[0]}'" if near else ""
    return None, f"the table has no {what} '{text}'{hint}"
