"""A process that shares a run: opens the data, loads the model, answers the batches that it is told to.

It talks to the process that started it through one pipe, and ends when that one is gone. A word of the parent is
("prepare", opener, options), ("answer", batch numbers), which the lock follows, or ("stop",); a word of the worker is
("ready", run directory, accelerator), ("batch", samples, failed), ("idle",) or ("refused", error).
"""

import io
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, redirect_stderr, suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any

from benchmarks.errors import ConfigError, DataError, ModelError, UnknownName
from tasks import evaluation, provenance
from tasks.base import Model
from tasks.evaluation import Evaluation, Opener
from tasks.journal import Journal
from tasks.models.pool import ModelPool
from tasks.options import RunOptions

_Answer = Callable[[list[int]], None]
MISTAKES = (ConfigError, DataError, ModelError, UnknownName)
"""Errors that a user can mend: the parent process raises them."""


def main(parent: "Connection[Any, Any]", rank: int) -> None:
    """Serve until the parent closes the pipe; every error that a user cannot mend ends the process with its traceback.

    Args:
        parent: one end of a pipe; the other one belongs to the process that started this one.
        rank: number of this process among those that share the run.
    """
    pool = ModelPool()
    answer: _Answer = _nothing_prepared
    with suppress(EOFError, ConnectionError):  # the parent has gone, and its run with it
        while True:
            answer = _obey(parent, rank, pool, answer)


def _obey(parent: "Connection[Any, Any]", rank: int, pool: ModelPool, answer: _Answer) -> _Answer:
    """Do what the next word says; return what answers batches from now on."""
    try:
        match parent.recv():
            case ("prepare", opener, options):
                return _prepare(parent, rank, opener, replace(options, pool=pool))
            case ("answer", numbers):
                answer(numbers)
            case ("stop",):
                pass  # came when everything was done
    except MISTAKES as mistake:
        parent.send(("refused", mistake))
    return answer


def _nothing_prepared(numbers: list[int]) -> None:
    raise AssertionError(f"batches {numbers} are asked for before anything was prepared")


def _prepare(parent: "Connection[Any, Any]", rank: int, opener: Opener, options: RunOptions) -> _Answer:
    """Open the data and load the model; return what answers batches by number."""
    with _hush(options):
        device = own_device(options.device, rank)
        job = evaluation.resolve(*opener(), replace(options, device=device))
        model = job.load()
    parent.send(("ready", job.run.path, provenance.accelerator(device)))
    return partial(_answer, parent, rank, job, model)


def _answer(parent: "Connection[Any, Any]", rank: int, job: Evaluation, model: Model, numbers: list[int]) -> None:
    """Answer batches until all are done or the parent says stop.

    The lock is held as long as this process writes, even where the parent was killed.
    """
    lock = recv_handle(parent)
    batches = job.batches()
    try:
        with _hush(job.options), Journal(job.run.path / "predictions", batches, rank) as journal:
            for number in numbers:
                if parent.poll() and parent.recv():
                    break
                answers = job.answer(model, batches[number])
                journal.append(batches[number], answers)
                parent.send(("batch", len(answers), sum(answer.status == "failed" for answer in answers)))
    finally:
        os.close(lock)
    parent.send(("idle",))


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
