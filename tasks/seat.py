"""One worker process, its pipe, and what it has in hand; a new process takes the seat of one that was lost."""

import multiprocessing
import signal
from collections import deque
from contextlib import suppress
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import send_handle
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from benchmarks.errors import ModelError
from tasks import watchdog, worker
from tasks.balance import Assignment, Tally

Word = tuple[Any, ...]
ENDED = "ended its process"
_SECONDS_TO_LEAVE = 10.0


class Seat:
    """A place for one worker process.

    Attributes:
        rank: number among all that share the run.
        state: "idle" (has nothing to do with a run), "preparing" or "working".
        hand: assignments, the first one in work.
        place: of the sample that is asked about alone, where there is one.
        tally: what was done here in this run.
        heard_s: monotonic time of the last progress.
    """

    def __init__(self, rank: int, local_rank: int) -> None:
        self.rank = rank
        self.state: Literal["idle", "preparing", "working"] = "idle"
        self.hand: deque[Assignment] = deque()
        self.place: int | None = None
        self.tally = Tally()
        self.heard_s = 0.0
        self._local_rank = local_rank
        self._lives = 0
        self._stack: Path | None = None
        self.start()

    def start(self) -> None:
        """Start a process. It is spawned without Ctrl-C and SIGTERM, from its first moment on."""
        self.pipe, end = multiprocessing.Pipe()
        spawning = multiprocessing.get_context("spawn")
        arguments = (end, self._local_rank)
        self.process: SpawnProcess = spawning.Process(target=worker.main, args=arguments, name=f"rank-{self.rank}")
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self.process.start()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        end.close()
        self._lives += 1

    def prepare(self, word: Word) -> None:
        """Have it open the data and load the model."""
        self.state = "preparing"
        self._tell(word)

    def begin(self, folder: Path, session: str, stall_s: float | None, lock: int | None) -> None:
        """Have it open a journal of its own. Each process writes its own file: a torn end spoils no other.

        Args:
            folder: the run directory.
            session: ending of the journal's name, so that no two processes ever write one file.
            stall_s: seconds without progress after which it ends itself.
            lock: descriptor of the directory's lock, which it holds while it writes; None where another rank has it.
        """
        label = f"{self.rank}{session}" if self._lives == 1 else f"{self.rank}{session}.{self._lives}"
        self._stack = folder / "stacks" / f"rank-{label}-{self.process.pid}.txt"
        self.state, self.heard_s = "working", monotonic()
        self._tell(("begin", worker.Shift(label, self._stack, stall_s, lock is not None)))
        if lock is not None:
            with suppress(ConnectionError):
                send_handle(self.pipe, lock, self.process.pid)

    def give(self, assignment: Assignment) -> None:
        """Put an assignment into its hand."""
        if not self.hand:
            self.heard_s = monotonic()
        self.hand.append(assignment)
        self._tell(("answer", assignment))

    def stop(self) -> None:
        """Have it finish the batch in work, and no other."""
        self._tell(("stop",))

    def hear(self) -> Word | None:
        """Read its next word, which is there; None when it died.

        Raises:
            Exception: a mistake of the user's that it met.
        """
        try:
            word: Word = self.pipe.recv()
        except (EOFError, ConnectionError):
            return None
        self.heard_s = monotonic()
        if word[0] == "refused":
            self.state = "idle"
            self.hand.clear()
            raise word[1]
        return word

    def is_stuck(self, stall_s: float) -> bool:
        """Whether it should have ended itself long ago."""
        return self.state == "working" and bool(self.hand) and monotonic() - self.heard_s > 2 * stall_s + 5

    def lost(self) -> tuple[Assignment | None, list[Assignment], str]:
        """Bury a process that died: what it was asked, what it had not begun, and how it ended in a few words."""
        self.process.join()
        self.pipe.close()
        begun = self.hand.popleft() if self.hand else None
        waiting = list(self.hand)
        self.hand.clear()
        how = self.how()
        if self._stack is not None and not watchdog.bit(self._stack):
            with suppress(OSError):
                self._stack.unlink()
        return begun, waiting, how

    def how(self) -> str:
        """How its process ended."""
        if self._stack is not None and watchdog.bit(self._stack):
            return f"made no progress and was ended, its stack is in {self._stack}"
        code = self.process.exitcode or 0
        cause = " (most often the memory ran out)" if code == -signal.SIGKILL else ""
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"{how}{cause}"

    def reason(self) -> str:
        """What a sample that ended the process is recorded with: the same words on every machine."""
        stalled = self._stack is not None and watchdog.bit(self._stack)
        return f"{ENDED}: no progress for longer than --stall-timeout" if stalled else ENDED

    def leave(self, at_once: bool) -> None:
        """End the process."""
        if at_once:
            self.process.kill()
        with suppress(OSError):
            self.pipe.close()
        self.process.join(_SECONDS_TO_LEAVE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _tell(self, word: Word) -> None:
        """Give the process something to do. One that died meanwhile is noticed when it is heard next."""
        with suppress(ConnectionError):
            self.pipe.send(word)


def died(seat: Seat, how: str, processes: int) -> ModelError:
    """The error for a process that ended without anything in hand that could be blamed."""
    return ModelError(
        f"process {seat.rank} of {processes} {how}: finished samples are kept; the same command, with any number of "
        "processes, goes on from there"
    )
