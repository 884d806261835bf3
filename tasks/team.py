"""The ranks of one launch: they meet below `--out`, agree on what is run, and share out its batches, all by files.

    .launch/<launch>/rank-R-*.json    what rank R says, see `tasks.heartbeat`
    .launch/<launch>/<run>/           claims, see `tasks.claims`

Rank 0 leads: it holds the run directory, says which run comes next, merges and scores. A rank trusts a leader that
names it, and the leader trusts files that came after it had emptied the folder: left-overs of an earlier launch fool
nobody.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from benchmarks.errors import DataError, ModelError
from tasks.claims import Claims
from tasks.evaluation import Evaluation
from tasks.heartbeat import LEASE_S, Heart, Listener, Status
from tasks.journal import disk
from tasks.place import Place
from tasks.progress import say
from tasks.provenance import code_digest

FOLDER = ".launch"
JOIN_S = 120.0
"""Seconds that ranks wait for one that was never heard of."""
_LOOK_S = 0.1
_LEAVE_S = 10.0
_LAST_WORD_S = 3.0


class Team:
    """One rank's view of its launch; a context manager that leaves it.

    Attributes:
        place: of this process.
        nonce: drawn for this process.
        ranks: what each rank last said about its share of the work, by rank.
    """

    def __init__(self, place: Place, out: Path) -> None:
        self.place = place
        self._folder = out / FOLDER / place.launch
        with disk(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._guard = self._lead() if place.rank == 0 else None
        self._heart = Heart(self._folder, place.rank)
        self.nonce = self._heart.nonce
        self._listener = Listener(self._folder)
        self._members: dict[int, str] = {}
        self._was_led = False
        self._lost: set[int] = set()
        self.ranks: dict[int, Status] = {}

    def __enter__(self) -> Self:
        self._heart.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        told = error is not None and not isinstance(error, KeyboardInterrupt)  # one that is taken back stops no other
        reason = (str(error) or type(error).__name__) if told else ""
        if self._guard is not None:
            self._members = {status["rank"]: status["nonce"] for status in self._others()} | self._members
            self._heart.note(members=self._members)
        with suppress(DataError):
            self._heart.say(left=True, reason=reason)
        self._heart.__exit__(kind, error, _)
        if self._guard is not None:
            self._dismiss()
            os.close(self._guard)

    def _lead(self) -> int:
        """Take the folder and empty it."""
        guard = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(guard)
            raise DataError(
                f"{self._folder} belongs to another launch that still runs: launches on one address and port cannot be "
                "told apart, give each a --master-port of its own, or wait"
            ) from None
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != ".lock":
                path.unlink(missing_ok=True)
        return guard

    def _dismiss(self) -> None:
        """Give the others a moment to read the last word, then take the folder away."""
        end = monotonic() + _LEAVE_S
        while monotonic() < end and any(self._is_here(status) for status in self._others()):
            sleep(_LOOK_S)
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            self._folder.parent.rmdir()

    def _is_here(self, status: Status) -> bool:
        return not status.get("left") and self._listener.lives(status["nonce"])

    def _others(self) -> list[Status]:
        return [status for status in self._listener.statuses() if status["nonce"] != self.nonce]

    def gather(self, number: int, job: Evaluation) -> None:
        """As rank 0: say which run comes next, and wait until every rank means the same one.

        Args:
            number: of the run among those of the command.
            job: the run.

        Raises:
            ModelError: a rank never came, was lost, failed, or means another run.
        """
        self.ranks = {0: self._own(number, job)}
        self._heart.say(**self.ranks[0], step="prepare", members=self._members)
        start = monotonic()
        while len(self.ranks) < self.place.world:
            for status in self._others():
                self._meet(status, number, job)
            absent = sorted(set(range(self.place.world)) - set(self._members) - {0})
            if absent and monotonic() - start > JOIN_S:
                raise ModelError(
                    f"{self.place.world} processes were asked for, but rank {', '.join(map(str, absent))} never came: "
                    f"was it started, and is {self._folder} on a file system that all machines share?"
                )
            sleep(_LOOK_S)

    def _own(self, number: int, job: Evaluation) -> Status:
        return {"run": number, "identity": {**job.identity, "code": code_digest()}}

    def _meet(self, status: Status, number: int, job: Evaluation) -> None:
        rank, nonce = status["rank"], status["nonce"]
        who = f"rank {rank} on {status['host']}"
        if self._members.get(rank, nonce) != nonce:
            raise ModelError(
                f"two processes call themselves rank {rank}: end those of an earlier launch, then start again"
            )
        if rank not in self._members:
            self._members[rank] = nonce
            self._heart.say(members=self._members)
        if status.get("left"):
            raise ModelError(f"{who} stopped: {status.get('reason') or 'it had nothing to do'}")
        if not self._listener.lives(nonce):
            raise ModelError(
                f"{who} (process {status['pid']}) was not heard for {LEASE_S:.0f} s: start the command again"
            )
        if status.get("run") == number:
            ours = self.ranks[0]["identity"]
            if status["identity"] != ours:
                raise ModelError(f"{who} means another run, {difference(ours, status['identity'])}")
            self.ranks[rank] = status

    def share(self, number: int, order: Sequence[int]) -> Claims:
        """As rank 0: lay out batches for all ranks, this one included.

        Args:
            number: of the run.
            order: numbers of the batches that are left, in the order in which they are to be taken.
        """
        folder = self._folder / f"run-{number}"
        with disk(folder):
            folder.mkdir()
            (folder / ".order.json").write_text(json.dumps(list(order)))
        self._heart.say(step="work")
        return self._claims(folder, order)

    def settle(self, number: int) -> None:
        """As rank 0, when the work is done: hear the last word of the others, who have nothing left to do either."""
        end = monotonic() + _LAST_WORD_S
        while monotonic() < end and any(
            status.get("worked") != number and self._is_here(status)
            for status in self._others()
            if status.get("working") == number
        ):
            sleep(_LOOK_S)
        self.watch()

    def _claims(self, folder: Path, order: Sequence[int]) -> Claims:
        return Claims(folder, order, self.nonce, self.place.world, self._is_lost)

    def _is_lost(self, nonce: str) -> bool:
        status = next((each for each in self._listener.statuses() if each["nonce"] == nonce), None)
        return status is None or not self._is_here(status)

    def watch(self) -> None:
        """As rank 0, while work goes on: learn how far the others are; name those that were lost.

        Raises:
            ModelError: a rank failed for a reason that the user can mend.
        """
        for status in self._others():
            rank = status["rank"]
            if self._members.get(rank) != status["nonce"]:
                continue
            self.ranks[rank] = status
            if status.get("left") and status.get("reason"):
                raise ModelError(f"rank {rank} on {status['host']} stopped: {status['reason']}")
            if not status.get("left") and not self._listener.lives(status["nonce"]) and rank not in self._lost:
                self._lost.add(rank)
                say(
                    f"rank {rank} on {status['host']} (process {status['pid']}) was not heard for {LEASE_S:.0f} s: "
                    "others take its batches"
                )

    def conclude(self, number: int) -> None:
        """As rank 0: say that a run is finished."""
        self._heart.say(run=number, step="finished")

    def tell(self, at_once: bool = False, **facts: Any) -> None:
        """Tell rank 0 how far this rank is, now or with its next beat."""
        (self._heart.say if at_once else self._heart.note)(**facts)

    def await_step(self, number: int, job: Evaluation, steps: Sequence[str]) -> bool:
        """As another rank: wait until rank 0 has come to a step of a run.

        Args:
            number: of the run.
            job: the run, as this rank understands it.
            steps: any of these.

        Returns:
            False where the run was finished meanwhile, or rank 0 has left after its last one.

        Raises:
            ModelError: rank 0 stopped, was lost, or never came.
        """
        self._heart.say(**self._own(number, job))
        start = monotonic()
        while True:
            leader = self.leader()
            if leader is None and (self._was_led or (not job.options.fresh and job.run.finished())):
                return False
            self._was_led = leader is not None
            if leader is None and monotonic() - start > JOIN_S:
                raise ModelError(f"rank 0 never came: is {self._folder} on a file system that all machines share?")
            if leader is not None:
                self._check(leader)
                run, step = leader.get("run", -1), leader.get("step")
                if run > number or (run == number and step == "finished") or leader.get("left"):
                    return False
                if run == number and step in steps:
                    return True
            sleep(_LOOK_S)

    def leader(self) -> Status | None:
        """What rank 0 last said; None where it has not named this process."""
        leaders = [status for status in self._others() if status["rank"] == 0]
        mine = str(self.place.rank)
        return next((each for each in leaders if each.get("members", {}).get(mine) == self.nonce), None)

    def _check(self, leader: Status) -> None:
        if leader.get("left") and leader.get("reason"):
            raise ModelError(f"rank 0 on {leader['host']} stopped: {leader['reason']}")
        if not leader.get("left") and not self._listener.lives(leader["nonce"]):
            raise ModelError(
                f"rank 0 on {leader['host']} was not heard for {LEASE_S:.0f} s: finished samples are kept; the same "
                "command, with any number of processes, goes on from there"
            )

    def join(self, number: int) -> Claims:
        """As another rank: take part in the work that rank 0 laid out."""
        folder = self._folder / f"run-{number}"
        with disk(folder):
            return self._claims(folder, json.loads((folder / ".order.json").read_bytes()))


def difference(ours: Any, theirs: Any, place: str = "") -> str:
    """Name the first entry in which two identities differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if ours.get(key) != theirs.get(key):
                return difference(ours.get(key), theirs.get(key), f"{place}.{key}" if place else key)
    return f"its {place} is {theirs!r}, that of rank 0 {ours!r}: make data, weights, code and command the same"
