"""The record of one run: what was asked, of whom, on which data, and the numbers.

A record is written as `result.json`. It holds no time, no absolute path and no fact about the machine, so that the same
run gives the same bytes anywhere; those facts stand beside it in `run.json`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self, cast

from metrics.errors import DataError
from results import migration, record_types

Better = Literal["higher", "lower", "none"]
"""Which way a number gets better; `none` for one that has no good direction."""
SCHEMA = 1
"""Version of the files in a run directory; changes whenever an old reader could misread them."""


@dataclass(frozen=True)
class Slice:
    """Numbers over the samples that share one value of a tag.

    Attributes:
        n: samples in the slice.
        metrics: key -> plain number, None where undefined.
    """

    n: int
    metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class Failure:
    """Samples without a usable answer, for one kind of reason.

    Attributes:
        status: "failed" or "parse_error".
        reason: without what differs between samples.
        n: how many.
        examples: ids of the first few.
    """

    status: str
    reason: str
    n: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """Which samples were answered.

    Attributes:
        expected: samples that were to be answered.
        seen: of those, how many have an answer, a failed one included.
        missing: how many have none.
        duplicated: ids with more than one answer.
        unexpected: ids with an answer that nobody asked for.
        failed: answers that stand for a failure.
        ids: "missing", "duplicated", "unexpected" and "failed" -> the first few ids; sorts without any are absent.
    """

    expected: int
    seen: int
    missing: int
    duplicated: int
    unexpected: int
    failed: int
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        """Whether every expected id was answered once, and no other one."""
        return self.seen == self.expected and not (self.missing or self.duplicated or self.unexpected)


@dataclass(frozen=True)
class StoppedEarly:
    """Why a run was ended before all its samples were asked: its numbers are those of a part.

    Attributes:
        key: metric that was judged.
        baseline: number that it was held against.
        value: over the samples that counted.
        low, high: interval of what the whole run would give.
        n: samples that counted.
        of: samples of the whole run.
        rule: how the interval allows for looking repeatedly.
    """

    key: str
    baseline: float
    value: float
    low: float
    high: float
    n: int
    of: int
    rule: str


@dataclass(frozen=True)
class Record:
    """One row of the table: one model on one split of one task.

    Attributes:
        model: name in the registry.
        task: name of the task.
        kind: kind of the task ("rec", "res", …): rows of one kind have the same columns.
        dataset: benchmark with partition, for example `refcocog/umd`.
        split: name of the split.
        data: "official", or "sample" for the sample world, which is never comparable to published numbers.
        limit: how many samples were asked for, None for all.
        n: samples in the denominator.
        available: samples that the opened split holds.
        expected: published number of samples; None where none is published.
        failed: samples on which the model raised or gave an unusable answer.
        unparsable: samples whose text could not be read.
        missing: samples without any prediction.
        headline: key that a table shows first.
        columns: every key of `metrics`, in the order of its metric.
        metrics: key -> plain number as the official tool defines it, None where undefined.
        units: key -> "fraction", "metres", …
        intervals: key -> 95 % interval; keys that have none are absent.
        protocols: metric name -> versioned rules.
        slices: tag -> value -> numbers over the samples with it.
        options: protocol options and prompt of the task.
        digests: "data" (ids and targets of the split), "ids", "rows", "model" and "answers" (SHA-256 of the file of
            predictions; absent in records of earlier versions), hex.
        refbench: version of the package that made it.
        failures: the most frequent reasons why samples have no usable answer.
        coverage: which samples were answered; None in records of earlier versions.
        stopped_early: why it covers a part only; None for a run that came to its end.
        directions: key -> which way it gets better, of metrics that are not part of this package; the cards of others
            say it. Absent from the file where there are none.
        run: run directory relative to the root of all runs, with forward slashes; not part of `result.json`.
    """

    model: str
    task: str
    kind: str
    dataset: str
    split: str
    data: Literal["official", "sample"]
    limit: int | None
    n: int
    available: int
    expected: int | None
    failed: int
    unparsable: int
    missing: int
    headline: str
    columns: tuple[str, ...]
    metrics: Mapping[str, float | None]
    units: Mapping[str, str]
    intervals: Mapping[str, tuple[float, float]]
    protocols: Mapping[str, str]
    refbench: str
    slices: Mapping[str, Mapping[str, Slice]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    coverage: Coverage | None = None
    stopped_early: StoppedEarly | None = None
    directions: Mapping[str, Better] = field(default_factory=dict)
    run: str = ""

    @property
    def whole(self) -> int | None:
        """What `n` is a part of: published count, or size of the split; None when the run covers all of it."""
        full = self.available if self.expected is None else self.expected
        return None if self.n == full else full

    @property
    def parse_rate(self) -> float:
        """Share of all samples with an answer that could be read, in [0, 1]."""
        return (self.n - self.failed - self.unparsable - self.missing) / max(self.n, 1)

    def to_json(self) -> dict[str, Any]:
        """Build the content of `result.json`."""
        content = asdict(self)
        del content["run"]
        if not self.directions:
            del content["directions"]
        content["schema"] = SCHEMA
        return content

    @classmethod
    def from_json(cls, content: Any, run: str, place: str) -> Self:
        """Read the content of a `result.json`.

        Args:
            content: parsed JSON.
            run: run directory relative to the root of all runs.
            place: path of the file, for the error text.

        Raises:
            DataError: another schema version, or fields are missing or unknown.
        """
        content = migration.upgrade(content, SCHEMA) if isinstance(content, dict) else content
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            found = content.get("schema") if isinstance(content, dict) else None
            raise DataError(
                f"{place} has schema version {found} but this refbench reads {SCHEMA}: "
                "run the command again with --fresh, or read it with the version that wrote it"
            )
        try:
            fields = _fields(content)
            record_types.check(fields)
            return cls(**fields, run=run)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise DataError(f"{place} is not a result ({error}): run the command again with --fresh") from None

    def at(self, run: str) -> Self:
        """Copy with the run directory filled in."""
        return replace(self, run=run)


def _fields(content: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in content.items() if key != "schema"}
    known["columns"] = tuple(known["columns"])
    known["intervals"] = {key: (float(low), float(high)) for key, (low, high) in known["intervals"].items()}
    if coverage := known.get("coverage"):
        ids = {sort: tuple(names) for sort, names in coverage["ids"].items()}
        known["coverage"] = Coverage(**{**coverage, "ids": ids})
    if stopped := known.get("stopped_early"):
        known["stopped_early"] = StoppedEarly(**stopped)
    known["failures"] = tuple(
        Failure(**{**cast(dict[str, Any], part), "examples": tuple(part["examples"])})
        for part in known.get("failures", ())
    )
    known["slices"] = {
        tag: {value: Slice(**cast(dict[str, Any], part)) for value, part in values.items()}
        for tag, values in known["slices"].items()
    }
    return known
