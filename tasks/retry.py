"""Asks failed samples of a run again, in rounds: each adds batches to the plan, and of several answers the last counts.

A round is opened once and written beside the journal, so that every process sees the same batches and a killed round
goes on like any other run. Samples of a batch that is not complete yet are no failures.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Sample
from results.run import Run
from tasks import failures, order, predictions, provenance
from tasks.journal import Batch, Journal
from tasks.rundir import RunDirectory

_FOLDER = "predictions"
_ROUNDS = f"{_FOLDER}/rounds.json"


def with_rounds(run: Path, samples: Sequence[Sample], size: int) -> list[Batch]:
    """Plan all samples, then those of every round of asking again."""
    by_id = {sample.id: sample for sample in samples}
    batches = order.plan(samples, size)
    for ids in _rounds(run):
        batches += order.plan([by_id[each] for each in ids], size, len(batches))
    return batches


def open_round(run: RunDirectory, samples: Sequence[Sample], size: int) -> dict[str, Any] | None:
    """Have the failed samples of a finished or interrupted run asked again. The directory must be ours.

    Returns:
        What the run's history says about the round: when, how many samples, and why they had failed; None where no
        sample has failed, and nothing was changed.

    Raises:
        DataError: a file of the run cannot be read or written, or its answers were edited.
    """
    if run.finished() is not None:
        _restore(run, samples, size)
    batches = with_rounds(run.path, samples, size)
    with Journal(run.path / _FOLDER, batches) as journal:
        failed = [each for each in _settled(batches, journal.answers()).values() if each.status == "failed"]
    if not failed:
        return None
    ids = {each.sample_id for each in failed}
    rounds = [*_rounds(run.path), [sample.id for sample in samples if sample.id in ids]]
    run.write_json(_ROUNDS, {"rounds": rounds})
    reasons = [asdict(each) for each in failures.summarise(failed)]
    return {"at": provenance.now(), "samples": len(failed), "failures": reasons}


def failed_so_far(batches: Sequence[Batch], answers: Mapping[int, Sequence[Prediction]]) -> int:
    """Count samples whose last answer failed and that are not about to be asked again."""
    return sum(each.status == "failed" for each in _settled(batches, answers).values())


def _settled(batches: Sequence[Batch], answers: Mapping[int, Sequence[Prediction]]) -> dict[str, Prediction]:
    """The last answer to every sample that no incomplete batch holds."""
    waiting = {sample.id for batch in batches if batch.number not in answers for sample in batch.samples}
    found = (answer for batch in batches for answer in answers.get(batch.number, ()))
    return {answer.sample_id: answer for answer in found if answer.sample_id not in waiting}


def _restore(run: RunDirectory, samples: Sequence[Sample], size: int) -> None:
    """Write the journal of a finished run again, from its predictions."""
    if problem := Run.open(run.path, run.path).answers_problem:
        raise DataError(f"{problem}: run the command with --fresh")
    shutil.rmtree(run.path / _FOLDER, ignore_errors=True)
    kept = {each.sample_id: each for each in predictions.read(run.path / "predictions.jsonl")}
    batches = order.plan(samples, size)
    with Journal(run.path / _FOLDER, batches) as journal:
        for batch in batches:
            journal.append(batch, [kept[sample.id] for sample in batch.samples])


def _rounds(run: Path) -> list[list[str]]:
    try:
        content = json.loads((run / _ROUNDS).read_bytes())
    except FileNotFoundError:
        return []
    rounds: list[list[str]] = content["rounds"]
    return rounds
