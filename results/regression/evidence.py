"""What speaks for a real change between two runs: a paired test where both have rows, else their two intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from metrics.base import Metric
from metrics.errors import DataError
from results import paired
from results.measured import Measured
from results.record import Record
from results.regression.check import finite
from results.regression.pairs import Pair
from results.regression.rules import WHOLE, Part
from results.run import Run
from results.slices import MOST_VALUES, tags_of

_Z = 1.959963984540054
"""Half width of a 95 % interval, in standard errors of a normal distribution."""
RESAMPLES = 10_000


@dataclass(frozen=True)
class Evidence:
    """How sure a change is.

    Attributes:
        p: two-sided.
        interval: 95 % interval of candidate minus baseline; None where draws leave it undefined.
        method: of the test, for people.
    """

    p: float
    interval: tuple[float, float] | None
    method: str


@dataclass
class Examiner:
    """Examiner numbers of pairs; the rows of the last pair are kept, so ask about one pair after the other.

    Attributes:
        known: metrics by name; None for those of this package.
        resamples: draws of a test.
    """

    known: Mapping[str, Metric] | None = None
    resamples: int = RESAMPLES
    _last: tuple[Pair, paired.Pair] | None = field(default=None, repr=False)

    def evidence(self, pair: Pair, key: str, part: Part = WHOLE) -> Evidence | str:
        """Test one number of the whole runs, or of a slice; say why where that is not possible.

        Raises:
            DataError: rows were edited after the run, or are not those of its record.
        """
        if not _both_have_rows(pair):
            return unpaired(pair, key) if part == WHOLE else "a slice is tested by rows, and these are not kept"
        opened = self._open(pair) if part == WHOLE else self._slice(pair, part)
        if opened is None:
            return "the rows do not say which samples are in this slice: run both again with --fresh"
        try:
            [change] = opened.changes([key], resamples=self.resamples)
        except DataError as error:
            return str(error)
        ends = (change.low, change.high)
        return Evidence(change.p, ends if all(map(math.isfinite, ends)) else None, change.test)

    def parts(self, pair: Pair) -> list[Part]:
        """Name the slices of a pair: those of the candidate's record, then those that its rows tell."""
        told = [(tag, value) for tag, values in pair.candidate.record.slices.items() for value in values]
        return list(dict.fromkeys((*told, *self._places(pair))))

    def values(self, pair: Pair, key: str, part: Part) -> tuple[float | None, float | None]:
        """One number of both runs over a slice, by their records, else by their rows; None where it is undefined."""
        kept = [_recorded(run.record, key, part) for run in (pair.baseline, pair.candidate)]
        if None not in kept or not _both_have_rows(pair):
            return kept[0], kept[1]
        opened = self._slice(pair, part)
        if opened is None or key not in opened.keys:
            return kept[0], kept[1]
        return opened.a.score(key), opened.b.score(key)

    def _slice(self, pair: Pair, part: Part) -> paired.Pair | None:
        places = self._places(pair).get(part)
        return None if places is None else self._open(pair).chosen(places)

    def _places(self, pair: Pair) -> dict[Part, list[int]]:
        """Slice -> places of its samples, as the rows of the candidate tell; tags that name samples are left out."""
        found: dict[Part, list[int]] = {}
        if not _both_have_rows(pair):
            return found
        for tag, values in tags_of(pair.candidate, self._open(pair).ids).items():
            own = sorted({*values} - {""})
            for value in own if len(own) <= MOST_VALUES else ():
                found[tag, value] = [place for place, each in enumerate(values) if each == value]
        return found

    def verify(self, pair: Pair) -> None:
        """Check that the numbers of both runs follow from their rows, where they have any. Raises as `evidence`."""
        with_rows = [run for run in (pair.baseline, pair.candidate) if has_rows(run)]
        if len(with_rows) == 2:
            self._open(pair)
        else:
            for run in with_rows:
                Measured.of(run, self.known)

    def _open(self, pair: Pair) -> paired.Pair:
        if self._last is None or self._last[0] is not pair:
            self._last = (pair, paired.Pair.of(pair.baseline, pair.candidate, self.known))
        return self._last[1]


def _both_have_rows(pair: Pair) -> bool:
    return has_rows(pair.baseline) and has_rows(pair.candidate)


def _recorded(record: Record, key: str, part: Part) -> float | None:
    tag, value = part
    kept = record.slices.get(tag, {}).get(value)
    return None if kept is None else finite(kept.metrics.get(key))


def has_rows(run: Run) -> bool:
    """Whether a run keeps its rows of counts; a baseline file may leave them out."""
    return (run.folder / "rows.npz").is_file()


def unpaired(pair: Pair, key: str) -> Evidence | str:
    """Compare two rows as if they had been measured on different samples: far weaker than a paired test.

    The standard error of each is taken from its stored 95 % interval, which is read as that of a normal distribution.
    """
    from scipy.special import ndtr

    old, new = pair.baseline.record, pair.candidate.record
    if key not in old.intervals or key not in new.intervals:
        return f"no rows to pair, and no stored interval of {key} to compare without them"
    before, after = old.metrics.get(key), new.metrics.get(key)
    assert before is not None and after is not None, "only defined numbers are tested"
    widths = [high - low for low, high in (old.intervals[key], new.intervals[key])]
    error = (widths[0] ** 2 + widths[1] ** 2) ** 0.5 / (2 * _Z)
    change = after - before
    p = 2 * float(ndtr(-abs(change) / error)) if error > 0 else float(change == 0)
    return Evidence(p, (change - _Z * error, change + _Z * error), "unpaired, without rows")
