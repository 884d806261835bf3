"""Whether the files of a run still belong together, or somebody edited one of them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metrics.base import Metric
from metrics.errors import DataError
from results import rows, run_id
from results.run import Run

_SAME = 1e-9


def problems(run: Run, metrics: Sequence[Metric] = ()) -> list[str]:
    """Say what does not fit, one line each; nothing where all files are as the run wrote them.

    Checked are the rows and their ids against the digests in the record, the answers against
    theirs and against the rows, model, data and folder against what `run.json` says the run is, and every number
    against what its metric makes of the rows.

    Args:
        run: the run.
        metrics: of its task; one of another protocol than the record's is left out.
    """
    try:
        found = [*_identity(run), *_rows(run), *_answers(run)]
        return found or list(_numbers(run, metrics))
    except DataError as error:
        return [str(error)]


def recomputed(run: Run, metrics: Sequence[Metric]) -> list[str]:
    """Name the metrics whose numbers can be computed again from the rows: those of the record's protocol."""
    return [metric.name for metric in metrics if run.record.protocols.get(metric.name) == metric.protocol]


def _identity(run: Run) -> Iterator[str]:
    identity = run.facts.get("identity")
    if not isinstance(identity, Mapping):
        yield "run.json is missing, broken or says nothing of what the run is"
        return
    digest = run_id.of(identity)
    if digest != run.id:
        yield f"run.json describes run {digest}, but the folder is that of run {run.id}"
    record = run.record
    for what, told, kept in (
        ("model", _at(identity, "model", "name"), record.model),
        ("fingerprint of the model", _at(identity, "model", "fingerprint"), record.digests.get("model")),
        ("task", _at(identity, "task", "name"), record.task),
        ("split", _at(identity, "split", "name"), record.split),
        ("fingerprint of the data", _at(identity, "split", "data"), record.digests.get("data")),
    ):
        if told != kept:
            yield f"{what} is {told} in run.json but {kept} in result.json"


def _rows(run: Run) -> Iterator[str]:
    ids, digests = run.sample_ids, run.record.digests
    if len(ids) != run.record.n:
        yield f"rows.npz holds {len(ids)} samples but result.json counts {run.record.n}"
    elif rows.digest_ids(ids) != digests.get("ids"):
        yield "rows.npz holds other samples than those that were scored"
    elif rows.digest(ids, run.rows) != digests.get("rows"):
        yield "rows.npz was edited: its counts are not those that were scored"


def _answers(run: Run) -> Iterator[str]:
    try:
        lines = run.predictions.read_bytes().splitlines()
        ids = [json.loads(line)["sample_id"] for line in lines]
    except FileNotFoundError:
        yield "predictions.jsonl is missing"
        return
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        yield f"predictions.jsonl cannot be read ({error})"
        return
    if ids != run.sample_ids:
        yield f"predictions.jsonl answers {len(ids)} samples, but not those of rows.npz in their order"
    elif problem := run.answers_problem:
        yield problem


def _numbers(run: Run, metrics: Sequence[Metric]) -> Iterator[str]:
    told = run.record.metrics
    usable = recomputed(run, metrics)
    for metric in metrics:
        if metric.name not in usable or metric.name not in run.rows:
            continue
        for key, value in metric.aggregate(run.rows[metric.name]).items():
            names = [name for name in (key, f"{metric.name}.{key}") if name in told]
            if not any(_is_same(told[name], value) for name in names):
                kept = ", ".join(str(told[name]) for name in names) or "missing"
                yield f"{key} is {kept} in result.json, but the rows give {value:.9g}: result.json was edited"


def _is_same(kept: float | None, value: float) -> bool:
    if kept is None or not math.isfinite(value):
        return kept is None and not math.isfinite(value)
    return math.isclose(kept, value, rel_tol=_SAME, abs_tol=_SAME)


def _at(content: Any, *names: str) -> Any:
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content
