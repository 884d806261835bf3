"""What speaks for a real change between two runs: a paired test where both have rows, else their two intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from metrics.base import Metric
from metrics.errors import DataError
from results import paired
from results.measured import Measured
from results.regression.pairs import Pair
from results.run import Run

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

    def evidence(self, pair: Pair, key: str) -> Evidence | str:
        """Test one number of the whole runs; say why where that is not possible.

        Raises:
            DataError: rows were edited after the run, or are not those of its record.
        """
        if not (has_rows(pair.baseline) and has_rows(pair.candidate)):
            return unpaired(pair, key)
        opened = self._open(pair)
        try:
            [change] = opened.changes([key], resamples=self.resamples)
        except DataError as error:
            return str(error)
        ends = (change.low, change.high)
        return Evidence(change.p, ends if all(map(math.isfinite, ends)) else None, change.test)

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
