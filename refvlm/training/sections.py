"""Sections of a training file about data beside the sample world, and about evaluation while it runs."""

from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, model_validator

from benchmarks.errors import unknown
from benchmarks.registry import benchmarks
from refvlm.config import Strict

TASKS = Path(__file__).parents[2] / "configs" / "tasks"


class SourceConfig(Strict):
    """One source of real data: a task, or a benchmark, which stands for all tasks about it.

    Attributes:
        task: as `refbench tasks` lists it.
        benchmark: instead; its full name, for example `refcoco/unc`. Its tasks share the portion.
        split: of the benchmark.
        portion: how often each sample comes in one pass over all sources: 0.3 takes another part of them in every pass,
            3 takes each three times.
    """

    task: str = ""
    benchmark: str = ""
    split: str = "train"
    portion: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if bool(self.task) == bool(self.benchmark):
            raise ValueError("name a task or a benchmark, one of both")
        if self.task and self.task not in task_names():
            raise ValueError(str(unknown("task", self.task, task_names(), "refbench tasks")))
        known = [each.name for each in benchmarks()]
        if self.benchmark and self.benchmark not in known:
            raise ValueError(str(unknown("benchmark", self.benchmark, known, "refbench data status")))
        return self

    @property
    def tasks(self) -> list[str]:
        """The tasks that it stands for."""
        if self.task:
            return [self.task]
        return [name for name in task_names() if task_content(name)["benchmark"] == self.benchmark]


class EvaluateConfig(Strict):
    """Evaluation by the harness while training runs; without tasks and suite there is none.

    Attributes:
        tasks: names of tasks.
        suite: name of a suite instead; of each task one split runs, a test split where there is one.
        split: split of all tasks; empty takes the official ones.
        limit: samples per split.
        every: steps between evaluations; the last step is always followed by one.
        best: `task` or `task:metric` that decides which checkpoint is kept in the folder `best`; empty keeps none.
        batch_size: samples per call of the model.
    """

    tasks: tuple[str, ...] = ()
    suite: str = ""
    split: str = ""
    limit: int = Field(default=32, ge=1)
    every: int = Field(default=500, ge=1)
    best: str = ""
    batch_size: int = Field(default=32, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.tasks and self.suite:
            raise ValueError("name tasks or a suite, one of both")
        if self.best and not self.wanted:
            raise ValueError("best needs tasks or a suite to choose by")
        return self

    @property
    def wanted(self) -> bool:
        """Whether anything is to be evaluated."""
        return bool(self.tasks or self.suite)


@cache
def task_names() -> tuple[str, ...]:
    """All tasks, sorted."""
    return tuple(sorted(path.stem for path in TASKS.glob("*.yaml")))


@cache
def task_content(name: str) -> dict[str, Any]:
    """What the file of a task says."""
    content: dict[str, Any] = yaml.safe_load((TASKS / f"{name}.yaml").read_text(encoding="utf-8"))
    return content
