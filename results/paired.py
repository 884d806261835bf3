"""Two runs over the same samples: how far a score differs, how sure that is, and by which test.

The interval is that of the paired bootstrap: both runs are scored on the same draws of images. The test depends on the
score: exact McNemar for shares of independent images that are right or wrong; random signs of the differences for
means; for everything else (ratios of sums, BLEU, PQ, mIoU, AP) the runs swap their answers to random images and both
are scored again. All ways are tried where there are few images.

    change = paired(a: Run, b: Run, key: str, *, seed: int = 0, resamples: int = 10_000) -> Change
    changes = Pair.of(a, b).changes(keys, seed=…, resamples=…) -> list[Change]   # all keys of one pair at once

Both raise DataError where the runs may not be compared: other samples, another protocol, edited or missing rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.base import Metric
from metrics.errors import DataError
from metrics.stats import EXACT_PAIRS, mcnemar, percentile, picks, sign_flip, swaps
from results import fingerprint
from results.intervals import AGAIN_ROWS, is_share, placed
from results.measured import Measured
from results.resampling import Again, Floats, Statistic, Sums
from results.run import Run
from results.statistics import statistics

RESAMPLES = 10_000
RANKED_RESAMPLES = 2_000
"""At most so many draws of average precision, which has no sums."""
MCNEMAR, SIGNS, SWAPS = "McNemar exact", "sign flip", "swap of images"
_DETECTABLE = 1.959963984540054 + 0.8416212335729143
"""A difference of so many standard errors is found at the 5 % level in 80 of 100 repetitions."""
_SAME = 1e-12


@dataclass(frozen=True)
class Change:
    """One score of two runs.

    Attributes:
        key: of the score.
        a, b: score of each run.
        difference: b - a.
        low, high: 95 % interval of the difference.
        p: two-sided; the chance of a difference as far from 0 if the runs were equally good.
        test: how p was found.
        n: samples.
        units: images, which are what is drawn.
        error: standard error of the difference.
    """

    key: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    test: str
    n: int
    units: int
    error: float

    @property
    def detectable(self) -> float:
        """The smallest true difference that these samples show at the 5 % level in 80 of 100 repetitions.

        NaN where all draws agree, as where both scores are 0: that tells nothing of samples that are not there.
        """
        return _DETECTABLE * self.error if self.error > 0 else float("nan")


def paired(a: Run, b: Run, key: str, *, seed: int = 0, resamples: int = RESAMPLES) -> Change:
    """Compare one score of two runs; see the module for the tests.

    Args:
        a: the run to compare with.
        b: the run that is compared.
        key: of the score, as in `Record.metrics`.
        seed: of the draws.
        resamples: number of draws; `RANKED_RESAMPLES` at most for average precision.

    Raises:
        DataError: the runs may not be compared, or the score is undefined for one of them.
    """
    return Pair.of(a, b).changes([key], seed=seed, resamples=resamples)[0]


@dataclass(frozen=True)
class Pair:
    """Two runs that may be compared, and the rows of both in one order of samples.

    Attributes:
        a, b: the runs.
        ids: of the samples, sorted.
        images: the image of each.
    """

    a: Measured
    b: Measured
    ids: Sequence[str]
    images: Sequence[str]

    @classmethod
    def of(cls, a: Run, b: Run, known: Mapping[str, Metric] | None = None) -> "Pair":
        """Check that two runs answer the same samples under one protocol, and that nobody edited their rows.

        Args:
            a, b: the runs.
            known: metrics by name; None for those of this package.

        Raises:
            DataError: naming the field that differs, or the file that was edited or is missing.
        """
        refuse_differing(a, b)
        one, other = Measured.of(a, known), Measured.of(b, known)
        if one.ids != other.ids or one.images != other.images:
            raise DataError(f"{a.name} and {b.name} hold other samples or images: run one of them again with --fresh")
        return cls(one, other, one.ids, one.images)

    @property
    def keys(self) -> list[str]:
        """Scores that are defined for both, in the order of the record."""
        return [key for key in self.a.keys if key in self.b.keys]

    def changes(self, keys: Sequence[str] | None = None, *, seed: int = 0, resamples: int = RESAMPLES) -> list[Change]:
        """Compare scores.

        Args:
            keys: which ones; None for all.
            seed: of the draws.
            resamples: number of draws.

        Raises:
            DataError: a score is undefined for one of the runs, or there are fewer than two images.
        """
        asked = self.keys if keys is None else list(keys)
        for key in asked:
            if key not in self.keys:
                raise DataError(
                    f"{key} is not defined for both runs: compare one of {', '.join(self.keys) or 'no other'}"
                )
        found: dict[str, Change] = {}
        for name in dict.fromkeys(self.a.keys[key][0] for key in asked):
            own = {self.a.keys[key][1]: key for key in asked if self.a.keys[key][0] == name}
            found |= _compare(self, name, own, seed, resamples)
        return [found[key] for key in asked]

    def chosen(self, places: Sequence[int]) -> "Pair":
        """The same of some samples, by their places."""
        return Pair(
            self.a.chosen(places), self.b.chosen(places),
            [self.ids[p] for p in places], [self.images[p] for p in places],
        )  # fmt: skip


def refuse_differing(a: Run, b: Run) -> None:
    """Refuse runs of other tasks, data or protocols.

    Raises:
        DataError: naming the fields that differ.
    """
    differing = [each.line() for each in fingerprint.differing(a.record, b.record)]
    if a.record.task != b.record.task:
        differing.insert(0, f"task is {a.record.task} in one and {b.record.task} in the other")
    if differing:
        raise DataError(f"{a.name} and {b.name} cannot be compared: {'; '.join(differing)}")


def _compare(pair: Pair, name: str, keys: Mapping[str, str], seed: int, resamples: int) -> dict[str, Change]:
    """Compare scores of one metric, given as its own key -> key of the record."""
    units, place = placed(pair.images)
    if units < 2:
        raise DataError(f"{pair.a.name} has {units} image: two are needed to say how sure a difference is")
    sides = [pair.a.rows[name], pair.b.rows[name]]
    metric = pair.a.metrics[name]
    found: dict[str, Change] = {}
    for every in statistics(metric, sides, [place, place], units):
        own = [key for key in every.scored if key in keys]
        if not own:
            continue
        each = every.only(own)
        draws = _affordable(each, resamples)
        if not draws:
            raise DataError(f"{', '.join(own)} of {len(pair.ids)} samples takes too long to draw: compare other scores")
        for key, change in _differences(each, units, draws, seed).items():
            p, test = _test(metric, each, key, units, (draws, seed))
            found[keys[key]] = Change(keys[key], *change[:5], p, test, len(pair.ids), units, change[5])
    return found


def _affordable(found: Statistic, resamples: int) -> int:
    """Number of draws that a statistic is asked for; 0 where even a hundred take too long."""
    if found.is_cheap:
        return resamples
    limit = min(resamples, RANKED_RESAMPLES)
    if isinstance(found, Again):
        limit = min(limit, AGAIN_ROWS // max(sum(map(len, found.rows)), 1))
        return limit if limit >= min(100, resamples) else 0
    return limit


def _differences(
    found: Statistic, units: int, resamples: int, seed: int
) -> dict[str, tuple[float, float, float, float, float, float]]:
    """Key -> both scores, difference, both ends of its interval, and its standard error."""
    sides = [found.part(0, units), found.part(units, 2 * units)]
    one, other = ({k: float(v[0]) for k, v in side.weighted(np.ones((1, units))).items()} for side in sides)
    drawn: dict[str, list[Floats]] = {key: [] for key in one}
    for chosen in picks(units, resamples, seed):
        first, second = (side.resampled(chosen) for side in sides)
        for key, gaps in drawn.items():
            gaps.append(second[key] - first[key])
    found_by_key = {}
    for key, parts in drawn.items():
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]
        ends = percentile(values) if len(values) > resamples / 2 else (np.nan, np.nan)
        error = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        found_by_key[key] = (one[key], other[key], other[key] - one[key], *ends, error)
    return found_by_key


def _test(metric: Metric, found: Statistic, key: str, units: int, how: tuple[int, int]) -> tuple[float, str]:
    """Choose and make the test of one key: p and the name of the test; `how` is number of draws and seed."""
    resamples, seed = how
    if isinstance(found, Sums) and f"{key}/over" in found.names:
        columns = dict(zip(found.names, found.columns.T, strict=True))
        over, under = columns[f"{key}/over"], columns[f"{key}/under"]
        first, second = over[:units], over[units:]
        if (under == 1).all() and is_share(metric, key) and np.isin(over, (0, 1)).all():
            return mcnemar(first, second)[2], MCNEMAR
        if (under[:units] == under[units:]).all():
            test = f"{SIGNS}, all" if units <= EXACT_PAIRS else f"{SIGNS}, {resamples:,}"
            return sign_flip(second - first, resamples, seed), test
    return swap_test(found.only([key]), key, units, how)


def swap_test(found: Statistic, key: str, units: int, how: tuple[int, int]) -> tuple[float, str]:
    """How often runs that swap their answers to random images differ as far as these two."""
    resamples, seed = how
    exact = units <= EXACT_PAIRS and (found.is_cheap or 2**units <= resamples)
    observed = _gap(found, key, np.zeros((1, units)))[0]
    far, tried = (0, 0) if exact else (1, 1)
    for sides in swaps(units, resamples, seed, exact):
        gaps = _gap(found, key, sides)
        gaps = gaps[np.isfinite(gaps)]
        far += int((gaps >= observed - _SAME).sum())
        tried += len(gaps)
    return far / tried, f"{SWAPS}, all" if exact else f"{SWAPS}, {resamples:,}"


def _gap(found: Statistic, key: str, sides: Floats) -> Floats:
    """Distance of the scores where side 1 of float64 [B, U] swaps the answers of an image."""
    first = found.weighted(np.concatenate([1 - sides, sides], axis=1))[key]
    second = found.weighted(np.concatenate([sides, 1 - sides], axis=1))[key]
    return np.abs(second - first)
