"""Suites: named lists of tasks, a YAML file each in `configs/suites`, or in the folder `suites` of an included one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from benchmarks.errors import ConfigError, UnknownName, unknown
from tasks import strict_yaml
from tasks.registry import named_files, task_files

BUILT_IN = Path(__file__).parents[1] / "configs" / "suites"
FOLDER = "suites"
ALL = "all"


class SuiteFile(BaseModel):
    """The content of one suite file; its name is the file's.

    Attributes:
        description: one line for `refbench suites`.
        tasks: names in the order they run, or `all` for every task there is.
        splits: which official splits of a task run: all, or one that the data holds, a test split where there is one.
        data: `sample` for a suite that runs on the sample world, whatever the data root.
        source: where the list comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    description: str
    tasks: str | list[str]
    splits: Literal["all", "one"] = "all"
    data: Literal["any", "sample"] = "any"
    source: str = ""

    @field_validator("tasks")
    @classmethod
    def _some(cls, tasks: str | list[str]) -> str | list[str]:
        if isinstance(tasks, str) and tasks != ALL:
            raise ValueError(f"must be a list of tasks, or {ALL}")
        if not tasks:
            raise ValueError("must name a task or more")
        return tasks


@dataclass(frozen=True)
class Suite:
    """A suite with its tasks named one by one. See `SuiteFile` for the meaning of the fields."""

    name: str
    description: str
    tasks: tuple[str, ...]
    splits: Literal["all", "one"]
    data: Literal["any", "sample"]
    source: str


def suite_files(include: Path | None = None) -> dict[str, SuiteFile]:
    """Read every suite file, by name in alphabetical order.

    Raises:
        ConfigError: the folder or a file cannot be used, or a file there has the name of a suite of ours.
    """
    return {name: strict_yaml.read(path, SuiteFile) for name, path in _paths(include).items()}


def find(name: str, include: Path | None = None) -> Suite:
    """Look up a suite and name its tasks.

    Args:
        name: what the user typed.
        include: a folder of further task files, with further suites in its folder `suites`.

    Raises:
        UnknownName: there is none of that name, or it lists a task that there is not.
        ConfigError: its file cannot be used, or lists a task twice.
    """
    paths = _paths(include)
    if name not in paths:
        raise unknown("suite", name, paths, "refbench suites")
    content, known = strict_yaml.read(paths[name], SuiteFile), task_files(include)
    members = list(known) if isinstance(content.tasks, str) else content.tasks
    for member in members:
        if member not in known:
            raise UnknownName(f"{paths[name]}: {unknown('task', member, known, 'refbench tasks')}")
    if len(set(members)) < len(members):
        raise ConfigError(f"{paths[name]}: a task is listed twice: keep one of {', '.join(members)}")
    return Suite(name, content.description, tuple(members), content.splits, content.data, content.source)


def _paths(include: Path | None) -> Mapping[str, Path]:
    return named_files("suite", BUILT_IN, None if include is None else include / FOLDER)
