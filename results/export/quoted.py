"""Numbers that publications print, as a paper table needs them."""

from collections.abc import Iterable
from dataclasses import dataclass

from results import published

_PERCENT = ("percent", "x100", "ratio")


@dataclass(frozen=True)
class Quoted:
    """A number that a publication prints, under the names that runs have.

    Attributes:
        model: as printed.
        task, split, metric: names of ours.
        value: as our metrics give it.
        digits: behind the point when it is shown as tables do by default; below 0 where it was printed coarser.
        unit: as in a record ("fraction", "metres", …).
        title, place: of the publication.
        doubt: why it may be a slip, or empty.
    """

    model: str
    task: str
    split: str
    metric: str
    value: float
    digits: int
    unit: str
    title: str
    place: str
    doubt: str = ""


def place_of(split: str, cut: str | None) -> str:
    """Name a split, or the part of it with one tag (`query=short`), as `configs/published/tasks.yaml` does."""
    return split if cut is None else f"{split}[{cut}]"


def quoted(places: Iterable[tuple[str, str]]) -> list[Quoted]:
    """Find every printed number for some splits of tasks.

    Args:
        places: (task, split) by our names, see `place_of`.

    Raises:
        DataError: the files of published numbers are missing or broken.
    """
    return [
        _of(row.model, task, split, key, number)
        for task, split in places
        for row in published.beside(task, split)
        for key, number in row.numbers.items()
    ]


def _of(model: str, task: str, split: str, key: str, number: published.Number) -> Quoted:
    digits = len(number.text.partition(".")[2]) - (2 if number.unit == "ratio" else 0)
    unit = "fraction" if number.unit in _PERCENT else {"m": "metres"}.get(number.unit, number.unit)
    source = number.source
    return Quoted(model, task, split, key, number.value, digits, unit, source.title, source.place, number.doubt)
