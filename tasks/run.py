"""The run loop: samples in, predictions file and record out, whatever happens in between."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from time import perf_counter
from typing import Any, cast

from benchmarks.errors import ConfigError, DataError, ModelError
from benchmarks.schema import Prediction, Query, Regime, Sample, Split
from results import rows as row_files
from results.record import SCHEMA, Record
from tasks import predictions as lines
from tasks import progress, prompts, provenance, regimes
from tasks.asking import ask
from tasks.base import Model, ModelEntry, Task, TruthReader
from tasks.identity import describe, run_folder, subset
from tasks.journal import Batch, Journal, plan
from tasks.options import RunOptions
from tasks.plan import Job, blind
from tasks.rundir import RunDirectory
from tasks.score import Scores, score
from tasks.validate import accepted

__all__ = ["Interrupted", "RunOptions", "evaluate", "evaluate_all"]


class Interrupted(Exception):
    """The user stopped the run. What was finished is kept; the text says how to go on. Exit code 130."""


@dataclass(frozen=True)
class _Job:
    """One run, resolved."""

    task: Task
    split: Split
    samples: tuple[Sample, ...]
    entry: ModelEntry
    options: RunOptions
    identity: dict[str, Any]
    run: RunDirectory

    @property
    def title(self) -> str:
        return f"{self.entry.name} · {self.task.name} · {self.split.name}"

    def queries(self, samples: Sequence[Sample]) -> list[Query]:
        """What the model gets: never the truth."""
        task, wording = self.task, self.options.prompt_set
        wants, regime = task.kind.wants, regimes.resolve(self.options.regime, self.entry)
        texts = [prompts.render(task.prompt, sample.question, sample.categories, wording) for sample in samples]
        return [
            sample.query(regimes.commanding(text, wants, regime, self.entry), wants, task.max_new_tokens, regime)
            for sample, text in zip(samples, texts, strict=True)
        ]


def evaluate_all(
    jobs: Sequence[Job],
    entry: ModelEntry,
    options: RunOptions,
    prompt_sets: Sequence[str] = (),
    regimes: Sequence[Regime | None] = (None,),
) -> list[Record]:
    """Run one model on several splits, in order, each in every way of asking. The model is loaded once.

    Args:
        jobs: what to run.
        entry: the model.
        options: those of the command.
        prompt_sets: wordings, as the user named them; none for the default one.
        regimes: commands before the instruction; None for the model's own.

    Raises:
        Interrupted: the user pressed Ctrl-C; the text says how much is done.
        Exception: as `evaluate`.
    """
    records: list[Record] = []
    for job in jobs:
        split, task = job.open(), job.task
        wordings = prompts.sets(task.prompt, prompt_sets or [options.prompt_set])
        for way in [replace(options, regime=r, prompt_set=wording) for r in regimes for wording in wordings]:
            try:
                records.append(evaluate(task, split, entry, way))
            except Interrupted as stop:
                before = f"{len(records)} rows were finished before and will not run again" if records else ""
                raise Interrupted("; ".join(text for text in (str(stop), before) if text)) from None
    return records


def evaluate(task: Task, split: Split, entry: ModelEntry, options: RunOptions) -> Record:
    """Run one model on one split of one task, or go on where an earlier run stopped, or read what it left.

    The run directory is `<out>/<model>/<task>/<split>-<id>`, its id a hash over everything that could change a number:
    the same command comes back to it, another model or other data never does.

    Args:
        task: what is asked.
        split: opened data.
        entry: the model; a finished run does not load it, provided that it can name its fingerprint without.
        options: those of the command.

    Returns:
        The record, as `result.json` holds it, with its run directory filled in.

    Raises:
        ConfigError: an option cannot be used.
        DataError: the directory is in use, incompatible or cannot be written, or the split is unusable.
        ModelError: the model cannot be loaded, cannot answer in the task's unit, or breaks its contract.
        Interrupted: the user pressed Ctrl-C.
    """
    _check(task, split, entry, options)
    fingerprint = options.pool.fingerprint(entry, options.load_options())
    identity = describe(task, split, entry, fingerprint, options)
    folder = run_folder(identity)
    run = RunDirectory(options.out, folder)
    job = _Job(task, split, subset(split.samples, options.limit), entry, options, identity, run)
    record = None if options.fresh else run.finished()
    if record is None:
        model = _load(job)  # before anything is written: a model that cannot be loaded leaves nothing behind
        with run.claim(options.fresh):
            record = run.finished() or _run(job, model)
    else:
        progress.say(f"{job.title}: finished before, read from {run.path} (--fresh runs it again)")
    return record.at(folder.as_posix())


def _check(task: Task, split: Split, entry: ModelEntry, options: RunOptions) -> None:
    if options.limit is not None and options.limit < 1:
        raise ConfigError(f"--limit {options.limit} leaves nothing to run: give 1 or more")
    if options.batch_size < 1:
        raise ConfigError(f"--batch-size {options.batch_size} is no batch: give 1 or more")
    if task.kind.wants not in entry.units:
        raise ModelError(
            f"model {entry.name} answers with {', '.join(entry.units)}, but task {task.name} needs {task.kind.wants}: "
            "choose another model or task (`refbench models` lists what each can do)"
        )
    if reason := blind(split, entry):
        raise ModelError(f"{task.name} {reason}: choose another model or task")
    if not split.samples:
        raise DataError(f"{split.benchmark} {split.name} holds no sample: check the data root, or choose another split")
    prompts.render(task.prompt, "", split.samples[0].categories, options.prompt_set)
    if len({sample.id for sample in split.samples}) != len(split.samples):
        raise DataError(f"{split.benchmark} {split.name} holds samples with the same id: fetch the annotations again")


def _load(job: _Job) -> Model:
    model = job.options.pool.get(job.entry, job.options.load_options())
    if job.entry.sees_truth:
        cast(TruthReader, model).attach(job.task.kind, job.samples)
    return model


def _run(job: _Job, model: Model) -> Record:
    """Answer what is left and finish. The directory is ours."""
    before = job.run.read_run() or {}
    history = {"started": before.get("started", provenance.now()), "resumed": before.get("resumed", [])}
    if before:
        history["resumed"] = [*history["resumed"], provenance.now()]
    facts = {"schema": SCHEMA, "identity": job.identity, **provenance.facts(job.options.command), **history}
    facts["weights"] = None if job.options.weights is None else str(job.options.weights)
    job.run.write_json("run.json", {**facts, "state": "running"})
    batches = plan(job.samples, job.options.batch_size)
    with Journal(job.run.path / "predictions", batches) as journal:
        _answer(job, model, journal, batches)
        predictions = journal.merge()
    record = _finish(job, predictions)
    ending = {"state": "done", "ended": provenance.now(), "accelerator": provenance.accelerator(job.options.device)}
    job.run.write_json("run.json", {**facts, **ending})
    shutil.rmtree(job.run.path / "predictions", ignore_errors=True)  # merged: a left-over would only take space
    return record


def _answer(job: _Job, model: Model, journal: Journal, batches: Sequence[Batch]) -> None:
    """Ask the model about every batch that is not complete yet.

    Raises:
        Interrupted: the user pressed Ctrl-C; finished batches are kept.
    """
    complete = journal.recover()
    done = sum(len(batch.samples) for batch in batches if batch.number in complete)
    _announce(job, done)
    failed = 0
    bar = progress.bar(job.title, len(job.samples), done, job.options.progress)
    try:
        for batch in batches:
            if batch.number in complete:
                continue
            answers = _timed(job, model, batch)
            journal.append(batch, answers)
            done += len(answers)
            failed += sum(answer.status == "failed" for answer in answers)
            bar.update(len(answers))
            bar.set_postfix(failed=failed)
    except KeyboardInterrupt:
        kept = f"{done} of {len(job.samples)} samples are done and kept in {job.run.path}"
        raise Interrupted(f"stopped: {kept}; the same command goes on from there") from None
    finally:
        bar.close()


def _announce(job: _Job, done: int) -> None:
    whole = len(job.samples)
    if done:
        progress.say(f"{job.title}: resuming, {done} of {whole} samples are done already, in {job.run.path}")
    else:
        progress.say(f"{job.title}: {whole} samples, into {job.run.path}")


def _timed(job: _Job, model: Model, batch: Batch) -> list[Prediction]:
    """Ask about one batch; each sample gets an equal share of its wall time."""
    queries, refuse = job.queries(batch.samples), job.task.kind.refuse
    start = perf_counter()
    answers = ask(model, queries, job.entry.name, [job.options.seed, batch.number])
    share = (perf_counter() - start) / len(answers)
    kept = (accepted(answer, query, refuse) for answer, query in zip(answers, queries, strict=True))
    return [replace(answer, seconds=share) for answer in kept]


def _finish(job: _Job, predictions: Sequence[Prediction]) -> Record:
    """Score, and write everything that outlives the run; the record comes last."""
    ids = [sample.id for sample in job.samples]
    scores = score(job.task.kind, job.samples, predictions)
    record = _record(job, predictions, scores)
    timings = ({"sample_id": each.sample_id, "seconds": round(each.seconds, 6)} for each in predictions)
    job.run.write("predictions.jsonl", lines.to_bytes(predictions))
    job.run.write("timings.jsonl", "".join(lines.dump(timing) + "\n" for timing in timings).encode("ascii"))
    for name, content in (job.task.kind.files(job.samples, predictions) if job.task.kind.files else {}).items():
        job.run.write(name, content)
    job.run.write("rows.npz", row_files.to_bytes(ids, [sample.image_id for sample in job.samples], scores.rows))
    job.run.write_json("result.json", record.to_json())
    return record


def _record(job: _Job, predictions: Sequence[Prediction], scores: Scores) -> Record:
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
        },
        digests={
            "data": split.fingerprint,
            "ids": row_files.digest_ids(ids),
            "rows": row_files.digest(ids, scores.rows),
            "model": job.identity["model"]["fingerprint"],
        },
        refbench=version("refbench"),
    )
