"""Finds descriptions of paper tables, checks every name in them, and gathers what their numbers may come from.

A table is a YAML file of `configs/tables`, of the folder `tables` of an included one, or any file that the user names.
A set of tables is a list of such names, in the folder `sets` beside them.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.errors import ConfigError, DataError, ModelError, UnknownName, unknown
from results.export.pick import PER_RUN, Evidence
from results.export.quoted import place_of, quoted
from results.export.spec import ALL, Line, Part, TableSpec
from results.run import Run
from tasks import strict_yaml
from tasks.base import ModelEntry
from tasks.registry import named_files, task_files

BUILT_IN = Path(__file__).parents[1] / "configs" / "tables"
FOLDER, SETS = "tables", "sets"


class TableSet(BaseModel):
    """The content of a file in `sets`: several tables under one name."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    description: str
    tables: list[str] = Field(min_length=1)


def paths(include: Path | None = None) -> dict[str, Path]:
    """Find the file of every table, by name.

    Raises:
        ConfigError: a file of the user's has the name of one of ours.
    """
    return named_files("table", BUILT_IN, None if include is None else include / FOLDER)


def sets(include: Path | None = None) -> dict[str, TableSet]:
    """Read every set of tables, by name.

    Raises:
        ConfigError: a file cannot be used.
    """
    found = named_files("set of tables", BUILT_IN / SETS, None if include is None else include / FOLDER / SETS)
    return {name: strict_yaml.read(path, TableSet) for name, path in found.items()}


def find(names: Iterable[str], include: Path | None = None) -> dict[str, TableSpec]:
    """Look up tables and sets of tables, by names or paths of files, and read them.

    Raises:
        UnknownName: there is none of that name.
        ConfigError: a file cannot be used.
    """
    known, bundles = paths(include), sets(include)
    found: dict[str, TableSpec] = {}
    for name in names:
        for each in bundles[name].tables if name in bundles else (name,):
            if Path(each).suffix in (".yaml", ".yml"):
                found[Path(each).stem] = strict_yaml.read(Path(each), TableSpec)
            elif each in known:
                found[each] = strict_yaml.read(known[each], TableSpec)
            else:
                raise unknown("table", each, [*known, *bundles], "refbench export --list")
    return found


def verify(name: str, spec: TableSpec, runs: Sequence[Run], include: Path | None = None) -> None:
    """Check that every task, split, metric, kind and model that a table names is known.

    Runs count as well as what is registered: a run of a task that is no longer here can still be shown.

    Raises:
        UnknownName: one is not, with the nearest that is.
    """
    files = task_files(include)
    tasks = {*files, *(run.record.task for run in runs)}
    keys = _metric_keys() | {key for run in runs for key in run.record.metrics} | set(PER_RUN)
    splits: dict[str, set[str]] = {task: {*file.splits, *file.extra_splits} for task, file in files.items()}
    for run in runs:
        splits.setdefault(run.record.task, set()).add(run.record.split)
    try:
        for part in (part for block in spec.columns for part in block.numbers()):
            _verify_part(part, tasks, splits, keys)
        for line in spec.rows:
            _verify_line(line, tasks, {run.record.model for run in runs}, include)
        for block in spec.columns:
            if block.can is not None and block.can not in _kinds():
                raise unknown("kind of task", block.can, _kinds(), "refbench tasks")
    except UnknownName as error:
        raise UnknownName(f"table {name}: {error}") from None


def only(spec: TableSpec, models: Sequence[str], with_published: bool) -> TableSpec:
    """Take rows of other models out of a table; rows for all models become rows for these.

    Args:
        spec: the table.
        models: names of measured models; none for all.
        with_published: keep rows of printed numbers.

    Raises:
        ConfigError: no row is left.
    """
    rows: list[Line] = []
    for line in spec.rows:
        printed = line.published is not None or line.published_models is not None
        if printed:
            rows += [line] if with_published else []
        elif not models or line.model in models:
            rows.append(line)
        elif line.models is not None:
            kept = list(models) if line.models == ALL else [name for name in line.models if name in models]
            rows += [line.model_copy(update={"models": kept})] if kept else []
    if not rows:
        raise ConfigError(f"no row is left: the table has none for {', '.join(models) or 'measured models'}")
    return spec.model_copy(update={"rows": rows})


def evidence(specs: Iterable[TableSpec], runs: Sequence[Run], include: Path | None = None) -> Evidence:
    """Gather everything that the numbers of some tables may come from.

    Raises:
        DataError: the published numbers cannot be read.
    """
    places: dict[tuple[str, str], None] = {}
    pairs = ((line, part) for spec in specs for line in spec.rows for block in spec.columns for part in block.numbers())
    for line, part in pairs:
        task, split = line.task or part.task, line.split or part.split
        if task is not None and split is not None:
            places[task, place_of(split, part.slice)] = None
    registry = _Models(include)
    return Evidence(runs, quoted(places), registry.cannot, registry.can, registry.bounds())


class _Models:
    """What models declare about themselves, looked up once each."""

    def __init__(self, include: Path | None) -> None:
        self._include = include
        self._entry: Callable[[str], ModelEntry | None] = cache(self._find)
        self._judge: Callable[[str, str], str | None] = cache(self._reason)

    def cannot(self, model: str, task: str) -> str:
        """Why a model cannot do a task; empty where it can or nobody knows."""
        file = task_files(self._include).get(task)
        return "" if file is None else self._judge(model, file.kind) or ""

    def can(self, model: str, kind: str) -> bool | None:
        """Whether a model can do a kind of task; None where nobody knows."""
        reason = self._judge(model, kind)
        return None if reason is None else not reason

    def bounds(self) -> frozenset[str]:
        """Models that only bound what is possible."""
        from tasks.models.registry import all_models

        return frozenset(name for name, entry in all_models(self._include).items() if entry.kind == "sanity")

    def _find(self, model: str) -> ModelEntry | None:
        from tasks.models import registry

        try:
            return registry.find_any(model, self._include)
        except (UnknownName, ConfigError, ModelError, DataError):
            return None  # a run may be of a model that is not here any more

    def _reason(self, model: str, kind: str) -> str | None:
        from tasks import kinds, matrix

        entry = self._entry(model)
        if entry is None:
            return None
        [cell] = matrix.cells([entry], [kinds.find(kind)])
        return cell.why if cell.state == "cannot" else ""


def _verify_part(part: Part, tasks: set[str], splits: dict[str, set[str]], keys: AbstractSet[str]) -> None:
    if part.task is not None and part.task not in tasks:
        raise unknown("task", part.task, tasks, "refbench tasks")
    if part.task is not None and part.split is not None and part.split not in splits[part.task]:
        raise unknown(f"split of {part.task}", part.split, splits[part.task])
    if part.metric not in keys and f"{part.metric.split('@')[0]}@T" not in keys:  # a card names any threshold so
        raise unknown("metric", part.metric, keys, "refbench metrics")


def _verify_line(line: Line, tasks: set[str], measured: set[str], include: Path | None) -> None:
    from results import published
    from tasks.models.registry import all_models

    for task in (line.task, *line.cannot):
        if task is not None and task not in {*tasks, *_kinds(), ALL}:
            raise unknown("task", task, tasks, "refbench tasks")
    known = {*measured, *all_models(include)}
    for name in (line.model, *(line.models if isinstance(line.models, list) else ())):
        if name is not None and name not in known and name.partition(":")[0] not in known:
            raise unknown("model", name, known, "refbench models")
    printed = {number.model for number in published.numbers()}
    several = line.published_models if isinstance(line.published_models, list) else ()
    for name in (line.published, *several):
        if name is not None and name not in printed:
            raise unknown("published model", name, printed)


@cache
def _metric_keys() -> frozenset[str]:
    from metrics.registry import metrics

    return frozenset(key for metric in metrics() for key in metric.card.keys)


@cache
def _kinds() -> frozenset[str]:
    from tasks import kinds

    return frozenset(kinds.all_kinds())
