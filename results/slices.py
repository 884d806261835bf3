"""Where two runs differ: the change of a score for every value of every tag of the samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metrics.errors import DataError
from metrics.stats import holm
from results import rows as row_files
from results.paired import Change, Pair
from results.run import Run

RESAMPLES = 2_000
FEWEST = 2
"""Images that a slice needs before anything is said about its change."""
MOST_VALUES = 30
"""A tag with more values, such as the drive of a photo, names samples rather than groups of them."""


@dataclass(frozen=True)
class SliceChange:
    """The change of one score over the samples that share one value of a tag.

    Attributes:
        tag, value: what they share.
        n: how many they are.
        a, b: score of each run over them.
        change: how sure the difference is; None where the runs do not tell which samples these are, or there are too
            few images.
        adjusted: p by Holm's rule over all slices; None likewise.
    """

    tag: str
    value: str
    n: int
    a: float
    b: float
    change: Change | None = None
    adjusted: float | None = None


def slice_changes(pair: Pair, runs: tuple[Run, Run], key: str, seed: int = 0) -> list[SliceChange]:
    """Compare one score slice by slice.

    Runs that hold the tags of their samples are compared sample by sample. Of others only the numbers of each slice
    are known, from their records.

    Args:
        pair: the runs.
        runs: the same.
        key: of the score.
        seed: of the draws.
    """
    tags = tags_of(runs[0], pair.ids)
    if not tags:
        return _recorded(runs, key)
    found = []
    for tag, values in tags.items():
        groups: dict[str, list[int]] = {}
        for place, value in enumerate(values):
            groups.setdefault(value, []).append(place)
        groups.pop("", None)
        if 2 <= len(groups) <= MOST_VALUES:
            found += [_slice(pair, (tag, value), groups[value], key, seed) for value in sorted(groups)]
    slices = [each for each in found if each is not None]
    sure = [each.change.p for each in slices if each.change is not None]
    adjusted = iter(holm(sure))
    return [each if each.change is None else _with(each, next(adjusted)) for each in slices]


def tags_of(run: Run, ids: Sequence[str]) -> dict[str, list[str]]:
    """Tags of samples, by name: the value of each of `ids`; none where the run does not hold them."""
    tags = row_files.read_tags(Path(run.folder) / "rows.npz")
    place = {name: number for number, name in enumerate(run.sample_ids)}
    return {tag: [values[place[name]] for name in ids] for tag, values in tags.items()}


def _slice(pair: Pair, what: tuple[str, str], places: Sequence[int], key: str, seed: int) -> SliceChange | None:
    own = pair.chosen(places)
    a, b = own.a.score(key), own.b.score(key)
    if a is None or b is None:
        return None
    change = None
    if len(set(own.images)) >= FEWEST:
        try:
            change = own.changes([key], seed=seed, resamples=RESAMPLES)[0]
        except DataError:
            change = None  # a score that takes too long to draw: its numbers stand without an interval
    return SliceChange(*what, len(places), a, b, change)


def _with(each: SliceChange, adjusted: float) -> SliceChange:
    return SliceChange(each.tag, each.value, each.n, each.a, each.b, each.change, adjusted)


def _recorded(runs: tuple[Run, Run], key: str) -> list[SliceChange]:
    one, other = (run.record.slices for run in runs)
    found = []
    for tag, values in one.items():
        other_values: Mapping[str, object] = other.get(tag, {})
        for value, part in values.items() if len(values) <= MOST_VALUES else ():
            if value not in other_values:
                continue
            a, b = part.metrics.get(key), other[tag][value].metrics.get(key)
            if a is not None and b is not None:
                found.append(SliceChange(tag, value, part.n, a, b))
    return found
