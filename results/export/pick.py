"""Chooses the run, or the printed number, that a row and a column of a paper table stand for."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from results.export.cells import SAMPLE, STOPPED, TEACHER, UNDEFINED, Cell, Source
from results.export.quoted import Quoted, place_of
from results.export.spec import Line, Part
from results.fingerprint import code, fields, is_forced
from results.record import Better, Record
from results.run import Run

DIGEST_SHOWN = 7
ELSEWHERE = "another publication prints another number, see the sources"
_PARTLY = "on {n:,} of {whole:,} samples"
_LIMITED = "on {n:,} samples only"
_FAILED = "{n:,} samples without usable answer count as wrong"
PER_RUN: Mapping[str, Callable[[Run], float | None]] = {
    "n": lambda run: float(run.record.n),
    "failed": lambda run: float(run.record.failed + run.record.unparsable + run.record.missing),
    "parse_rate": lambda run: run.record.parse_rate,
    "seconds_per_sample": lambda run: _seconds(run),
}
"""Numbers about a run itself that a column can show like a metric."""


@dataclass(frozen=True)
class Evidence:
    """Everything that numbers may come from.

    Attributes:
        runs: finished runs.
        published: printed numbers.
        cannot: (model, task) -> why the model cannot do the task; empty where it can or nobody knows.
        abilities: (model, kind of task) -> whether it can; None where nobody knows.
        bounds: models that only bound what is possible; they are printed grey and not ranked.
    """

    runs: Sequence[Run] = ()
    published: Sequence[Quoted] = ()
    cannot: Callable[[str, str], str] = lambda model, task: ""
    abilities: Callable[[str, str], bool | None] = lambda model, kind: None
    bounds: AbstractSet[str] = field(default_factory=frozenset)

    @cached_property
    def directions(self) -> Mapping[tuple[str, str], Better]:
        """(task, metric) -> which way it gets better, of metrics that are not part of this package."""
        records = (run.record for run in self.runs)
        return {(record.task, key): way for record in records for key, way in record.directions.items()}

    @cached_property
    def by_model(self) -> Mapping[str, Sequence[Run]]:
        """Runs of each model, in the order in which models first appear."""
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            found[run.record.model].append(run)
        return found

    @cached_property
    def printed(self) -> Mapping[str, Sequence[Quoted]]:
        """Printed numbers of each model, likewise."""
        found: dict[str, list[Quoted]] = defaultdict(list)
        for each in self.published:
            found[each.model].append(each)
        return found


@dataclass(frozen=True)
class Subject:
    """What one row of the finished table is about.

    Attributes:
        line: the row of the description that it comes from.
        model: name of the model.
        label: how the table names it.
        runs: (task, split) -> runs it may draw on, the best choice last.
        quotes: (task, split, metric) -> printed numbers.
    """

    line: Line
    model: str
    label: str
    runs: Mapping[tuple[str, str], Sequence[Run]] = field(default_factory=dict)
    quotes: Mapping[tuple[str, str, str], Sequence[Quoted]] = field(default_factory=dict)

    def cell(self, part: Part, evidence: Evidence) -> Cell:
        """Find the number of one column, or say why there is none."""
        task, split = self.line.task or part.task, self.line.split or part.split
        if task is None:
            return Cell("missing", what=part.metric)
        what = " ".join(filter(None, (task, split, part.slice, part.metric)))
        if self.line.model is None and self.line.models is None:
            found = _quoted(self.quotes, task, split, part)
        else:
            found = _measured(self.runs, task, split, part)
        if found is not None:
            return replace(found, what=what, query=(task, split, part.metric, part.slice))
        blocked = {task, "all"} & set(self.line.cannot) or evidence.cannot(self.model, task)
        return Cell("impossible" if blocked else "missing", what=what)


def ordered(runs: Sequence[Run]) -> list[Run]:
    """Sort runs of one model on one split, the one to be shown last.

    Official data go before the sample world, whole runs before parts, the usual prompt before other wordings, free
    answers before forced ones, defaults before other arguments, and then the latest counts.
    """
    return sorted(runs, key=_worth)


def values_of(
    evidence: Evidence, model: str, query: tuple[str, str | None, str, str | None]
) -> Iterator[tuple[str, float]]:
    """Go over all values that runs and publications give for a number, with their names; the latest run first."""
    task, split, metric, cut = query
    part = Part(metric=metric, slice=cut)
    runs = [run for run in evidence.by_model.get(model, ()) if run.record.task == task]
    for run in sorted(runs, key=lambda each: each.ended, reverse=True):
        value = _values(run, part)[0].get(metric)
        if value is not None and split in (None, run.record.split):
            yield f"run {run.record.run}{f' of {run.ended[:10]}' if run.ended else ''}", value
    for each in evidence.printed.get(model, ()):
        if (each.task, each.split, each.metric) == (task, split, metric) and cut is None:
            yield f"'{each.title}'", each.value


def _worth(run: Run) -> tuple[object, ...]:
    record = run.record
    return (
        record.data == "official",
        record.limit is None and record.whole is None and record.stopped_early is None,
        not is_forced(record),
        record.options.get("prompt_set", "default") == "default",
        "model_args" not in record.options,
        run.ended,
        record.run,
    )


def _measured(runs: Mapping[tuple[str, str], Sequence[Run]], task: str, split: str | None, part: Part) -> Cell | None:
    if split is None:
        splits = [name for known, name in runs if known == task]
        split = splits[0] if len(splits) == 1 else None
    chosen = runs.get((task, split or ""), ())
    if not chosen:
        return None
    run = chosen[-1]
    values, known = _values(run, part)
    if not known:
        return None
    value, notes = values.get(part.metric), _notes(run.record)
    if value is None or not math.isfinite(value):
        return Cell("undefined", sources=(source(run),), notes=(UNDEFINED, *notes))
    unit = "fraction" if part.metric == "parse_rate" else run.record.units.get(part.metric, "")
    return Cell(
        "number",
        value,
        scale=scale(unit),
        sources=(source(run),),
        notes=notes,
        world=_world(run.record),
        code=code(run.record),
    )


def _values(run: Run, part: Part) -> tuple[Mapping[str, float | None], bool]:
    """Numbers that a part can ask for, and whether the run has the one it asks for."""
    if part.slice is not None:
        tag, _, name = part.slice.partition("=")
        cut = run.record.slices.get(tag, {}).get(name)
        return ({}, False) if cut is None else (cut.metrics, part.metric in cut.metrics)
    if part.metric in run.record.metrics:
        return run.record.metrics, True
    if part.metric in PER_RUN:
        value = PER_RUN[part.metric](run)
        return {part.metric: value}, value is not None
    return {}, False


def source(run: Run) -> Source:
    """Say which run a number comes from, with what identifies it."""
    record = run.record
    details = {
        "protocol": code(record),
        "weights": record.digests.get("model", "")[:12],
        "ended": run.ended,
        "commit": run.commit[:12],
        "data": record.data,
        "n": str(record.n),
    }
    return Source("run", record.run, run.id, {name: value for name, value in details.items() if value}, fields(record))


def scale(unit: str) -> float:
    """What papers multiply a number of a unit with: fractions and caption scores are printed as x 100."""
    return 100.0 if unit == "fraction" or unit.startswith("CIDEr") else 1.0


def _world(record: Record) -> Literal["official", "sample", "part", ""]:
    if is_forced(record):
        return ""
    if record.limit is not None or record.whole is not None or record.stopped_early is not None:
        return "part"
    return record.data


def _notes(record: Record) -> tuple[str, ...]:
    notes = [SAMPLE] if record.data == "sample" else []
    if record.whole is not None:
        notes.append(_PARTLY.format(n=record.n, whole=record.whole))
    elif record.limit is not None:
        notes.append(_LIMITED.format(n=record.n))
    notes += [STOPPED] if record.stopped_early is not None else []
    notes += [TEACHER] if is_forced(record) else []
    told = {name: record.options[name] for name in ("model_args",) if name in record.options}
    if record.options.get("prompt_set", "default") != "default":
        told["prompt"] = record.options["prompt_set"]
    if record.options.get("regime") == "wrong":
        told["command"] = "wrong"
    notes += [f"asked with {', '.join(f'{name} {value}' for name, value in told.items())}"] if told else []
    lost = record.failed + record.unparsable + record.missing
    return (*notes, *([_FAILED.format(n=lost)] if lost else []))


def _quoted(
    quotes: Mapping[tuple[str, str, str], Sequence[Quoted]], task: str, split: str | None, part: Part
) -> Cell | None:
    found = quotes.get((task, place_of(split or "", part.slice), part.metric), ())
    if not found:
        return None
    first, *others = found
    shown = scale(first.unit)
    differing = sorted(
        {f"{each.value * shown:.{max(0, each.digits)}f}" for each in others if each.value != first.value}
    )
    details = {"unit": first.unit} | ({"elsewhere": " and ".join(differing)} if differing else {})
    notes = [ELSEWHERE] if differing else []
    notes += [f"as printed; {first.doubt}"] if first.doubt else []
    return Cell(
        "number",
        first.value,
        scale=shown,
        decimals=first.digits,
        sources=(Source("published", first.title, first.place, details),),
        notes=tuple(notes),
        world="published",
    )


def _seconds(run: Run) -> float | None:
    """Seconds of work for each sample, over all processes; None where the run does not say."""
    ranks = run.facts.get("ranks")
    if not isinstance(ranks, list) or not ranks:
        return None
    try:
        busy = sum(float(rank["busy_s"]) for rank in ranks)
        samples = sum(int(rank["samples"]) for rank in ranks)
    except (TypeError, KeyError, ValueError):
        return None
    return busy / samples if samples else None
