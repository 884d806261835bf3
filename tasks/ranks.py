"""One rank of a launch at work: a worker process for the model, and this one, which never loads it, to watch over it.

So a model that crashes or hangs costs its batch and not its rank, and a rank goes on telling the others that it lives.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from time import monotonic
from typing import Any

from benchmarks.errors import ModelError
from benchmarks.schema import Split
from tasks.balance import Tally, largest_first, shares
from tasks.base import ModelEntry, Task
from tasks.crew import Crew
from tasks.evaluation import Evaluation, Opener, resolve
from tasks.hands import Shared, Together, Work
from tasks.heartbeat import Status
from tasks.journal import Batch, Journal
from tasks.options import RunOptions
from tasks.team import Team

_LOOK_S = 1.0
Run = tuple[Task, Split, RunOptions, Opener]


def crew_of(team: Team) -> Crew:
    """Make the crew of one rank: one process, whose journal nobody else writes."""
    return Crew(1, team.place.rank, team.place.local_rank, f"-{team.nonce}")


def leading(shared: Shared, team: Team | None, number: int) -> Shared:
    """Have rank 0 work together with the others of its launch, where there is one."""
    return shared if team is None else replace(shared, lead=lambda job: Leading(job, shared, team, number))


class Leading(Together):
    """Rank 0 of a launch."""

    def __init__(self, job: Evaluation, shared: Shared, team: Team, number: int) -> None:
        """Wait for every rank, and have the model loaded.

        Raises:
            ModelError: a rank is missing or means another run, or the model cannot be loaded.
            DataError: its process cannot open the data.
        """
        team.gather(number, job)
        super().__init__(job, shared)
        self._team, self._number = team, number

    def work(self, lock: int, _: Journal, pending: Sequence[Batch]) -> Work:
        """Share out batches, the largest first, and work on them, too."""
        claims = self._team.share(self._number, largest_first(pending))
        with closing(self._crew.work(claims, lock)) as work:
            yield from self._with_others(work)
        self._team.settle(self._number)

    def shares(self) -> list[dict[str, Any]]:
        """What each rank did, and where."""
        others = self._team.ranks
        own = self._crew.tallies[0]
        tallies = [own, *(_tally(others[rank]) for rank in range(1, self._team.place.world))]
        parts = shares(tallies, self._crew.wall_s)
        return [{**part, "host": others[rank]["host"]} if rank else part for rank, part in enumerate(parts)]

    def _with_others(self, work: Work) -> Work:
        """Add what the other ranks report to what is done here."""
        told: dict[int, Tally] = {}
        looked_s = monotonic()
        for done in work:
            yield done
            if monotonic() - looked_s >= _LOOK_S:
                looked_s = monotonic()
                self._team.watch()
                yield self._news(told)

    def _news(self, told: dict[int, Tally]) -> tuple[int, int]:
        samples = failed = 0
        for rank in range(1, self._team.place.world):
            now, before = _tally(self._team.ranks[rank]), told.get(rank, Tally())
            samples, failed = samples + now.samples - before.samples, failed + now.failed - before.failed
            told[rank] = now
        return samples, failed


def follow(team: Team, runs: Iterable[Run], entry: ModelEntry) -> None:
    """Take part in every run of a command as a rank other than 0, which scores and prints.

    Raises:
        ModelError: rank 0 stopped or was lost, or the model cannot be loaded.
        DataError: the data cannot be opened, or a folder cannot be written.
    """
    with crew_of(team) as crew:
        for number, (task, split, options, opener) in enumerate(runs):
            job = resolve(task, split, entry, options)
            if team.await_step(number, job, ("prepare", "work")):
                crew.prepare(opener, options, job.run.path, len(job.batches()))
                if team.await_step(number, job, ("work",)):
                    _take_part(team, number, crew)
                    team.await_step(number, job, ())  # only rank 0 knows whether the run comes to a good end


def _take_part(team: Team, number: int, crew: Crew) -> None:
    claims = team.join(number)
    team.tell(at_once=True, working=number, tally=asdict(Tally()))
    looked_s = monotonic()
    try:
        with closing(crew.work(claims, None)) as work:
            for _ in work:
                team.tell(tally=asdict(crew.tallies[0]))
                if monotonic() - looked_s >= _LOOK_S:
                    looked_s = monotonic()
                    _check_leader(team)
    finally:
        claims.release()
        team.tell(at_once=True, worked=number, tally=asdict(crew.tallies[0]))


def _check_leader(team: Team) -> None:
    """Stop where rank 0 has stopped; one that fell silent is no reason: finished batches count all the same."""
    leader = team.leader()
    if leader is not None and leader.get("left"):
        raise ModelError(f"rank 0 on {leader['host']} stopped: {leader.get('reason') or 'the same command goes on'}")


def _tally(status: Status) -> Tally:
    return Tally(**status.get("tally", {}))
