"""Finds every task: the YAML files of `configs/tasks`, and those of the folder a user includes.

Listing reads and checks the files only; `find` joins one with its kind, benchmark and prompt.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.errors import ConfigError, UnknownName, unknown
from tasks import strict_yaml
from tasks.base import Task

BUILT_IN = Path(__file__).parents[1] / "configs" / "tasks"


class TaskFile(BaseModel):
    """The content of one task file; its name is the file's. See `tasks.base.Task` for the meaning of each key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str
    benchmark: str
    splits: list[str] = Field(min_length=1)
    extra_splits: list[str] = []
    prompt: str
    metrics: list[str] = []
    headline: str | None = None
    protocol: dict[str, str] = {}
    max_new_tokens: int | None = Field(default=None, ge=1)
    description: str
    citation: str = ""


def task_files(include: Path | None = None) -> dict[str, TaskFile]:
    """Read every task file, by task name in alphabetical order.

    Args:
        include: a folder of further task files.

    Raises:
        ConfigError: the folder or a file cannot be used, or a file there has the name of a task of ours.
    """
    return {name: strict_yaml.read(path, TaskFile) for name, path in _paths(include).items()}


def find(name: str, include: Path | None = None) -> Task:
    """Look up a task and resolve everything it names.

    Raises:
        UnknownName: there is no task of that name, or its file names a kind, benchmark, split, prompt or metric there
            is not.
        ConfigError: its file cannot be used, its protocol has options that its kind does not know, or a metric or
            benchmark of the user's own cannot be used.
    """
    from benchmarks.registry import benchmark
    from tasks import kinds, own_benchmarks, own_metrics, prompts

    paths = _paths(include)
    if name not in paths:
        raise unknown("task", name, paths, "refbench tasks")
    content = strict_yaml.read(paths[name], TaskFile)
    try:
        kind = kinds.find(content.kind)
        kind = kind if kind.configure is None else kind.configure(content.protocol)
        if content.metrics or content.headline is not None:
            kind = own_metrics.joined(kind, content.metrics, content.headline, include)
        prompts.template(content.prompt)
        own_benchmarks.load(include)
        official = benchmark(content.benchmark).splits
        for split in content.splits:
            if split not in official:
                raise unknown(f"split of {content.benchmark}", split, official)
    except (UnknownName, ConfigError) as error:
        raise type(error)(f"{paths[name]}: {error}") from None
    return Task(
        name=name,
        kind=kind,
        benchmark=content.benchmark,
        splits=tuple(content.splits),
        prompt=content.prompt,
        extra_splits=tuple(content.extra_splits),
        metrics=tuple(content.metrics),
        headline=content.headline,
        protocol=content.protocol,
        max_new_tokens=content.max_new_tokens,
        description=content.description,
        citation=content.citation,
    )


def named_files(what: str, built_in: Path, own: Path | None) -> dict[str, Path]:
    """Find the YAML files of two folders, by their names in alphabetical order.

    Args:
        what: what a file holds, for error texts.
        built_in: folder of ours.
        own: folder of the user's.

    Raises:
        ConfigError: a file of the user's has the name of one of ours.
    """
    found = {path.stem: path for path in built_in.glob("*.yaml")}
    for path in () if own is None else own.glob("*.yaml"):
        if path.stem in found:
            raise ConfigError(f"{path}: a built-in {what} is called '{path.stem}': rename the file")
        found[path.stem] = path
    return dict(sorted(found.items()))


def _paths(include: Path | None) -> Mapping[str, Path]:
    if include is not None and not include.is_dir():
        raise ConfigError(f"--include {include} is not a folder: name one that holds task files (*.yaml)")
    return named_files("task", BUILT_IN, include)
