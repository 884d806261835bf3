"""A process that shares a run: opens the data, loads the model, answers the batches that it is handed.

It talks to the process that started it through one pipe, and ends when that one is gone. A word of the parent is
("prepare", opener, options), ("begin", shift), which the lock may follow, ("answer", assignment) or ("stop",); a word
of the worker is ("ready", run directory, accelerator), ("place", place) before a sample that is asked about alone,
("batch", samples, failed, seconds), ("idle",) or ("refused", error).
"""

import io
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stderr, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.errors import ConfigError, DataError, ModelError, UnknownName
from tasks import evaluation, network, provenance
from tasks.balance import Assignment
from tasks.base import Model
from tasks.blame import answer_each
from tasks.evaluation import Evaluation, Opener
from tasks.journal import Journal
from tasks.models.pool import ModelPool
from tasks.options import RunOptions
from tasks.watchdog import Watchdog

MISTAKES = (ConfigError, DataError, ModelError, UnknownName)
"""Errors that a user can mend: the parent process raises them."""


@dataclass(frozen=True)
class Shift:
    """How a process takes part in one run.

    Attributes:
        label: of its journal, which no other process ever writes.
        stack: file that gets its stack where it hangs.
        stall_s: seconds without progress after which it ends itself; None for never.
        is_locked: whether the lock of the run directory follows through the pipe.
    """

    label: str
    stack: Path
    stall_s: float | None
    is_locked: bool


_Work = Callable[[Shift], None]


def main(parent: "Connection[Any, Any]", local_rank: int) -> None:
    """Serve until the parent closes the pipe; every error that a user cannot mend ends the process with its traceback.

    Args:
        parent: one end of a pipe; the other one belongs to the process that started this one.
        local_rank: number of this process among those of its machine that share the run.
    """
    pool = ModelPool()
    work: _Work = _nothing_prepared
    with suppress(EOFError, ConnectionError):  # the parent has gone, and its run with it
        while True:
            work = _obey(parent, local_rank, pool, work)


def _obey(parent: "Connection[Any, Any]", local_rank: int, pool: ModelPool, work: _Work) -> _Work:
    """Do what the next word says; return what does the work from now on."""
    try:
        match parent.recv():
            case ("prepare", opener, options):
                return _prepare(parent, local_rank, opener, replace(options, pool=pool))
            case ("begin", shift):
                work(shift)
            case ("answer", _) | ("stop",):
                pass  # came after this process had refused
    except MISTAKES as mistake:
        parent.send(("refused", mistake))
    return work


def _nothing_prepared(shift: Shift) -> None:
    raise AssertionError(f"{shift} begins before anything was prepared")


def _prepare(parent: "Connection[Any, Any]", local_rank: int, opener: Opener, options: RunOptions) -> _Work:
    """Open the data and load the model; return what answers batches."""
    if options.offline:
        network.seal()
    with _hush(options):
        device = own_device(options.device, local_rank)
        job = evaluation.resolve(*opener(), replace(options, device=device))
        model = job.load()
    parent.send(("ready", job.run.path, provenance.accelerator(device)))
    return partial(_work, parent, job, model)


def _work(parent: "Connection[Any, Any]", job: Evaluation, model: Model, shift: Shift) -> None:
    """Answer what is handed until the parent says stop."""
    batches = job.batches()
    with (
        _lock(parent, shift.is_locked),
        _hush(job.options),
        Journal(job.run.path / "predictions", batches, shift.label) as journal,
        Watchdog(shift.stack, shift.stall_s) as dog,
    ):
        for assignment, following in _handed(parent):
            dog.feed()
            batch, start = batches[assignment.number], perf_counter()
            if assignment.alone:
                before = partial(_comes_next, parent, dog)
                answers = list(answer_each(job, model, batch, assignment, before))
            else:
                answers = job.answer(model, batch, None if following is None else batches[following.number])
            journal.append(batch, answers)
            dog.rest()
            failures = sum(answer.status == "failed" for answer in answers)
            parent.send(("batch", len(answers), failures, perf_counter() - start))
    parent.send(("idle",))


def _comes_next(parent: "Connection[Any, Any]", dog: Watchdog, place: int) -> None:
    """Say which sample of a batch comes next, so that the parent knows which one ended this process."""
    parent.send(("place", place))
    dog.feed()


def _handed(parent: "Connection[Any, Any]") -> Iterator[tuple[Assignment, Assignment | None]]:
    """Yield what the parent hands over, and what comes next where that is known, until the parent says stop.

    What is not begun by then is left.
    """
    waiting: deque[Assignment] = deque()
    while True:
        while not waiting or parent.poll():
            word = parent.recv()
            if word[0] == "stop":
                return
            waiting.append(word[1])
        yield waiting.popleft(), waiting[0] if waiting else None


@contextmanager
def _lock(parent: "Connection[Any, Any]", is_locked: bool) -> Iterator[None]:
    """Hold the directory's lock as long as this process writes, even where the parent was killed."""
    lock = recv_handle(parent) if is_locked else None
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _hush(options: RunOptions) -> AbstractContextManager[object]:
    return nullcontext() if options.progress else redirect_stderr(io.StringIO())


def own_device(device: str, rank: int) -> str:
    """Give every process a CUDA device of its own, as long as there are enough; a device with a number stays.

    Raises:
        ModelError: there is no CUDA device.
    """
    if device != "cuda":
        return device
    import torch

    count = torch.cuda.device_count()
    if not count:
        raise ModelError("no CUDA device can be used: choose --device cpu, or mend the driver")
    return f"cuda:{rank % count}"
