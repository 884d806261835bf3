"""The gate from end to end: finds both sides, pairs them, checks them, and says what a reader must know."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metrics.errors import DataError
from results.record import Record
from results.regression import sources
from results.regression.check import Check, Verdict
from results.regression.evidence import Examiner
from results.regression.judge import idle, judge
from results.regression.pairs import Matching, best_so_far, match
from results.regression.rules import RuleBook
from results.regression.sources import Source
from results.run import Run
from results.store import Store


@dataclass(frozen=True)
class Request:
    """What the user asked to compare.

    Attributes:
        baseline: see `sources.load`, or `best`.
        candidate: see `sources.load`.
        store: where runs are looked up by name, and where the best one so far is.
        scratch: an empty folder to unpack into.
        baseline_model, candidate_model: keep the runs of this model only, or None.
    """

    baseline: str
    candidate: str
    store: Store
    scratch: Path
    baseline_model: str | None = None
    candidate_model: str | None = None


@dataclass(frozen=True)
class Sides:
    """Both sides, found."""

    baseline: Source
    candidate: Source


def find(request: Request) -> Sides:
    """Find the runs of both sides.

    Raises:
        DataError: as `sources.load`, `sources.choose` and `pairs.best_so_far`.
    """
    candidate = find_candidate(request)
    if request.baseline == sources.BEST:
        return Sides(best_so_far(candidate, request.store.runs()), candidate)
    baseline = sources.load(request.baseline, request.store, _folder(request.scratch / "baseline"))
    return Sides(sources.choose(baseline, request.baseline_model), candidate)


def find_candidate(request: Request) -> Source:
    """Find the runs of the candidate alone. Raises as `find`."""
    candidate = sources.load(request.candidate, request.store, _folder(request.scratch / "candidate"))
    return sources.choose(candidate, request.candidate_model)


def decide(sides: Sides, book: RuleBook, tests: Examiner | None = None) -> Verdict:
    """Hold the candidate against the baseline.

    Args:
        sides: both.
        book: the rules.
        tests: None for those with the metrics of this package.

    Raises:
        DataError: nothing can be compared, rows are of different protocols, a rule names an unknown metric, or a file
            was changed after its run.
    """
    matching = match(sides.baseline, sides.candidate)
    if not matching.pairs:
        ours, theirs = (_rows(side.runs) for side in (sides.candidate, sides.baseline))
        raise DataError(
            f"{sides.candidate.label} and {sides.baseline.label} have no task and split in common: the candidate has "
            f"{ours}, the baseline {theirs}"
        )
    checks = judge(matching, book, tests or Examiner())
    last = max(sides.candidate.runs, key=lambda run: run.ended)
    return Verdict(
        checks=tuple(checks),
        notes=tuple(_notes(matching, book, checks)),
        baseline=sides.baseline.label,
        candidate=sides.candidate.label,
        commit=last.commit,
        ended=last.ended,
    )


def _notes(matching: Matching, book: RuleBook, checks: Sequence[Check]) -> list[str]:
    records = [pair.candidate.record for pair in matching.pairs]
    notes = idle(matching, book)
    if matching.new:
        notes.append(f"new, with no baseline to hold against: {_rows(matching.new)}")
    if any(record.data == "sample" for record in records):
        notes.append("sample: rows are from procedural scenes, never comparable to published numbers")
    notes += [note for pair in matching.pairs for note in _of_record(pair.candidate.record)]
    if not any(check.status != "skip" for check in checks):
        notes.append("no check could be made, so the gate stays shut: look at the reasons")
    return notes


def _of_record(record: Record) -> list[str]:
    row = f"{record.task} {record.split}"
    notes = [f"{row}: {record.missing} samples have no prediction and count as wrong"] if record.missing else []
    if record.stopped_early is not None:
        notes.append(f"{row}: stopped early, the numbers are those of a part")
    if record.whole is not None:
        notes.append(f"{row}: {record.n} of {record.whole} samples only")
    return notes


def _rows(runs: Sequence[Run]) -> str:
    names = list(dict.fromkeys(f"{run.record.task} {run.record.split}" for run in runs))
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
