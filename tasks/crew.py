"""The worker processes of one command: started when first needed, kept for its next run, ended with it.

Processes are spawned, not forked, so that they start without threads or accelerator state of this one. They do not see
Ctrl-C: this process does, and tells them to finish their batch.
"""

import multiprocessing
import signal
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import send_handle
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from benchmarks.errors import ModelError
from tasks import worker
from tasks.evaluation import Opener
from tasks.journal import Batch
from tasks.models.pool import ModelPool
from tasks.options import RunOptions
from tasks.progress import say

_SECONDS_TO_LEAVE = 10.0


class Crew:
    """Worker processes, as many as were asked for or as there are batches; a context manager that ends them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._processes: list[SpawnProcess] = []
        self._pipes: list[Connection[Any, Any]] = []
        self._team: list[Connection[Any, Any]] = []
        self._busy: dict[Connection[Any, Any], int] = {}
        self.accelerator: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for process in self._processes if self._busy else ():
            process.kill()
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(_SECONDS_TO_LEAVE)
            if process.is_alive():
                process.kill()
                process.join()

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
        while len(self._pipes) < min(self._count, batches):
            self._start()
        self._team = self._pipes[:batches]
        for pipe in self._team:
            self._tell(pipe, ("prepare", opener, replace(options, pool=ModelPool())))
        ready = []
        while self._busy:
            pipe, word = self._hear()
            del self._busy[pipe]
            ready.append(word)
        if other := next((path for _, path, _ in ready if path != folder), None):
            raise ModelError(f"a worker process means {other}, this one {folder}: files changed, run the command again")
        self.accelerator = next((name for _, _, name in ready if name), None)

    def work(self, pending: Sequence[Batch], lock: int) -> Generator[tuple[int, int], None, None]:
        """Share batches by stride, and yield (samples, failed samples) as each is written to the journal.

        However this ends, no process works on any more, but one may have written a batch that was not yielded.

        Args:
            pending: what is to be done, in order.
            lock: descriptor of the run directory's lock, which every process holds while it writes.

        Raises:
            ModelError: a process died, or the model breaks its contract.
            DataError: the journal cannot be written.
        """
        numbers = [batch.number for batch in pending]
        try:
            for rank, pipe in enumerate(self._team):
                self._tell(pipe, ("answer", numbers[rank :: len(self._team)]), lock)
            while self._busy:
                pipe, word = self._hear()
                if word[0] == "batch":
                    yield word[1], word[2]
                else:
                    del self._busy[pipe]
        finally:
            self._settle()

    def _start(self) -> None:
        rank = len(self._pipes)
        pipe, end = multiprocessing.Pipe()
        spawning = multiprocessing.get_context("spawn")
        process = spawning.Process(target=worker.main, args=(end, rank), name=f"rank-{rank}")
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited, and so from the first moment on
        try:
            process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        end.close()
        self._processes.append(process)
        self._pipes.append(pipe)

    def _tell(self, pipe: "Connection[Any, Any]", word: tuple[object, ...], lock: int | None = None) -> None:
        """Give a process something to do. One that died meanwhile is noticed when it is heard next."""
        rank = self._pipes.index(pipe)
        self._busy[pipe] = rank
        with suppress(ConnectionError):
            pipe.send(word)
            if lock is not None:
                send_handle(pipe, lock, self._processes[rank].pid)

    def _hear(self) -> "tuple[Connection[Any, Any], tuple[Any, ...]]":
        """Wait for the next word of any busy process.

        Raises:
            Exception: a mistake of the user's that a process met, or the ModelError that it died.
        """
        pipe = cast("Connection[Any, Any]", wait(list(self._busy))[0])
        try:
            word = pipe.recv()
        except (EOFError, ConnectionError):
            raise self._died(self._busy.pop(pipe)) from None
        if word[0] == "refused":
            del self._busy[pipe]
            raise word[1]
        return pipe, word

    def _died(self, rank: int) -> ModelError:
        process = self._processes[rank]
        process.join()
        code = process.exitcode or 0
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        cause = " (most often the memory ran out)" if code == -signal.SIGKILL else ""
        return ModelError(
            f"process {rank} of {len(self._processes)} {how}{cause}: finished samples are kept; the same command, with "
            "any number of processes, goes on from there"
        )

    def _settle(self) -> None:
        """Let the processes that still work finish their batch, whatever becomes of it."""
        for pipe in self._busy:
            with suppress(ConnectionError):
                pipe.send(("stop",))
        if self._busy:
            say("the other processes finish their batch (Ctrl-C ends them at once)")
        while self._busy:
            with suppress(*worker.MISTAKES):
                pipe, word = self._hear()
                if word[0] == "idle":
                    del self._busy[pipe]
