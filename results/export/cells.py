"""What stands in a paper table before it is laid out: numbers with their source, and why a number is not there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["number", "text", "able", "missing", "impossible", "undefined", "incomplete"]
"""`missing`: not measured. `impossible`: the model cannot do the task. `undefined`: measured, and the metric has no
value. `incomplete`: an average or a difference of which a number is missing."""
SAMPLE = "sample world: procedural scenes, not comparable to official data"
TEACHER = "teacher-forced: the form of the answer was given"
STOPPED = "run stopped early"
OTHER_PROTOCOL = "other protocol than the rest of the column"
UNDEFINED = "measured, but the metric has no value there"


@dataclass(frozen=True)
class Source:
    """Where a number comes from.

    Attributes:
        kind: `run`, or `published` for one that a publication prints.
        name: run directory relative to the root of all runs, or title of the publication.
        key: ten hexadecimal digits of the run, or where in the publication.
        details: protocol, commit, date, digest of the weights, …, by name.
        protocol: what the number may be compared by, see `results.fingerprint`; empty for printed numbers.
    """

    kind: Literal["run", "published"]
    name: str
    key: str
    details: Mapping[str, str] = field(default_factory=dict)
    protocol: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One number, or what stands for it.

    Attributes:
        state: see `State`.
        value: plain and unrounded; only for `number`.
        text: for `text`.
        scale: what it is multiplied with to be shown.
        decimals: digits after the point; a printed number has no more than its publication shows.
        sources: what it was made of: one for a measured or printed number, several for an average.
        notes: footnotes.
        world: `official`, `sample`, `part` of a split, or `published`; numbers of several are not ranked together.
            Empty for one that is not ranked at all.
        code: of the protocol; empty for printed numbers, which do not tell theirs.
        delta: unrounded difference to the row that it is compared with, None where there is none.
        factor: it is a ratio, shown with a multiplication sign.
        what: task, split and metric, for the appendix.
        query: task, split, metric and slice; None for what was computed from several numbers.
    """

    state: State
    value: float | None = None
    text: str = ""
    scale: float = 1.0
    decimals: int = 1
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    world: Literal["official", "sample", "part", "published", ""] = ""
    code: str = ""
    delta: float | None = None
    factor: bool = False
    what: str = ""
    query: tuple[str, str | None, str, str | None] | None = None

    @property
    def shown(self) -> float:
        """The number as the table shows it, before rounding."""
        assert self.value is not None
        return self.value * self.scale


@dataclass(frozen=True)
class Leaf:
    """One column of cells, or one part of a cell that several numbers share.

    Attributes:
        path: header from the top line down.
        better: which direction is better.
        arrow: whether the header shows it.
    """

    path: tuple[str, ...]
    better: Literal["higher", "lower", "none"] = "higher"
    arrow: bool = False


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        model: name of the model in the runs or as printed.
        label: name of the model as shown.
        group: head of its group; empty for none.
        cells: one list for each column: usually one cell, several where they are joined.
        mark, note: mark at the name, and what it means.
        ours: tinted.
        grey: printed grey and not ranked.
    """

    model: str
    label: str
    group: str
    cells: tuple[tuple[Cell, ...], ...]
    mark: str = ""
    note: str = ""
    ours: bool = False
    grey: bool = False


@dataclass(frozen=True)
class Table:
    """A paper table with everything that is known about each number.

    Attributes:
        name: of the table.
        columns: one for each column; several leaves share a cell where they are joined.
        joins: for each column, the text between joined numbers.
        rows: in order; rows of a group follow each other.
        emphasis: (row, column, part) -> `best` or `second`.
        ranks_printed: printed numbers were ranked together with measured ones.
    """

    name: str
    caption: str
    first: str
    columns: tuple[Leaf, ...]
    joins: tuple[str, ...]
    rows: tuple[Row, ...]
    groups: Literal["header", "column", "rule"]
    transpose: bool
    missing: str
    impossible: str
    emphasis: Mapping[tuple[int, int, int], Literal["best", "second"]] = field(default_factory=dict)
    ranks_printed: bool = False
