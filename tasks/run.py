"""The run loop: samples in, predictions file and record out, whatever happens in between."""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.errors import ConfigError, DataError, ModelError
from benchmarks.schema import Regime, Split
from results.record import SCHEMA, Record, StoppedEarly
from tasks import call_size, progress, prompts, provenance, retry, usage, watchdog
from tasks.base import ModelEntry, Task
from tasks.crew import Crew
from tasks.early_stop import Judge, in_random_order
from tasks.evaluation import Evaluation, resolve
from tasks.finish import finish, part
from tasks.hands import Hands, Shared, Work, hands_for
from tasks.journal import Batch, Journal
from tasks.opener import Names
from tasks.options import RunOptions
from tasks.order import in_order
from tasks.plan import Job, check_compiles, check_model, unanswerable
from tasks.ranks import Run, crew_of, follow, leading
from tasks.stopping import CTRL_C, code_of
from tasks.team import Team
from tasks.watching import Watcher

__all__ = ["Interrupted", "RunOptions", "Shared", "TooManyFailures", "evaluate", "evaluate_all"]


class Interrupted(Exception):
    """The user or the scheduler stopped the run. What was finished is kept; the text says how to go on.

    Attributes:
        code: exit code, 130 for Ctrl-C and 143 for SIGTERM.
    """

    def __init__(self, text: str, code: int = CTRL_C) -> None:
        super().__init__(text)
        self.code = code


class TooManyFailures(Exception):
    """More samples failed than the user allows. What was finished is kept; the text says why. Exit code 3."""


def evaluate_all(
    jobs: Sequence[Job],
    entry: ModelEntry,
    options: RunOptions,
    prompt_sets: Sequence[str] = (),
    regimes: Sequence[Regime | None] = (None,),
    after: Callable[[Evaluation], None] | None = None,
) -> list[Record]:
    """Run one model on several splits, in order, each in every way of asking. The model is loaded once.

    Args:
        jobs: what to run.
        entry: the model.
        options: those of the command.
        prompt_sets: wordings, as the user named them; none for the default one.
        regimes: commands before the instruction; None for the model's own.
        after: called with every finished run, also with one that was finished before.

    Raises:
        Interrupted: the user pressed Ctrl-C; the text says how much is done.
        TooManyFailures: more samples of a row failed than `options` allow.
        Exception: as `evaluate`.
    """
    return evaluate_ranked(ways(jobs, entry, options, prompt_sets, regimes), entry, options.processes, None, after)


def evaluate_ranked(
    runs: Iterable[Run],
    entry: ModelEntry,
    processes: int,
    team: Team | None,
    after: Callable[[Evaluation], None] | None = None,
) -> list[Record]:
    """Evaluate runs as one rank of a launch, or alone; no record comes from a rank other than 0. As `evaluate_all`."""
    if team is None:
        with Crew(processes) as crew:
            return _evaluate_each(runs, entry, crew, after)
    if team.place.rank > 0:
        follow(team, runs, entry)
        return []
    with crew_of(team) as crew:
        return _evaluate_each(runs, entry, crew, after, team)


def ways(
    jobs: Sequence[Job],
    entry: ModelEntry,
    options: RunOptions,
    prompt_sets: Sequence[str] = (),
    regimes: Sequence[Regime | None] = (None,),
) -> Iterator[Run]:
    """Open every split in its turn, and go through the ways of asking; the arguments are those of `evaluate_all`."""
    for job in jobs:
        split, task = job.open(), job.task
        opener = Names(task.name, job.name, job.data, entry.typed or entry.name, options.weights, options.include)
        wordings = prompts.sets(task.prompt, prompt_sets or [options.prompt_set])
        for way in [replace(options, regime=r, prompt_set=wording) for r in regimes for wording in wordings]:
            yield task, split, way, opener


def _evaluate_each(
    runs: Iterable[Run],
    entry: ModelEntry,
    crew: Crew,
    after: Callable[[Evaluation], None] | None = None,
    team: Team | None = None,
) -> list[Record]:
    records: list[Record] = []
    for number, (task, split, way, opener) in enumerate(runs):
        try:
            records.append(evaluate(task, split, entry, way, leading(Shared(crew, opener), team, number), after))
        except Interrupted as stop:
            before = f"{len(records)} rows were finished before and will not run again" if records else ""
            raise Interrupted("; ".join(text for text in (str(stop), before) if text), stop.code) from None
        if team is not None:
            team.conclude(number)
    return records


def evaluate(
    task: Task,
    split: Split,
    entry: ModelEntry,
    options: RunOptions,
    shared: Shared | None = None,
    after: Callable[[Evaluation], None] | None = None,
) -> Record:
    """Run one model on one split of one task, or go on where an earlier run stopped, or read what it left.

    The run directory is `<out>/<model>/<task>/<split>-<id>`, its id a hash over everything that could change a number:
    the same command comes back to it, another model or other data never does.

    Args:
        task: what is asked.
        split: opened data.
        entry: the model; a finished run does not load it, provided that it can name its fingerprint without.
        options: those of the command.
        shared: worker processes; not used with one process, where this one does the work.
        after: called with the run when it is finished, not where it was stopped early.

    Returns:
        The record, as `result.json` holds it, with its run directory filled in.

    Raises:
        ConfigError: an option cannot be used.
        DataError: the directory is in use, incompatible or cannot be written, or the split is unusable.
        ModelError: the model cannot be loaded, cannot answer in the task's unit, or breaks its contract.
        Interrupted: the user pressed Ctrl-C.
        TooManyFailures: more samples failed than `options` allow.
    """
    check(task, split, entry, options)
    job = resolve(task, split, entry, options)
    run = job.run
    record = None if options.fresh else run.finished()
    if record is None or (options.retry_failed and record.failed):
        hands = hands_for(job, shared)  # before anything is written: one that cannot be loaded leaves nothing
        with run.claim(options.fresh) as lock:
            again = retry.open_round(run, job.samples, job.batch_size) if options.retry_failed else None
            record = (None if again else run.finished()) or _run(job, hands, lock, again)
    else:
        progress.say(f"{job.title}: finished before, read from {run.path} (--fresh runs it again)")
        options.meter.begin_row(job.title, record.n, record.n)
    if after is not None and record.stopped_early is None:
        after(job)
    record = record.at(run.folder.as_posix())
    options.meter.end_row(record, len(job.samples) - record.n)
    return record


def check(task: Task, split: Split, entry: ModelEntry, options: RunOptions) -> None:
    """Refuse what cannot be run, before anything is loaded or written.

    Raises:
        ConfigError, DataError, ModelError: as `evaluate`.
    """
    if options.limit is not None and options.limit < 1:
        raise ConfigError(f"--limit {options.limit} leaves nothing to run: give 1 or more")
    if options.batch_size != "auto" and options.batch_size < 1:
        raise ConfigError(f"--batch-size {options.batch_size} is no batch: give 1 or more")
    check_model(task, entry)
    if options.compiled:
        check_compiles(entry)
    if reason := unanswerable(task, split, entry, options.model_args):
        raise ModelError(f"{task.name} {reason}: choose another model or task")
    if not split.samples:
        raise DataError(f"{split.benchmark} {split.name} holds no sample: check the data root, or choose another split")
    prompts.render(task.prompt, "", split.samples[0].categories, options.prompt_set)
    if len({sample.id for sample in split.samples}) != len(split.samples):
        raise DataError(f"{split.benchmark} {split.name} holds samples with the same id: fetch the annotations again")


def _run(job: Evaluation, hands: Hands, lock: int, again: dict[str, Any] | None) -> Record:
    """Answer what is left, and again what a round of asking failed samples holds, and finish. The directory is ours."""
    before = job.run.read_run() or {}
    history = {"started": before.get("started", provenance.now()), "resumed": before.get("resumed", [])}
    if before:
        history["resumed"] = [*history["resumed"], provenance.now()]
    if again:
        progress.say(f"{job.title}: {again['samples']} failed samples are asked again")
        history["resumed"] = before["resumed"]
    history["retried"] = [*before.get("retried", []), *([again] if again else [])]
    facts = {"schema": SCHEMA, "identity": job.identity, **provenance.facts(job.options.command), **history}
    facts["weights"] = None if job.options.weights is None else str(job.options.weights)
    facts["opens"] = _opens(job)
    job.run.write_json("run.json", {**facts, "state": "running"})
    batches = job.batches()
    with Journal(job.run.path / "predictions", batches) as journal:
        stopped = _answer(job, partial(hands.work, lock), journal, batches)
        if stopped is None:
            asked, predictions = job, in_order(job.samples, journal.merge())
        else:
            asked, predictions = part(job, batches, journal.answers(), stopped.n)
    record = finish(asked, predictions, stopped)
    ending: dict[str, Any] = {
        "state": "done" if stopped is None else "stopped early",
        "ended": provenance.now(),
        "accelerator": hands.accelerator,
        "ranks": hands.shares(),
    }
    if found := call_size.recorded(job.run.path):
        ending["batch_sizes"] = list(found)
    if counted := usage.total(predictions):
        ending["usage"] = counted
    job.run.write_json("run.json", {**facts, **ending})
    watchdog.sweep(job.run.path / "stacks")
    if stopped is None:
        shutil.rmtree(job.run.path / "predictions", ignore_errors=True)  # merged: a left-over would only take space
    return record


def _opens(job: Evaluation) -> dict[str, str | None]:
    """What finds model and data again, as the user named them."""
    paths = {"data_root": job.options.data_root, "include": job.options.include}
    return {"model": job.entry.typed or job.entry.name, **{k: None if p is None else str(p) for k, p in paths.items()}}


def _answer(
    job: Evaluation,
    hands: Callable[[Journal, Sequence[Batch]], Work],
    journal: Journal,
    batches: Sequence[Batch],
) -> StoppedEarly | None:
    """Have every batch answered that is not complete yet; say why, where that was stopped early.

    Raises:
        Interrupted: the user pressed Ctrl-C; finished batches are kept.
        TooManyFailures: more samples failed than the user allows; finished batches are kept.
    """
    complete = journal.recover()
    done = _samples(batches, complete)
    whole = sum(len(batch.samples) for batch in batches)
    _announce(job, done, whole)
    failed_now = retry.failed_so_far(batches, journal.answers()) if complete else 0
    _stop_if_too_many(job, failed_now)
    job.options.meter.begin_row(job.title, whole, done)
    judge = None if job.options.early_stop is None else job.options.early_stop.judge(job, batches)
    watcher = Watcher(job, batches, judge)
    if stopped := watcher.begin():
        return _stopped(job, stopped)
    try:
        with closing(hands(journal, _pending(batches, complete, judge))) as work:
            for answered, failed in work:
                failed_now += failed
                if stopped := watcher.batch(answered, failed):
                    return _stopped(job, stopped)
                _stop_if_too_many(job, failed_now)
    except KeyboardInterrupt as stop:
        kept = f"{_samples(batches, journal.complete())} of {whole} samples are done and kept"
        text = f"stopped: {kept} in {job.run.path}; the same command goes on from there"
        raise Interrupted(text, code_of(stop)) from None
    return None


def _pending(batches: Sequence[Batch], complete: Collection[int], judge: Judge | None) -> list[Batch]:
    ordered = batches if judge is None else in_random_order(batches)
    return [batch for batch in ordered if batch.number not in complete]


def _stopped(job: Evaluation, found: StoppedEarly) -> StoppedEarly:
    progress.say(
        f"{job.title}: stopped early, {found.key} of the whole run lies in [{found.low:.4f}, {found.high:.4f}] and the "
        f"baseline is {found.baseline:.4f}; {found.n} of {found.of} samples count; without --early-stop the command "
        "goes on"
    )
    return found


def _stop_if_too_many(job: Evaluation, failed: int) -> None:
    allowed = job.options.max_failures
    if allowed is not None and allowed.exceeded(failed, len(job.samples)):
        raise TooManyFailures(
            f"{job.title}: stopped, {failed} of {len(job.samples)} samples failed and --max-failures allows {allowed}; "
            f"what is done is kept in {job.run.path}: the command with a larger allowance, or without, goes on; "
            "--retry-failed asks the failed ones again"
        )


def _samples(batches: Sequence[Batch], complete: Collection[int]) -> int:
    return sum(len(batch.samples) for batch in batches if batch.number in complete)


def _announce(job: Evaluation, done: int, whole: int) -> None:
    if done:
        progress.say(f"{job.title}: resuming, {done} of {whole} samples are done already, in {job.run.path}")
    else:
        progress.say(f"{job.title}: {whole} samples, into {job.run.path}")
