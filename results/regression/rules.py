"""Rules of a gate: what may get worse, by how much, and where. One class per kind of rule.

A drop is a change in the direction in which the metric gets worse, so rules read the same for accuracies and errors.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from results.record import Better, Record

Part = tuple[str, str]
"""Tag and value of a slice."""
WHOLE: Part = ("", "")
HEADLINE = "headline"
"""Stands for the first number of every task."""
Drop = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
_WILD = "*?["


class Rule(BaseModel):
    """What all rules have.

    Attributes:
        name: shown in the verdict; empty for the kind.
        tasks: names of tasks, or patterns with * and ?.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    tasks: Names = ("*",)

    def covers(self, record: Record) -> bool:
        """Whether the rule speaks of this task."""
        return any(fnmatchcase(record.task, pattern) for pattern in self.tasks)


class MetricRule(Rule):
    """A rule about numbers.

    Attributes:
        metrics: keys, patterns, or `headline`.
        slices: patterns of `tag=value`, as in `kind=distance` or `object_size=*`; none for the whole run only.
    """

    metrics: Names = (HEADLINE,)
    slices: tuple[str, ...] = ()

    def keys(self, record: Record) -> list[str]:
        """Name the numbers of a row that the rule speaks of, in the order of its columns."""
        wanted = [record.headline if pattern == HEADLINE else pattern for pattern in self.metrics]
        return [key for key in record.columns if any(fnmatchcase(key, pattern) for pattern in wanted)]

    def unknown_keys(self, records: Iterable[Record]) -> list[str]:
        """Name metrics that stand in the rule without a wildcard and in none of the rows."""
        known = {key for record in records for key in record.columns} | {HEADLINE}
        return [name for name in self.metrics if name not in known and not set(_WILD) & set(name)]

    def parts(self, known: Iterable[Part]) -> list[Part]:
        """Choose the slices that the rule speaks of; ("", "") is the whole run."""
        if not self.slices:
            return [WHOLE]
        return [part for part in known if any(fnmatchcase("=".join(part), pattern) for pattern in self.slices)]

    def unknown_slices(self, known: Iterable[Part]) -> list[str]:
        """Name patterns of the rule that no slice fits."""
        names = ["=".join(part) for part in known]
        return [pattern for pattern in self.slices if not any(fnmatchcase(name, pattern) for name in names)]


class Absolute(MetricRule):
    """Fails where a number drops by more than `max_drop`, in its own unit: 0.01 is one point of a fraction."""

    kind: Literal["absolute"]
    max_drop: Drop


class Relative(MetricRule):
    """Fails where a number drops by more than this share of its baseline: 0.02 is 2 %."""

    kind: Literal["relative"]
    max_drop: Drop


class Significance(MetricRule):
    """Fails where a drop is larger than `max_drop` and no accident, by the one-sided paired test at `alpha`."""

    kind: Literal["significance"]
    max_drop: Drop = 0.0


class Limit(MetricRule):
    """Fails where a number of the candidate is outside; the baseline plays no part."""

    kind: Literal["limit"]
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a limit needs at_least, at_most or both")
        return self


class Latency(Rule):
    """Fails where the candidate is surely slower than the baseline by more than `max_slowdown`: 0.2 is 20 %."""

    kind: Literal["latency"]
    max_slowdown: Drop


class Failures(Rule):
    """Fails where the share of samples without a usable answer is above `max_rate`, or rose by more than allowed."""

    kind: Literal["failures"]
    max_rate: Share | None = None
    max_increase: Share | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.max_rate is None and self.max_increase is None:
            raise ValueError("a rule about failures needs max_rate, max_increase or both")
        return self


KINDS: Mapping[str, type[Rule]] = {
    "absolute": Absolute,
    "relative": Relative,
    "significance": Significance,
    "limit": Limit,
    "latency": Latency,
    "failures": Failures,
}


class Settings(BaseModel):
    """What holds for all rules of a gate.

    Attributes:
        description: one line.
        alpha: chance of an alarm without a cause, over all significance checks together.
        correction: how that chance is shared among several checks; `none` gives each of them the whole of it.
        missing: what it means that a row of the baseline has no run in the candidate.
        directions: metric key -> which way is better, for metrics whose card does not say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = ""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    correction: Literal["holm", "none"] = "holm"
    missing: Literal["fail", "skip"] = "fail"
    directions: Mapping[str, Better] = Field(default_factory=dict)


class RuleBook(Settings):
    """Everything that a gate goes by; a rule that speaks of no run is reported."""

    rules: tuple[Rule, ...]


def titles(rules: Sequence[Rule]) -> list[str]:
    """Name rules for people: their own name, else their kind, numbered where two would be called the same."""
    names = [rule.name or getattr(rule, "kind", "rule") for rule in rules]
    return [name if names.count(name) == 1 else f"{name} #{at}" for at, name in enumerate(names, start=1)]
