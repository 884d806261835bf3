"""Starts the processes of a training on this machine, and ends with them.

They are forked off a server that has imported everything once and has no threads or accelerator state of this process.
They stand in process groups of their own: a Ctrl-C reaches this process alone, which asks the first of them to finish
its step.
"""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from benchmarks.errors import ConfigError, DataError, ModelError, UnknownName

if TYPE_CHECKING:  # the parent of several processes needs no torch
    from refvlm.training.config import TrainConfig
    from refvlm.training.train import Watch

_MISTAKES = (ConfigError, DataError, ModelError, UnknownName)
_SECONDS_TO_LEAVE = 10.0


WatchOf = Callable[["TrainConfig", str], "Watch | None"]
"""(configuration, device) -> what evaluates checkpoints; a function of a module, so that processes can find it."""


@dataclass(frozen=True)
class Job:
    """What every process does; see `refvlm.training.train.train` and `refvlm.training.world.Place`."""

    config: Path
    out: Path
    resume: bool = False
    max_minutes: float | None = None
    device: str = "cpu"
    start_from: Path | None = None
    watch_of: "WatchOf | None" = None

    def run(self) -> None:
        """Train as one process: the only one, or one of several if the environment says so."""
        from refvlm.training.config import load_config
        from refvlm.training.train import train
        from refvlm.training.world import Place

        place = Place(self.device, self.start_from)
        first = os.environ.get("RANK", "0") == "0"
        watch = self.watch_of(load_config(self.config), self.device) if first and self.watch_of else None
        train(self.config, self.out, self.resume, self.max_minutes, place, watch)


def launch(job: Job, processes: int) -> None:
    """Train on several processes of this machine that share every step.

    Raises:
        ConfigError, DataError, ModelError, UnknownName: what a process met, or that one of them died.
        KeyboardInterrupt: the user pressed Ctrl-C; everything up to then is saved. A second one ends all at once.
    """
    if ":" in job.device:
        raise ConfigError(f"{processes} processes cannot share {job.device}: choose --device cuda")
    port = _free_port()
    started: list[tuple[ForkServerProcess, Connection[Any, Any]]] = []
    patience = 0.0
    try:
        for rank in range(processes):
            started.append(_start(job, rank, processes, port))
        with _interrupt_first(started[0][0]):
            stopped = [_end(started) for _ in range(processes)]
        patience = _SECONDS_TO_LEAVE
    finally:
        for process, pipe in started:
            _leave(process, patience)
            pipe.close()
    if any(stopped):
        raise KeyboardInterrupt


def _start(job: Job, rank: int, processes: int, port: int) -> "tuple[ForkServerProcess, Connection[Any, Any]]":
    pipe, end = multiprocessing.Pipe()
    seats = {
        "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes,
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", max(1, (os.cpu_count() or 1) // processes)),
    }  # fmt: skip
    serving = multiprocessing.get_context("forkserver")
    serving.set_forkserver_preload(["refvlm.training.train"])
    texts = {name: str(value) for name, value in seats.items()}
    process = serving.Process(target=_rank, args=(job, texts, end), name=f"rank-{rank}")
    process.start()
    end.close()
    return process, pipe


def _rank(job: Job, seats: dict[str, str], parent: "Connection[Any, Any]") -> None:
    """Do the job, and tell the parent how it ended: (whether it was stopped, the user's mistake)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # until there is a better answer to it
    os.setpgrp()
    os.environ.update(seats)
    multiprocessing.set_start_method(None, force=True)  # readers of data start as everywhere, with nothing to import
    import torch

    torch.set_num_threads(int(seats["OMP_NUM_THREADS"]))
    word: tuple[bool, Exception | None] = (False, None)
    try:
        job.run()
    except KeyboardInterrupt:
        word = (True, None)
    except _MISTAKES as mistake:
        word = (False, mistake)
    with suppress(ConnectionError):  # the parent has gone
        parent.send(word)


def _end(started: "Sequence[tuple[ForkServerProcess, Connection[Any, Any]]]") -> bool:
    """Wait for the next process to end; return whether it was stopped."""
    pipes = {pipe: process for process, pipe in started if not pipe.closed}
    pipe = cast("Connection[Any, Any]", wait(list(pipes))[0])
    try:
        stopped, mistake = pipe.recv()
    except (EOFError, ConnectionError):
        raise _died(pipes[pipe], len(started)) from None
    pipe.close()
    if mistake is not None:
        raise mistake
    return bool(stopped)


def _died(process: ForkServerProcess, processes: int) -> ModelError:
    process.join()
    code = process.exitcode or 0
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    cause = " (most often the memory ran out)" if code == -signal.SIGKILL else ""
    return ModelError(f"{process.name} of {processes} processes {how}{cause}: --resume goes on from the last save")


def _leave(process: ForkServerProcess, patience: float) -> None:
    """Give a process some seconds to go by itself, then end it."""
    process.join(patience)
    if process.exitcode is None:
        process.kill()
        process.join()


@contextmanager
def _interrupt_first(first: ForkServerProcess) -> Iterator[None]:
    """Hand the first Ctrl-C on to a process; a second one raises here."""
    asked: list[int] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        if asked or first.pid is None:
            raise KeyboardInterrupt
        asked.append(number)
        with suppress(ProcessLookupError):
            os.kill(first.pid, signal.SIGINT)

    before = signal.signal(signal.SIGINT, hand_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
