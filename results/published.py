"""Numbers that publications print, each with its source; nothing was run again, and none is ranked with measured ones.

`configs/published/numbers.csv` holds them as printed, one a line; `sources.yaml` says where; `tasks.yaml` says beside
which task, split and key of ours a column stands. One name may stand for several checkpoints and one number may be
printed differently by two sources, so a row here is a model of one source, never a model alone.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from metrics.errors import DataError

FOLDER = Path(__file__).parents[1] / "configs" / "published"
SCALES: Mapping[str, float] = {"percent": 0.01, "x100": 0.01, "ratio": 1.0, "m": 1.0, "log": 1.0, "log10": 1.0}
"""Unit as printed -> what it is multiplied by to be a number as ours are."""


@dataclass(frozen=True)
class Source:
    """Where a number is printed.

    Attributes:
        key: short name.
        title: of the document.
        place: table, and what a reader must know about it.
        repository: `owner/name@commit` where it was read in one, or empty.
    """

    key: str
    title: str
    place: str
    repository: str = ""

    def line(self) -> str:
        """Say it in one line."""
        return f"{self.title}, {self.place}"


@dataclass(frozen=True)
class Number:
    """One printed number.

    Attributes:
        model, task, dataset, split, metric: as printed.
        text: the number as printed, digits and all.
        unit: a key of `SCALES`.
        source: where.
        doubt: why it may be a slip of its source, or empty.
    """

    model: str
    task: str
    dataset: str
    split: str
    metric: str
    text: str
    unit: str
    source: Source
    doubt: str = ""

    @property
    def value(self) -> float:
        """The number as our metrics give it: fractions, metres, CIDEr as coco-caption prints it."""
        return float(self.text) * SCALES[self.unit]


@dataclass(frozen=True)
class Row:
    """What one source prints of one model for one split of a task of ours: key -> number."""

    model: str
    source: Source
    numbers: Mapping[str, Number]


@dataclass(frozen=True)
class _Place:
    """Where printed columns stand: see `tasks.yaml`."""

    printed: tuple[str, str]
    task: str
    splits: Mapping[str, str]
    metrics: Mapping[str, str]


@cache
def numbers(folder: Path = FOLDER) -> tuple[Number, ...]:
    """Read every published number, in the order of the file.

    Raises:
        DataError: a file is missing or broken, or a line names a unit or source that there is not.
    """
    known = sources(folder)
    path = folder / "numbers.csv"
    with _reading(path).open(encoding="utf-8", newline="") as stream:
        return tuple(_number(line, known, f"{path}:{at}") for at, line in enumerate(csv.DictReader(stream), start=2))


@cache
def sources(folder: Path = FOLDER) -> dict[str, Source]:
    """Read the sources, by key.

    Raises:
        DataError: the file is missing or broken.
    """
    path = folder / "sources.yaml"
    try:
        return {key: Source(key=key, **content) for key, content in _yaml(path).items()}
    except (TypeError, AttributeError) as error:
        raise DataError(f"{path} does not list sources with title and place ({error}): correct it") from None


def beside(task: str, split: str, keys: Iterable[str] | None = None, folder: Path = FOLDER) -> list[Row]:
    """Find what is published for one split of a task of ours, one row per model and source, in the order of the file.

    Args:
        task, split: names of ours.
        keys: of the metrics that are wanted; None for every one.
        folder: files to read.

    Raises:
        DataError: a file is missing or broken.
    """
    wanted = None if keys is None else set(keys)
    found: dict[tuple[str, str], dict[str, Number]] = {}
    for number, its_task, its_split, key in _placed(folder):
        if (its_task, its_split) == (task, split) and (wanted is None or key in wanted):
            found.setdefault((number.model, number.source.key), {})[key] = number
    known = sources(folder)
    return [Row(model, known[source], each) for (model, source), each in found.items()]


@cache
def _placed(folder: Path) -> list[tuple[Number, str, str, str]]:
    """Every number with its task, split and key of ours; a number may stand beside several."""
    return [
        (number, place.task, place.splits[number.split], place.metrics[number.metric])
        for place in _places(folder)
        for number in numbers(folder)
        if (number.task, number.dataset) == place.printed
        and number.split in place.splits
        and number.metric in place.metrics
    ]


def _places(folder: Path) -> list[_Place]:
    path = folder / "tasks.yaml"
    try:
        return [
            _Place((each["printed"]["task"], each["printed"]["dataset"]), each["task"], each["splits"], each["metrics"])
            for each in _yaml(path)
        ]
    except (TypeError, KeyError) as error:
        raise DataError(f"{path} does not list printed, task, splits and metrics ({error}): correct it") from None


def _number(line: Mapping[str, str], known: Mapping[str, Source], place: str) -> Number:
    try:
        number = Number(
            **{name: line[name] for name in ("model", "task", "dataset", "split", "metric", "unit", "doubt")},
            text=line["value"],
            source=known[line["source"]],
        )
        if math.isfinite(number.value):
            return number
        problem = f"{number.text} is no number"
    except (KeyError, ValueError) as error:
        problem = repr(error)
    raise DataError(f"{place}: no published number with a known unit and source ({problem}): correct it")


def _reading(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path} is missing: install refbench again")
    return path


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(_reading(path).read_bytes())
    except yaml.YAMLError as error:
        raise DataError(f"{path}: broken YAML ({error}): correct it") from None
