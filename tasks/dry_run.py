"""`--dry-run`: what a command would ask, and what it would cost, from a few timed batches. Nothing is written."""

import resource
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import Any

from tabulate import tabulate

from tasks.asking import Desk
from tasks.base import ModelEntry
from tasks.call_size import CallSize
from tasks.evaluation import Evaluation, resolve
from tasks.journal import Batch, Journal
from tasks.meter import duration
from tasks.ranks import Run
from tasks.run import check
from tasks.session import Part, rows_of

PROMPTS, PROBED, PROBE_S = 2, 3, 60.0
"""Prompts that are shown; batches that are timed, and seconds after which no further one is begun."""


@dataclass(frozen=True)
class Preview:
    """One row that was not run.

    Attributes:
        model, task, dataset, split, data: as in a record.
        samples: of the row, after `--limit`.
        done: of these, answered by an earlier command.
        prompts: of the first samples.
        load_s: seconds to load the model, 0 where an earlier row had loaded it.
        probed: samples that were timed, not counting those of a first batch that also warms up.
        failed: samples without a usable answer, of all that were asked.
        sample_s: seconds for one sample in one process; None where nothing is left to ask.
        seconds: estimate for the row with all its processes, loading included.
        run: run directory relative to the root of all runs.
    """

    model: str
    task: str
    dataset: str
    split: str
    data: str
    samples: int
    done: int
    prompts: tuple[str, ...]
    load_s: float
    probed: int
    failed: int
    sample_s: float | None
    seconds: float
    run: str


@dataclass(frozen=True)
class Cost:
    """All rows of a command.

    Attributes:
        rows: one by one.
        seconds: estimate for all of them.
        memory_bytes: most that this process held, which each process of a run needs, too.
        device_memory_bytes: most on the accelerator; None without one.
    """

    rows: tuple[Preview, ...]
    seconds: float
    memory_bytes: int
    device_memory_bytes: int | None

    def to_json(self) -> dict[str, Any]:
        """As a program reads it."""
        return {"dry_run": True, **asdict(self)}

    def to_text(self) -> str:
        """As a person reads it."""
        head = ["model", "task", "split", "data", "samples", "done before", "s per sample", "estimate"]
        body = [
            [
                *(row.model, row.task, row.split, row.data, row.samples, row.done),
                "" if row.sample_s is None else f"{row.sample_s:.3g}",
                duration(row.seconds),
            ]
            for row in self.rows
        ]
        device = self.device_memory_bytes
        memory = f"memory {self.memory_bytes / 1e9:.1f} GB a process" + (
            "" if device is None else f", {device / 1e9:.1f} GB on the accelerator"
        )
        failed = sum(row.failed for row in self.rows)
        notes = [f"in all about {duration(self.seconds)}; {memory}. Nothing was written."]
        notes += [f"{failed} of the samples that were tried failed"] if failed else []
        prompts = [f"{row.task} {row.split}: {prompt}" for row in self.rows for prompt in row.prompts]
        return "\n\n".join([tabulate(body, head, tablefmt="simple"), "\n".join(prompts), "\n".join(notes)])


def estimate(parts: Sequence[Part]) -> Cost:
    """Time a few batches of every row, and say what all of them would take.

    Raises:
        Exception: as a run would raise before it begins.
    """
    rows = tuple(row for part in parts for row in _previews(part.entry, rows_of(part)))
    return Cost(
        rows=rows,
        seconds=sum(row.seconds for row in rows),
        memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        device_memory_bytes=_device_memory(),
    )


def _previews(entry: ModelEntry, runs: Iterable[Run]) -> Iterable[Preview]:
    for task, split, options, _ in runs:
        check(task, split, entry, options)
        job = resolve(task, split, entry, options)
        most = 8 if options.batch_size == "auto" else options.batch_size
        yield _preview(replace(job, desk=Desk(entry.name, CallSize(most), options.sample_timeout_s)))


def _preview(job: Evaluation) -> Preview:
    pending = _pending(job)
    left = sum(len(batch.samples) for batch in pending)
    start = perf_counter()
    model = job.load() if pending else None
    load_s = perf_counter() - start if pending else 0.0
    timed: list[tuple[int, float]] = []
    failed = 0
    for batch in _spread(pending):
        begun = perf_counter()
        if model is None or begun - start > PROBE_S + load_s:
            break
        answers = job.answer(model, batch)
        timed.append((len(answers), perf_counter() - begun))
        failed += sum(answer.status == "failed" for answer in answers)
    counted = timed[1:] or timed
    probed, seconds = sum(count for count, _ in counted), sum(took for _, took in counted)
    each = seconds / probed if probed else None
    sharers = max(min(job.options.processes, len(pending)), 1)
    return Preview(
        model=job.entry.name,
        task=job.task.name,
        dataset=job.split.benchmark,
        split=job.split.name,
        data=job.split.origin,
        samples=len(job.samples),
        done=len(job.samples) - left,
        prompts=tuple(query.prompt for query in job.queries(job.samples[:PROMPTS])),
        load_s=load_s,
        probed=probed,
        failed=failed,
        sample_s=each,
        seconds=load_s + (each or 0.0) * left / sharers,
        run=job.run.folder.as_posix(),
    )


def _pending(job: Evaluation) -> list[Batch]:
    if not job.options.fresh and job.run.finished() is not None:
        return []
    batches = job.batches()
    complete = frozenset() if job.options.fresh else Journal(job.run.path / "predictions", batches).complete()
    return [batch for batch in batches if batch.number not in complete]


def _spread(batches: Sequence[Batch]) -> list[Batch]:
    """Choose the first batch, the last one, and one between them."""
    places = sorted({number * (len(batches) - 1) // (PROBED - 1) for number in range(PROBED)}) if batches else []
    return [batches[place] for place in places]


def _device_memory() -> int | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_reserved())
