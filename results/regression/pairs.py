"""Which run of the baseline a run of the candidate is held against; rows of another protocol are refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.errors import DataError
from results import fingerprint
from results.direction import of_record
from results.regression.sources import Source
from results.run import Run

Row = tuple[str, str]
"""Task and split."""


@dataclass(frozen=True)
class Pair:
    """Two runs of one protocol."""

    baseline: Run
    candidate: Run


@dataclass(frozen=True)
class Matching:
    """What can be compared, and what has no counterpart.

    Attributes:
        pairs: in the order of the candidate's paths.
        lost: runs of the baseline whose task and split the candidate lacks.
        new: runs of the candidate whose task and split the baseline lacks.
    """

    pairs: tuple[Pair, ...]
    lost: tuple[Run, ...]
    new: tuple[Run, ...]


def match(baseline: Source, candidate: Source) -> Matching:
    """Pair runs by task, split and protocol.

    Raises:
        DataError: a row stands in the baseline under another protocol only (the text names the field), or several runs
            of one protocol could be meant.
    """
    _refuse_twins(candidate, "--candidate-model")
    theirs = _by_row(baseline.runs)
    pairs = [Pair(_counterpart(run, theirs[_row(run)], baseline), run) for run in candidate.runs if _row(run) in theirs]
    ours = _by_row(candidate.runs)
    lost = tuple(runs[0] for row, runs in theirs.items() if row not in ours)
    return Matching(tuple(pairs), lost, tuple(run for run in candidate.runs if _row(run) not in theirs))


def best_so_far(candidate: Source, known: Sequence[Run]) -> Source:
    """Choose for every run of the candidate the best other one of its model, of the same protocol, by the first number.

    Raises:
        DataError: no row of the candidate has one.
    """
    own = {run.folder.resolve() for run in candidate.runs}
    others = [run for run in known if run.folder.resolve() not in own]
    found = [best for run in candidate.runs if (best := _best(run, others)) is not None]
    if not found:
        raise DataError(
            "the store holds no other run of this model under the same protocol: point --runs at the folder that keeps "
            "earlier runs"
        )
    return Source("best so far", tuple(found))


def _best(run: Run, others: Sequence[Run]) -> Run | None:
    record = run.record
    code, key = fingerprint.code(record), record.headline
    sign = -1.0 if of_record(record, key) == "lower" else 1.0
    rivals = [
        (sign * value, each.ended, each)
        for each in others
        if each.record.model == record.model
        and _row(each) == _row(run)
        and (value := each.record.metrics.get(key)) is not None
        and fingerprint.code(each.record) == code
    ]
    return max(rivals, key=lambda rival: rival[:2])[2] if rivals else None


def _counterpart(run: Run, others: Sequence[Run], baseline: Source) -> Run:
    code = fingerprint.code(run.record)
    same = [each for each in others if fingerprint.code(each.record) == code]
    if len(same) > 1:
        raise DataError(_several(baseline, same, "--baseline-model"))
    if not same:
        lines = "; ".join(each.line() for each in fingerprint.differing(others[0].record, run.record))
        raise DataError(
            f"{run.record.task} {run.record.split} cannot be compared: {lines} (the first is the baseline): "
            "make the baseline again with the same data, split and protocol"
        )
    return same[0]


def _refuse_twins(source: Source, flag: str) -> None:
    seen: dict[tuple[Row, str], Run] = {}
    for run in source.runs:
        twin = seen.setdefault((_row(run), fingerprint.code(run.record)), run)
        if twin is not run:
            raise DataError(_several(source, [twin, run], flag))


def _several(source: Source, runs: Sequence[Run], flag: str) -> str:
    names = ", ".join(f"{run.record.run} ({run.record.model})" for run in runs[:4])
    return (
        f"{source.label} holds several runs of {runs[0].record.task} {runs[0].record.split}: {names}: choose a model "
        f"with {flag}, or name one run"
    )


def _by_row(runs: Sequence[Run]) -> dict[Row, list[Run]]:
    found: dict[Row, list[Run]] = {}
    for run in runs:
        found.setdefault(_row(run), []).append(run)
    return found


def _row(run: Run) -> Row:
    return run.record.task, run.record.split
