"""Two runs, or two collections of runs, side by side: which scores moved, on which samples, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from metrics.base import Metric
from metrics.errors import DataError
from metrics.stats import holm
from results.direction import of_record
from results.fingerprint import code, fields
from results.intervals import is_share
from results.measured import Measured
from results.paired import RESAMPLES, Change, Pair
from results.record import Better, Record
from results.run import Run
from results.slices import SliceChange, slice_changes

Verdict = Literal["better", "worse", "no evidence", "changed"]
LEVEL = 0.05


@dataclass(frozen=True)
class Moved:
    """One sample whose score changed: its id, and the score of each run."""

    id: str
    a: float
    b: float


@dataclass(frozen=True)
class Flips:
    """What happened to the samples one by one.

    Attributes:
        by: the score that was looked at, sample by sample.
        fixed: got right, or better where a sample is not just right or wrong.
        broken: got wrong, or worse.
        unchanged: all others.
        undefined: samples that have no such score of their own.
        binary: whether samples are right or wrong.
    """

    by: str
    fixed: int
    broken: int
    unchanged: int
    undefined: int
    binary: bool


@dataclass(frozen=True)
class Comparison:
    """Two runs of one task.

    Attributes:
        a, b: the runs.
        code: of the protocol that they share.
        changes: of every score that both have; the headline first.
        directions: key -> which way it gets better.
        flips: sample by sample.
        moved: the samples that changed most, in both directions.
        slices: the change of the headline for every value of every tag.
        undefined: scores that at least one of the runs does not have.
        adjusted: p of the headline by Holm's rule over all tasks compared; None for a comparison by itself.
    """

    a: Run
    b: Run
    code: str
    changes: Sequence[Change]
    directions: Mapping[str, Better]
    flips: Flips
    moved: Sequence[Moved]
    slices: Sequence[SliceChange]
    undefined: Sequence[str]
    adjusted: float | None = None

    @property
    def headline(self) -> Change:
        """The change of the score that a table shows first."""
        return self.changes[0]

    def verdict(self, change: Change, p: float | None = None) -> Verdict:
        """Say what a change is, at the 5 % level; `p` stands in for the change's own, adjusted for example."""
        if (change.p if p is None else p) >= LEVEL or not change.difference:
            return "no evidence"
        direction = self.directions[change.key]
        if direction == "none":
            return "changed"
        return "better" if (change.difference > 0) == (direction == "higher") else "worse"


@dataclass(frozen=True)
class Options:
    """How to compare.

    Attributes:
        seed: of the draws.
        resamples: number of draws.
        samples: how many of the samples that changed most are named.
        known: metrics by name; None for those of this package.
    """

    seed: int = 0
    resamples: int = RESAMPLES
    samples: int = 10
    known: Mapping[str, Metric] | None = None


@dataclass(frozen=True)
class Collection:
    """Two collections of runs.

    Attributes:
        comparisons: of the runs that both hold, in order; their headlines' p adjusted.
        only_a, only_b: names of runs without a counterpart.
        refused: name of a run -> why it cannot be compared with its counterpart.
    """

    comparisons: Sequence[Comparison]
    only_a: Sequence[str]
    only_b: Sequence[str]
    refused: Mapping[str, str]


def compare(a: Run, b: Run, options: Options | None = None) -> Comparison:
    """Compare two runs of one task.

    Args:
        a: the run to compare with.
        b: the run that is compared.
        options: how.

    Raises:
        DataError: the runs may not be compared (other samples or protocol), a file was edited, or nothing is defined
            for both.
    """
    how = options or Options()
    pair = Pair.of(a, b, how.known)
    if not pair.keys:
        raise DataError(f"{a.name} and {b.name} have no number in common: compare runs that were scored")
    changes = pair.changes(seed=how.seed, resamples=how.resamples)
    key = changes[0].key
    scores = _sample_scores(pair.a, key), _sample_scores(pair.b, key)
    return Comparison(
        a=a,
        b=b,
        code=code(a.record),
        changes=changes,
        directions={change.key: of_record(a.record, change.key) for change in changes},
        flips=_flips(pair, a.record, key),
        moved=_moved(pair.ids, scores, how.samples),
        slices=slice_changes(pair, (a, b), key, how.seed),
        undefined=[each for each in a.record.columns if each not in pair.keys],
    )


def compare_all(ones: Sequence[Run], others: Sequence[Run], options: Options | None = None) -> Collection:
    """Compare the runs of two models or folders, task by task, and adjust for their number.

    Runs belong together where task, split, data and wording agree.

    Args:
        ones: runs to compare with.
        others: runs that are compared.
        options: how.

    Raises:
        DataError: no run of one has a counterpart in the other.
    """
    first, second = _by_subject(ones), _by_subject(others)
    found: list[Comparison] = []
    refused: dict[str, str] = {}
    for what in [what for what in first if what in second]:
        try:
            found.append(compare(first[what], second[what], options))
        except DataError as error:
            refused[f"{first[what].record.task}/{first[what].record.split}"] = str(error)
    if not found and not refused:
        raise DataError("the two have no task and split in common: name runs of the same tasks")
    adjusted = holm([each.headline.p for each in found])
    return Collection(
        [replace(each, adjusted=p) for each, p in zip(found, adjusted, strict=True)],
        [run.name for what, run in first.items() if what not in second],
        [run.name for what, run in second.items() if what not in first],
        refused,
    )


def _by_subject(runs: Sequence[Run]) -> dict[tuple[str, ...], Run]:
    """Runs by what they are about; of several the last that ended.

    Raises:
        DataError: two runs of one subject are of different models.
    """
    found: dict[tuple[str, ...], Run] = {}
    for run in sorted(runs, key=lambda run: run.ended):
        record, told = run.record, fields(run.record)
        how = (told["prompt"], told["command"], told["decoding"])
        what = (record.task, record.dataset, record.split, record.data, *how)
        if what in found and found[what].record.model != record.model:
            raise DataError(f"{run.name} and {found[what].name} stand on one side: name the runs of one model a side")
        found[what] = run
    return dict(sorted(found.items()))


def _sample_scores(run: Measured, key: str) -> np.ndarray:
    """The score of every sample by itself: float64 [N], NaN where it has none."""
    name, own = run.keys[key]
    metric = run.metrics[name]
    return np.array([metric.aggregate([row]).get(own, np.nan) for row in run.rows[name]], dtype=np.float64)


def _flips(pair: Pair, record: Record, headline: str) -> Flips:
    """Count samples that changed sides, by a score that says right or wrong where there is one."""
    shares = [key for key in pair.keys if is_share(pair.a.metrics[pair.a.keys[key][0]], pair.a.keys[key][1])]
    by = headline if headline in shares else next((key for key in shares if key.endswith("@0.5")), headline)
    one, other = _sample_scores(pair.a, by), _sample_scores(pair.b, by)
    defined = np.isfinite(one) & np.isfinite(other)
    direction = of_record(record, by)
    gain = (other - one)[defined] * (-1 if direction == "lower" else 1)
    fixed, broken = int((gain > 0).sum()), int((gain < 0).sum())
    binary = bool(np.isin(one[defined], (0, 1)).all() and np.isin(other[defined], (0, 1)).all())
    return Flips(by, fixed, broken, len(gain) - fixed - broken, int((~defined).sum()), binary)


def _moved(ids: Sequence[str], scores: tuple[np.ndarray, np.ndarray], most: int) -> list[Moved]:
    one, other = scores
    change = np.abs(other - one)
    order = sorted(np.flatnonzero(np.isfinite(change) & (change > 0)).tolist(), key=lambda at: (-change[at], ids[at]))
    return [Moved(ids[at], float(one[at]), float(other[at])) for at in order[:most]]
