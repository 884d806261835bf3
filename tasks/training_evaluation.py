"""Evaluates the checkpoints of a training run while it goes on, with the harness's own tasks and metrics.

    <out>/eval_log.jsonl    one JSON line per row: step, task, split, metrics, …; the model is `refvlm@step-<step>`
    <out>/best/             the checkpoint that was best by the metric that `evaluate.best` names, where it names one

What is evaluated is the checkpoint just saved, the moving average of the weights. Randomness is put back afterwards, so
that the training's numbers are those of a run without evaluation. Lines of a step are written together and last: a run
that was stopped before them evaluates that step again when it goes on.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import ConfigError, unknown
from benchmarks.files import write_atomic
from tasks import plan, registry, suites
from tasks.base import ModelEntry, Task
from tasks.data import find_data, sample_data
from tasks.models.registry import find as find_model
from tasks.options import RunOptions
from tasks.plan import Job
from tasks.progress import say
from tasks.settings import settings

if TYPE_CHECKING:  # training files are checked by code that needs torch
    from refvlm.training.config import TrainConfig
    from results.record import Record

LOG, BEST, RUNS = "eval_log.jsonl", "best", ".evaluation"
MODEL = "refvlm"


@dataclass(frozen=True)
class Criterion:
    """What the best checkpoint is best by: a key of a task's row, and its direction."""

    task: str
    key: str
    higher_is_better: bool

    def value(self, rows: Sequence[Mapping[str, Any]]) -> float | None:
        """Mean over the splits of the task; None where one of them is undefined."""
        values = [row["metrics"].get(self.key) for row in rows if row["task"] == self.task]
        return None if not values or None in values else sum(values) / len(values)

    def prefers(self, value: float, others: Sequence[float]) -> bool:
        """Whether a value is better than all others."""
        return all(value > other if self.higher_is_better else value < other for other in others)


class Watch:
    """Looks at checkpoints; everything that could be wrong is found out before the training starts."""

    def __init__(self, config: "TrainConfig", device: str) -> None:
        """Open the splits of all tasks.

        Args:
            config: of the training; its section `evaluate` names at least one task or a suite.
            device: where the model is evaluated.

        Raises:
            ConfigError: a task needs what the model will not have, or `best` names no number of a task.
            DataError: files are missing or broken.
            UnknownName: there is no such task, suite, split or number.
        """
        self.config, self.device = config.evaluate, device
        entry = _entry_of(config)
        self.jobs = _jobs(config, entry)
        self.criterion = _criterion(self.config.best, [job.task for job in self.jobs]) if self.config.best else None

    def __call__(self, folder: Path, step: int) -> None:
        """Evaluate the checkpoint of a step, unless that was done before.

        Raises:
            KeyboardInterrupt: the user pressed Ctrl-C; the same step is evaluated when the run goes on.
        """
        log = [row for row in _read(folder / LOG) if row["step"] <= step]
        earlier = [row for row in log if row["step"] < step]
        if len(log) - len(earlier) == len(self.jobs):
            return
        with kept_randomness():
            records = self._records(folder, step)
        rows = [_row(record, step) for record in records]
        self._show(records, step)
        if self.criterion is not None and _is_best(self.criterion, rows, earlier):
            _copy_checkpoint(folder, folder / BEST, step)
        write_atomic(folder / LOG, "".join(json.dumps(row) + "\n" for row in [*earlier, *rows]).encode())
        shutil.rmtree(folder / RUNS, ignore_errors=True)

    def _records(self, folder: Path, step: int) -> "list[Record]":
        from tasks.run import Interrupted, evaluate_all

        found = find_model(MODEL)
        assert found.of_weights is not None, "the reference model is told by its weights what it can do"
        entry = replace(found.of_weights(folder), name=f"{MODEL}@step-{step}")
        options = RunOptions(
            out=folder / RUNS,
            limit=self.config.limit,
            batch_size=self.config.batch_size,
            device=self.device,
            weights=folder,
            command=("train",),
        )
        try:
            return evaluate_all(self.jobs, entry, options)
        except Interrupted as stop:
            say(str(stop))
            raise KeyboardInterrupt from None

    def _show(self, records: "Sequence[Record]", step: int) -> None:
        from results.table import headlines_table

        say(f"\nstep {step}, {self.config.limit} samples per split at most\n{headlines_table(records)}")


def watch(config: "TrainConfig", device: str) -> Watch | None:
    """Make what looks at the checkpoints of a run; None where its file asks for no evaluation.

    Raises:
        ConfigError, DataError, UnknownName: see `Watch`.
    """
    return Watch(config, device) if config.evaluate.wanted else None


@contextmanager
def kept_randomness() -> Iterator[None]:
    """Put the state of every random generator back as it was."""
    import numpy as np
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _entry_of(config: "TrainConfig") -> ModelEntry:
    """The model as its first checkpoint will be: a configuration without weights tells what it can do."""
    from refvlm.fingerprint import CONFIG

    found = find_model(MODEL)
    assert found.of_weights is not None, "the reference model is told by its weights what it can do"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / CONFIG).write_text(json.dumps(config.model.model_dump(mode="json")), encoding="utf-8")
        return found.of_weights(Path(folder))


def _jobs(config: "TrainConfig", entry: ModelEntry) -> list[Job]:
    chosen, section = settings(Path(config.data.root) if config.data.root else None), config.evaluate
    splits = (section.split,) if section.split else ()
    if not section.suite:
        tasks = [registry.find(name) for name in section.tasks]
        for task in tasks:
            plan.check_splits(task, splits)
            plan.check_model(task, entry)
        return plan.jobs(tasks, splits, find_data(chosen.data_root, progress=True))
    suite = suites.find(section.suite)
    data = (sample_data if suite.data == "sample" else find_data)(chosen.data_root, True)
    jobs, skipped = plan.suite_jobs([registry.find(name) for name in suite.tasks], splits, True, entry, data)
    for each in skipped:
        say(f"not evaluated: {each.task} {each.reason}")
    return jobs


def _criterion(text: str, tasks: Sequence[Task]) -> Criterion:
    """Read `task` or `task:metric`."""
    name, _, key = text.partition(":")
    known = {task.name: task for task in tasks}
    if name not in known:
        raise unknown("task to choose the best checkpoint by", name, known)
    metrics = known[name].kind.metrics
    for metric in metrics:
        if key in ("", metric.headline):
            return Criterion(name, metric.headline, metric.higher_is_better)
        if key in metric.card.keys:
            truth = metric.card.bounds.get(key, (0, 1))[1]  # what the truth itself scores: 0 for errors
            return Criterion(name, key, truth != 0)
    raise unknown(f"number of {name}", key, [key for metric in metrics for key in metric.card.keys])


def _is_best(criterion: Criterion, rows: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]) -> bool:
    value = criterion.value(rows)
    if value is None:
        return False
    steps = sorted({row["step"] for row in earlier})
    others = [criterion.value([row for row in earlier if row["step"] == step]) for step in steps]
    return criterion.prefers(value, [other for other in others if other is not None])


def _row(record: "Record", step: int) -> dict[str, Any]:
    """The row as `eval --json` prints it, without its run directory, which is not kept."""
    from results.table import row_json

    return {"step": step} | {key: value for key, value in row_json(record).items() if key != "run"}


def _read(path: Path) -> list[dict[str, Any]]:
    """Read the log.

    Raises:
        ConfigError: somebody changed it so that it cannot be read.
    """
    if not path.exists():
        return []
    try:
        return [dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): move it away") from None


def _copy_checkpoint(folder: Path, best: Path, step: int) -> None:
    """Copy the files of a checkpoint beside it; an interrupted copy leaves the earlier one."""
    from refvlm.fingerprint import CONFIG, TOKENIZER, weight_files

    draft, old = best.with_name(f".{best.name}.draft"), best.with_name(f".{best.name}.old")
    for left in (draft, old):
        shutil.rmtree(left, ignore_errors=True)
    draft.mkdir(parents=True)
    for path in [folder / CONFIG, folder / TOKENIZER, *weight_files(folder)]:
        shutil.copy2(path, draft / path.name)
    (draft / "step.json").write_text(json.dumps({"step": step}) + "\n", encoding="utf-8")
    if best.exists():
        best.rename(old)
    draft.rename(best)
    shutil.rmtree(old, ignore_errors=True)
