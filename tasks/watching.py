"""What follows a run while it works: the number so far, samples that fail, and whether to stop early."""

from collections.abc import Callable, Sequence
from time import monotonic

from benchmarks.schema import Prediction
from results.record import StoppedEarly
from tasks.early_stop import Judge
from tasks.evaluation import Evaluation
from tasks.journal import Batch
from tasks.live import Rows, can_be_estimated
from tasks.meter import Meter
from tasks.tail import Tail

_LEAST_S = 3.0
_SHARE = 100
"""A look that took t seconds is followed by the next one after 100 t at the earliest: 1 % of one core at most."""


class Watcher:
    """Reads the journals now and then, and tells the meter; with a judge, after every batch."""

    def __init__(
        self, job: Evaluation, batches: Sequence[Batch], judge: Judge | None, clock: Callable[[], float] = monotonic
    ) -> None:
        """Set it up.

        Args:
            job: the run.
            batches: all of it.
            judge: what may end it early, or None.
            clock: seconds.
        """
        self._meter, self._judge, self._clock = job.options.meter, judge, clock
        kind = job.task.kind
        watched = type(self._meter) is not Meter
        self._rows = Rows(kind, kind.metrics[0]) if watched and can_be_estimated(kind) else None
        self._tail = Tail(job.run.path, batches) if watched or judge is not None else None
        self._due = clock() + _LEAST_S

    def begin(self) -> StoppedEarly | None:
        """Take what an earlier command answered, whose failures were told then."""
        return None if self._tail is None else self._take(self._tail.news())

    def batch(self, samples: int, failed: int) -> StoppedEarly | None:
        """Hear of answers; return why to stop, or None."""
        self._meter.batch(samples, failed)
        if self._tail is None or not (failed or self._clock() >= self._due or (samples and self._judge is not None)):
            return None
        start = self._clock()
        verdict = self._take(news := self._tail.news())
        for _, answers in news:
            self._tell_failures(answers)
        if self._rows is not None and start >= self._due and (found := self._rows.estimate()):
            self._meter.estimate(found)
        if start >= self._due:
            self._due = self._clock() + max(_LEAST_S, _SHARE * (self._clock() - start))
        return verdict

    def _take(self, news: Sequence[tuple[Batch, list[Prediction]]]) -> StoppedEarly | None:
        for batch, answers in news:
            if self._rows is not None:
                self._rows.add(batch.samples, answers)
            if self._judge is not None:
                self._judge.add(batch, answers)
        return None if self._judge is None else self._judge.verdict()

    def _tell_failures(self, answers: Sequence[Prediction]) -> None:
        for answer in answers:
            if answer.status == "failed":
                self._meter.failure(answer.sample_id, answer.error)
