"""What answers the batches of a run: this process, or worker processes that it hands them to."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from time import monotonic, perf_counter
from typing import Any, Protocol

from benchmarks.schema import Prediction
from tasks import provenance
from tasks.balance import Assignment, Pending, Tally, shares
from tasks.blame import Blame, answer_each
from tasks.crew import Crew
from tasks.evaluation import Evaluation, Opener
from tasks.journal import Batch, Journal
from tasks.stopping import Hold

Work = Generator[tuple[int, int], None, None]
"""(samples, failed samples) of every batch, as soon as the journal has it."""


class Hands(Protocol):
    """What answers batches, with its model loaded."""

    @property
    def accelerator(self) -> str | None:
        """Name of what it works on; None for a CPU."""

    def work(self, lock: int, journal: Journal, pending: Sequence[Batch]) -> Work:
        """Answer batches into journals.

        Args:
            lock: descriptor of the run directory's lock.
            journal: that of this process.
            pending: what is left to be done.
        """

    def shares(self) -> list[dict[str, Any]]:
        """What every rank did, for `run.json`, once the work is done."""


@dataclass(frozen=True)
class Shared:
    """Worker processes that share a run, and what they open it with.

    Attributes:
        crew: the processes.
        opener: opens task, data and model in each.
        lead: makes what works together with other ranks of a launch; None without a launcher.
    """

    crew: Crew
    opener: Opener
    lead: "Callable[[Evaluation], Hands] | None" = None


class Alone:
    """This process."""

    def __init__(self, job: Evaluation) -> None:
        """Load the model.

        Raises:
            ModelError: it cannot be loaded.
        """
        self._job, self._model = job, job.load()
        self._tally, self._wall_s = Tally(), 0.0

    @property
    def accelerator(self) -> str | None:
        """Name of what it works on; None for a CPU."""
        return provenance.accelerator(self._job.options.device)

    def work(self, _: int, journal: Journal, pending: Sequence[Batch]) -> Work:
        """Answer batch after batch. Ctrl-C and SIGTERM let the one in work finish."""
        begun = monotonic()
        blame = Blame(self._job.run.path)
        with Hold("finishing the batch in work (Ctrl-C ends it at once)") as hold:
            for batch, following in zip_longest(pending, pending[1:]):
                hold.begin()
                start = perf_counter()
                answers = self._answers(batch, following, blame.of(Assignment(batch.number)))
                journal.append(batch, answers)
                failures = sum(answer.status == "failed" for answer in answers)
                self._tally.add(len(answers), failures, perf_counter() - start)
                hold.end()
                yield len(answers), failures
        self._wall_s = monotonic() - begun

    def _answers(self, batch: Batch, following: Batch | None, known: Assignment) -> list[Prediction]:
        """Answer a batch as a whole, or one by one where it ended processes of an earlier launch."""
        if known.alone:
            return list(answer_each(self._job, self._model, batch, known, lambda place: None))
        return self._job.answer(self._model, batch, following)

    def shares(self) -> list[dict[str, Any]]:
        """What this process did."""
        return shares([self._tally], self._wall_s)


class Together:
    """The worker processes of this one."""

    def __init__(self, job: Evaluation, shared: Shared) -> None:
        """Have them load the model.

        Raises:
            ModelError: it cannot be loaded.
            DataError: they cannot open the data.
        """
        self._crew = shared.crew
        self._as_given = job.options.early_stop is not None
        shared.crew.prepare(shared.opener, job.options, job.run.path, len(job.batches()))

    @property
    def accelerator(self) -> str | None:
        """Name of what they work on; None for a CPU."""
        return self._crew.accelerator

    def work(self, lock: int, _: Journal, pending: Sequence[Batch]) -> Work:
        """Hand out batches, the largest first; in their order where that is what a decision rests on."""
        with closing(self._crew.work(Pending(pending, self._as_given), lock)) as work:
            yield from work

    def shares(self) -> list[dict[str, Any]]:
        """What each process did."""
        return shares(self._crew.tallies, self._crew.wall_s)


def hands_for(job: Evaluation, shared: Shared | None) -> Hands:
    """Choose who works, and load the model there. One process that may be ended where it hangs is not this one.

    Raises:
        ModelError: the model cannot be loaded.
        DataError: worker processes cannot open the data.
    """
    if shared is not None and shared.lead is not None:
        return shared.lead(job)
    if job.options.processes == 1 and job.options.stall_timeout_s is None:
        return Alone(job)
    assert shared is not None, "other processes need to be told what they open"
    return Together(job, shared)
