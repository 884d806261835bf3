"""The end of a run: numbers, and the files that outlive it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

from benchmarks.schema import Prediction
from results import rows as row_files
from results.record import Record, StoppedEarly
from tasks import failures, regimes, usage
from tasks import predictions as lines
from tasks.coverage import prove
from tasks.early_stop import in_random_order
from tasks.evaluation import Evaluation
from tasks.journal import Batch
from tasks.score import Scores, score
from tasks.traits import traits


def part(
    job: Evaluation, batches: Sequence[Batch], answers: Mapping[int, Sequence[Prediction]], count: int
) -> tuple[Evaluation, list[Prediction]]:
    """Choose the samples that an early decision rests on, whatever else was answered meanwhile.

    Args:
        job: the whole run.
        batches: all of it.
        answers: number of a batch -> its answers.
        count: samples that counted.

    Returns:
        The run of these samples alone, in the order of the split, and their predictions.
    """
    found: dict[str, Prediction] = {}
    for batch in in_random_order(batches):
        if len(found) < count:
            found |= {answer.sample_id: answer for answer in answers[batch.number]}
    samples = tuple(sample for sample in job.samples if sample.id in found)
    return replace(job, samples=samples), [found[sample.id] for sample in samples]


def finish(job: Evaluation, predictions: Sequence[Prediction], stopped: StoppedEarly | None = None) -> Record:
    """Score, and write everything that outlives the run; the record comes last.

    Args:
        job: the run.
        predictions: one for each of its samples, in their order.
        stopped: why these are a part of what was to be asked, or None.

    Raises:
        DataError: the disk refuses.
    """
    ids = [sample.id for sample in job.samples]
    scores = score(job.task.kind, job.samples, predictions)
    record = _record(job, predictions, scores)
    if stopped is not None:
        unasked = stopped.of - stopped.n
        coverage = replace(prove(job.samples, predictions), expected=stopped.of, missing=unasked)
        record = replace(record, stopped_early=stopped, coverage=coverage)
    answers = lines.to_bytes(predictions)
    record = replace(record, digests={**record.digests, "answers": hashlib.sha256(answers).hexdigest()})
    timings = ({"sample_id": each.sample_id, "seconds": round(each.seconds, 6)} for each in predictions)
    job.run.write("predictions.jsonl", answers)
    job.run.write("timings.jsonl", "".join(lines.dump(timing) + "\n" for timing in timings).encode("ascii"))
    if counted := usage.to_bytes(predictions):
        job.run.write("usage.jsonl", counted)
    for name, content in (job.task.kind.files(job.samples, predictions) if job.task.kind.files else {}).items():
        job.run.write(name, content)
    images, tags = [sample.image_id for sample in job.samples], [traits(sample) for sample in job.samples]
    job.run.write("rows.npz", row_files.to_bytes(ids, images, scores.rows, tags))
    job.run.write_json("result.json", record.to_json())
    return record


def _record(job: Evaluation, predictions: Sequence[Prediction], scores: Scores) -> Record:
    ids = [sample.id for sample in job.samples]
    task, split = job.task, job.split
    return Record(
        model=job.entry.name,
        task=task.name,
        kind=task.kind.name,
        dataset=split.benchmark,
        split=split.name,
        data=split.origin,
        limit=job.options.limit,
        n=len(ids),
        available=len(split.samples),
        expected=split.expected,
        failed=sum(prediction.status == "failed" for prediction in predictions),
        unparsable=sum(prediction.status == "parse_error" for prediction in predictions),
        missing=len(ids) - len(predictions),
        headline=task.kind.metrics[0].headline,
        columns=tuple(scores.metrics),
        metrics=scores.metrics,
        units=scores.units,
        intervals=scores.intervals,
        protocols={metric.name: metric.protocol for metric in task.kind.metrics},
        slices=scores.slices,
        options={
            **task.protocol,
            "prompt": task.prompt,
            "prompt_set": job.options.prompt_set,
            "regime": regimes.resolve(job.options.regime, job.entry),
            **({"model_args": " ".join(map("=".join, job.options.model_args))} if job.options.model_args else {}),
        },
        digests={
            "data": split.fingerprint,
            "ids": row_files.digest_ids(ids),
            "rows": row_files.digest(ids, scores.rows),
            "model": job.identity["model"]["fingerprint"],
        },
        refbench=version("refbench"),
        failures=failures.summarise(predictions),
        coverage=prove(job.samples, predictions),
        directions=scores.directions,
    )
