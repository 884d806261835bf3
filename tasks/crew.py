"""The worker processes of one command: started when first needed, kept for its next run, ended with it.

Each is handed the next batch when it is free. One that dies or hangs is replaced; its batch is asked once more, and
where that ends a process again, its samples are asked one by one, so that only those that end a process are lost.
"""

from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

from benchmarks.errors import ModelError
from tasks import worker
from tasks.balance import AHEAD, Source, Tally
from tasks.blame import Blame
from tasks.evaluation import Opener
from tasks.models.pool import ModelPool
from tasks.options import RunOptions
from tasks.progress import say
from tasks.seat import Seat, Word, died

_LISTEN_S = 0.5
_PATIENCE = 10
"""Processes that may die one after the other without any batch finished in between."""


class Crew:
    """Worker processes, as many as were asked for or as there are batches; a context manager that ends them.

    Attributes:
        accelerator: what the processes work on; None for a CPU.
        wall_s: seconds that the last run's work took.
    """

    def __init__(self, count: int, rank: int = 0, local_rank: int = 0, session: str = "") -> None:
        """Set it up; nothing is started yet.

        Args:
            count: processes.
            rank: of the first one, among all that share the run.
            local_rank: of the first one, among those of this machine.
            session: ending of the journals' names where several crews share a run.
        """
        self._count = count
        self._rank, self._local_rank, self._session = rank, local_rank, session
        self._seats: list[Seat] = []
        self._team: list[Seat] = []
        self._job: Word = ()
        self._folder = Path()
        self._stall_s: float | None = None
        self._deaths = 0
        self.accelerator: str | None = None
        self.wall_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for seat in self._seats:
            seat.leave(at_once=seat.state != "idle")

    @property
    def tallies(self) -> list[Tally]:
        """What each process did in the last run."""
        return [seat.tally for seat in self._team]

    def prepare(self, opener: Opener, options: RunOptions, folder: Path, batches: int) -> None:
        """Have every process open the data and load the model, and check that all mean the same run.

        Args:
            opener: opens them.
            options: those of the command.
            folder: the run directory.
            batches: number of batches; no more processes than that are started.

        Raises:
            ModelError: the model cannot be loaded, a process died, or it sees other data or another model.
            DataError: as raised by `opener`.
        """
        while len(self._seats) < min(self._count, batches):
            place = len(self._seats)
            self._seats.append(Seat(self._rank + place, self._local_rank + place))
        self._team = self._seats[:batches]
        self._job = ("prepare", opener, replace(options, pool=ModelPool()))
        self._folder, self._stall_s, self._deaths = folder, options.stall_timeout_s, 0
        for seat in self._team:
            seat.tally = Tally()
            seat.prepare(self._job)
        while any(seat.state == "preparing" for seat in self._team):
            for seat, word in self._heard():
                if word is None:
                    raise self._died(seat)
                self._check(word)
                seat.state = "idle"

    def work(self, source: Source, lock: int | None) -> Generator[tuple[int, int], None, None]:
        """Hand out batches, and yield (samples, failed samples) as each is written to a journal; (0, 0) now and then.

        However this ends, no process works on any more, but one may have written a batch that was not yielded.

        Args:
            source: what is to be done.
            lock: descriptor of the run directory's lock, which every process holds while it writes; None where
                another rank holds it.

        Raises:
            ModelError: processes die again and again, or the model breaks its contract.
            DataError: the journal cannot be written.
        """
        start = monotonic()
        self._blame = Blame(self._folder, f"{self._rank}{self._session}")
        try:
            for seat in self._team:
                seat.begin(self._folder, self._session, self._stall_s, lock)
            while not source.finished():
                self._hand_out(source)
                yield 0, 0
                for seat, word in self._heard():
                    yield self._note(seat, word, source, lock)
                self._end_stuck()
        finally:
            self.wall_s = monotonic() - start
            self._settle(source)

    def _hand_out(self, source: Source) -> None:
        for seat in self._team:
            while seat.state == "working" and len(seat.hand) <= AHEAD:
                assignment = source.take(bool(seat.hand), len(self._team))
                if assignment is None:
                    break
                seat.give(self._blame.of(assignment))

    def _note(self, seat: Seat, word: Word | None, source: Source, lock: int | None) -> tuple[int, int]:
        """Act on one word; return what it says was done."""
        match word:
            case None:
                self._replace(seat, source)
            case ("ready", _, _):
                self._check(word)
                seat.begin(self._folder, self._session, self._stall_s, lock)
            case ("place", place):
                seat.place = place
            case ("batch", samples, failed, seconds):
                self._deaths, seat.place = 0, None
                seat.tally.add(samples, failed, seconds)
                source.done(seat.hand.popleft(), samples, failed)
                return samples, failed
            case ("idle",):
                self._rest(seat, source)
        return 0, 0

    def _replace(self, seat: Seat, source: Source) -> None:
        """Bury a process that died, and start another one in its place.

        Raises:
            ModelError: too many died, and nothing was finished in between.
        """
        begun, waiting, how = seat.lost()
        self._deaths += 1
        if self._deaths >= _PATIENCE:
            self._seats.remove(seat)
            self._team.remove(seat)
            raise died(seat, f"{how}, as {_PATIENCE - 1} did before it", self._count)
        for assignment in reversed(waiting):
            source.back(assignment)
        if begun is not None:
            begun = begun.after_loss(seat.place, seat.reason())
            self._blame.note(begun)
            source.back(begun)
        asked = "" if begun is None else ", the samples of its batch one by one" if begun.alone else ", its batch again"
        say(f"process {seat.rank} {how}: others go on{asked}")
        seat.place = None
        seat.start()
        seat.prepare(self._job)

    def _rest(self, seat: Seat, source: Source) -> None:
        """Take back what a process that was told to stop had not begun."""
        seat.state, seat.place = "idle", None
        while seat.hand:
            source.back(seat.hand.pop())

    def _heard(self) -> Iterator[tuple[Seat, Word | None]]:
        """Wait a moment for words of busy processes; None instead of a word where one died.

        Raises:
            Exception: a mistake of the user's that a process met.
        """
        pipes: dict[Any, Seat] = {seat.pipe: seat for seat in self._seats if seat.state != "idle"}
        for pipe in cast("list[Any]", wait(list(pipes), _LISTEN_S)):
            yield pipes[pipe], pipes[pipe].hear()

    def _check(self, ready: Word) -> None:
        _, path, accelerator = ready
        if path != self._folder:
            raise ModelError(
                f"a worker process means {path}, this one {self._folder}: files changed, run the command again"
            )
        self.accelerator = self.accelerator or accelerator

    def _died(self, seat: Seat) -> ModelError:
        _, _, how = seat.lost()
        self._seats.remove(seat)
        return died(seat, how, self._count)

    def _end_stuck(self) -> None:
        """Kill a process that should have ended itself long ago; it is then found dead."""
        for seat in self._team if self._stall_s is not None else ():
            if seat.is_stuck(cast(float, self._stall_s)):
                seat.process.kill()

    def _settle(self, source: Source) -> None:
        """Let the processes that still work finish their batch, whatever becomes of it."""
        working = [seat for seat in self._team if seat.state == "working"]
        for seat in [seat for seat in self._team if seat.state == "preparing"]:
            self._seats.remove(seat)
            seat.leave(at_once=True)
        for seat in working:
            seat.stop()
        if any(seat.hand for seat in working):
            say("processes finish their batch (Ctrl-C ends them at once)")
        while any(seat.state == "working" for seat in working):
            with suppress(*worker.MISTAKES):
                for seat, word in self._heard():
                    self._note_last(seat, word, source)
                self._end_stuck()

    def _note_last(self, seat: Seat, word: Word | None, source: Source) -> None:
        """Act on one word of a process that was told to stop; one that dies is not replaced."""
        if word is None:
            begun, waiting, _ = seat.lost()
            seat.state = "idle"
            self._seats.remove(seat)
            for assignment in [*([begun] if begun else []), *waiting]:
                source.back(assignment)
        else:
            self._note(seat, word, source, None)
