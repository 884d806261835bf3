"""What a paper table consists of: the content of one YAML file.

A number stands where a row meets a column. Between them they must say model, task, split and metric: usually the row
names the model and the column the rest, but a row may name a task or split itself, which then wins.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ALL = "all"
Better = Literal["higher", "lower", "none"]


class Part(BaseModel):
    """Where one number comes from.

    Attributes:
        task: name of the task; None where the row says it.
        split: None where the row says it, or for the only one that a row's model has.
        metric: key of the number (`acc@0.5`), or `n`, `failed`, `parse_rate`, `seconds_per_sample` of the run.
        slice: `tag=value` for the samples with it only, such as `kind=attribute`.
        label: lowest line of the header; default: split and metric, where the block has several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    task: str | None = None
    split: str | None = None
    metric: str
    slice: str | None = Field(default=None, pattern="^[^=]+=.+$")
    label: str | None = None


class Block(BaseModel):
    """One column or several neighbouring ones below one head.

    Attributes:
        head: first line of the header.
        task, splits, metrics, slice: every split with every metric, in this order.
        parts: the same one by one, where they differ in more than that.
        labels: split or metric -> how the header names it.
        join: text between the numbers where all of them share one cell ("80.2 / 84.1 / 75.0").
        fact: name of a fact that the rows state (`facts`), instead of numbers.
        can: name of a kind of task: whether the model can do it, instead of numbers.
        average: heads of the blocks whose numbers are averaged, or `all`, instead of numbers.
        decimals: digits after the point; default: the table's.
        scale: what numbers are multiplied with; default: 100 for fractions and caption scores, else 1.
        better: which direction is better; default: the metric's.
        arrow: whether the header shows the direction; default: the table's.
        ratio_to: label of the row by whose number the others are divided, for speed-up factors.
        inverse: the ratio is turned upside down, for seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    head: str
    task: str | None = None
    splits: list[str] = []
    metrics: list[str] = []
    slice: str | None = Field(default=None, pattern="^[^=]+=.+$")
    parts: list[Part] = []
    labels: dict[str, str] = {}
    join: str | None = None
    fact: str | None = None
    can: str | None = None
    average: str | list[str] | None = None
    decimals: int | None = Field(default=None, ge=0, le=6)
    scale: float | None = Field(default=None, gt=0, strict=False)
    better: Better | None = None
    arrow: bool | None = None
    ratio_to: str | None = None
    inverse: bool = False

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        contents = {
            "metrics": self.metrics,
            "parts": self.parts,
            "fact": self.fact,
            "can": self.can,
            "average": self.average,
        }
        given = [name for name, value in contents.items() if value]
        if len(given) != 1:
            raise ValueError(f"column '{self.head}' needs one of {', '.join(contents)}, it has {given or 'none'}")
        if isinstance(self.average, str) and self.average != ALL:
            raise ValueError(f"average of column '{self.head}' must be a list of heads, or {ALL}")
        if self.inverse and self.ratio_to is None:
            raise ValueError(f"column '{self.head}' is inverse but has no ratio_to")
        return self

    def numbers(self) -> list[Part]:
        """List where its numbers come from, column by column; none for facts, abilities and averages."""
        if self.parts:
            return list(self.parts)
        splits: list[str | None] = [*self.splits] or [None]
        return [
            Part(task=self.task, split=split, metric=metric, slice=self.slice, label=None)
            for split in splits
            for metric in self.metrics
        ]


class Line(BaseModel):
    """One row, or one for each model or published model.

    Attributes:
        model: name of one model that was measured, as in the runs.
        published: name of one model as a publication prints it, instead.
        models: several measured ones, or `all` for every one that has a number in the table, instead.
        published_models: several published ones, or `all`, instead.
        group: head of the group that starts here; empty for a rule without head; None goes on with the group before.
        label: name in the table; default: the model's.
        task, split: stand for those of the columns.
        weights: start of the digest of the weights, where the runs know several.
        run: folder of the only run that counts, relative to the folder of runs.
        options: options of a run (`prompt_set`, `regime`, …) that must agree.
        source: words of the title of the only publication that counts.
        cannot: tasks, or `all`, that the model cannot do, beside what its own declaration says.
        facts: for columns with `fact`.
        mark, note: mark at the name, and what it means ("*", "fine-tuned on the target").
        ours: tinted.
        grey: printed grey and left out of the ranking.
        delta_to: label of the row whose numbers are taken off, the difference is shown behind the number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    model: str | None = None
    published: str | None = None
    models: str | list[str] | None = None
    published_models: str | list[str] | None = None
    group: str | None = None
    label: str | None = None
    task: str | None = None
    split: str | None = None
    weights: str | None = None
    run: str | None = None
    options: dict[str, str] = {}
    source: str | None = None
    cannot: list[str] = []
    facts: dict[str, str] = {}
    mark: str = ""
    note: str = ""
    ours: bool = False
    grey: bool = False
    delta_to: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        names = ("model", "published", "models", "published_models")
        given = [name for name in names if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"a row needs one of {', '.join(names)}, it has {given or 'none'}")
        for name in ("models", "published_models"):
            value = getattr(self, name)
            if isinstance(value, str) and value != ALL:
                raise ValueError(f"{name} must be a list of names, or {ALL}")
            if value and self.label is not None:
                raise ValueError(f"a row with {name} stands for several and cannot have the label '{self.label}'")
        return self


class TableSpec(BaseModel):
    """The content of one table file; its name is the file's.

    Attributes:
        description: one line for `refbench export --list`.
        caption: below or above the table; empty for none.
        shape: which published layout it follows, for reading only.
        columns, rows: see `Block` and `Line`; together they fix every number.
        first: head of the column with the names.
        decimals: digits after the point where a column does not say.
        best: where best and second are looked for: per `group`, in the whole `column`, or `none`.
        groups: how a group starts: `header` (a full row), `column` (a merged first column) or `rule`.
        arrows: show directions in headers.
        transpose: models as columns.
        missing, impossible: what stands for a number that is not there, and for one that cannot be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    description: str
    caption: str = ""
    shape: str = ""
    columns: list[Block] = Field(min_length=1)
    rows: list[Line] = Field(min_length=1)
    first: str = "Model"
    decimals: int = Field(default=1, ge=0, le=6)
    best: Literal["group", "column", "none"] = "group"
    groups: Literal["header", "column", "rule"] = "header"
    arrows: bool = False
    transpose: bool = False
    missing: str = "–"
    impossible: str = "×"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.missing == self.impossible:
            raise ValueError(f"missing and impossible are both '{self.missing}': they must differ")
        heads = [block.head for block in self.columns]
        for block in self.columns:
            for head in block.average if isinstance(block.average, list) else ():
                if head not in heads:
                    raise ValueError(f"column '{block.head}' averages '{head}', but the columns are {', '.join(heads)}")
        return self
