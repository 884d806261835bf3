"""One command: one or several models, each on its rows; every model is loaded once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.errors import ConfigError
from benchmarks.schema import Regime
from results.record import Record
from tasks import prompts
from tasks.base import ModelEntry
from tasks.evaluation import Evaluation
from tasks.meter import Meter, duration
from tasks.options import RunOptions
from tasks.plan import Job, Skipped
from tasks.ranks import Run
from tasks.run import Interrupted, evaluate_ranked, ways
from tasks.team import Team


@dataclass(frozen=True)
class Part:
    """What one model is to do.

    Attributes:
        entry: the model.
        options: those of the command, with a pool and arguments of this model's own.
        jobs: splits.
        skipped: tasks that are left out.
        prompt_sets: wordings, as the user named them.
        regimes: commands before the instruction.
    """

    entry: ModelEntry
    options: RunOptions
    jobs: Sequence[Job]
    skipped: Sequence[Skipped]
    prompt_sets: Sequence[str] = ()
    regimes: Sequence[Regime | None] = (None,)

    def size(self) -> tuple[int, int]:
        """Count rows, and the samples of all of them."""
        counts = [
            (len(self.regimes) * len(prompts.sets(job.task.prompt, self.prompt_sets or [self.options.prompt_set])), job)
            for job in self.jobs
        ]
        limit = self.options.limit
        samples = sum(rows * (job.size if limit is None else min(limit, job.size)) for rows, job in counts)
        return sum(rows for rows, _ in counts), samples


def check(parts: Sequence[Part], is_launched: bool) -> None:
    """Refuse what cannot be done together, before anything is run.

    Args:
        parts: at least one.
        is_launched: whether this is one rank of a launch.

    Raises:
        ConfigError: options that exclude each other.
        UnknownName: no task has the key of the baseline.
    """
    options = parts[0].options
    if is_launched and (len(parts) > 1 or options.early_stop is not None):
        what = "several models" if len(parts) > 1 else "--early-stop"
        raise ConfigError(f"{what} cannot be run under a launcher: name one model, or use --num-processes instead")
    if len(parts) > 1 and options.weights is not None:
        raise ConfigError("--weights belongs to one model: name one, or leave it out")
    if options.early_stop is not None and options.retry_failed:
        raise ConfigError("--retry-failed needs a run that came to its end: leave out --early-stop")
    if options.early_stop is not None:
        options.early_stop.check(job.task.kind for part in parts for job in part.jobs)


def rows_of(part: Part) -> Iterator[Run]:
    """Open the splits of a part in their turn, and go through the ways of asking."""
    return ways(part.jobs, part.entry, part.options, part.prompt_sets, part.regimes)


def run_parts(
    parts: Sequence[Part], team: Team | None, after: Callable[[Evaluation], None] | None = None
) -> list[Record]:
    """Run one model after the other; the memory of one is free before the next is loaded.

    Raises:
        Interrupted: the user pressed Ctrl-C; the text says how much is done.
        Exception: as `tasks.run.evaluate_all`.
    """
    records: list[Record] = []
    for part in parts:
        try:
            records += evaluate_ranked(rows_of(part), part.entry, part.options.processes, team, after)
        except Interrupted as stop:
            before = f"; {len(records)} rows of other models were finished before" if records else ""
            raise Interrupted(f"{stop}{before}", stop.code) from None
        part.options.pool.empty()
    return records


def closing_line(records: Sequence[Record], meter: Meter) -> str:
    """Sum a command up: rows, samples, failures and time."""
    samples = sum(record.n for record in records)
    failed, unread = (sum(getattr(record, name) for record in records) for name in ("failed", "unparsable"))
    early = sum(record.stopped_early is not None for record in records)
    return (
        f"{len(records)} row{'' if len(records) == 1 else 's'}{f', {early} stopped early' if early else ''}: "
        f"{samples:,} samples, {failed:,} failed, "
        f"{unread:,} unparsable; {meter.done - meter.earlier:,} answered now, in {duration(meter.seconds)}"
    )
