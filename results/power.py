"""What a stored run can show: the smallest difference that its samples reveal, and how many a wished one takes.

The standard error of a difference is sqrt(2 (1 - r)) times that of the score, where r says how alike two models answer
the same images: 0 if not at all. With a second run it is measured instead. It shrinks with the square root of the
number of images, as Miller, Adding Error Bars to Evals (2024), does it; here it comes from a bootstrap over images, so
that it holds for ratios, PQ and AP too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.base import Metric
from metrics.errors import DataError
from results.intervals import placed, resampled
from results.measured import Measured
from results.paired import Pair
from results.run import Run
from results.statistics import statistics

RESAMPLES = 2_000


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        level: chance of seeing a difference where there is none.
        power: chance of seeing one where there is.
        alike: correlation of two models' scores over draws of images, in [0, 1); not used where a second run is given.
        effect: difference that is to be seen, in units of the score; None where it is not asked for.
        seed: of the draws.
        resamples: number of draws.
    """

    level: float = 0.05
    power: float = 0.8
    alike: float = 0.5
    effect: float | None = None
    seed: int = 0
    resamples: int = RESAMPLES


@dataclass(frozen=True)
class Power:
    """What one score can show.

    Attributes:
        key: of the score.
        value: the score.
        error: standard error of it over draws of images.
        difference_error: of the difference of two runs.
        detectable: the smallest true difference that is seen; NaN where all draws agree, as where all samples are
            wrong: that tells nothing of samples that are not there.
        n, units: samples and images of the run.
        needed_n, needed_units: samples and images for the wished difference; None where none was asked for, or
            where nothing can be said.
        alike: the correlation that was assumed, or measured with a second run.
    """

    key: str
    value: float
    error: float
    difference_error: float
    detectable: float
    n: int
    units: int
    needed_n: int | None
    needed_units: int | None
    alike: float


def power(
    run: Run, keys: Sequence[str] = (), question: Question | None = None, other: Run | None = None,
    known: Mapping[str, Metric] | None = None,
) -> list[Power]:  # fmt: skip
    """Say what a run can show.

    Args:
        run: a finished run.
        keys: scores; all that are defined where none are named.
        question: what is asked.
        other: a run over the same samples, from which the likeness of answers is measured.
        known: metrics by name; None for those of this package.

    Raises:
        DataError: a score is undefined, the rows were edited, there are fewer than two images, or `other` may not be
            compared with the run.
    """
    asked = question or Question()
    pair = None if other is None else Pair.of(run, other, known)
    measured = Measured.of(run, known) if pair is None else pair.a
    defined = list(measured.keys) if pair is None else pair.keys
    for key in keys:
        if key not in defined:
            raise DataError(f"{run.name} has no {key}: name one of {', '.join(defined)}")
    chosen = list(keys) or defined
    errors = _errors(measured, chosen, asked)
    second = {} if pair is None else _errors(pair.b, chosen, asked)
    changes = (
        {}
        if pair is None
        else {c.key: c.error for c in pair.changes(list(errors), seed=asked.seed, resamples=asked.resamples)}
    )
    units = len(set(measured.images))
    found = []
    for key, error in errors.items():
        alike = asked.alike if pair is None else _likeness(error, second.get(key, math.nan), changes[key])
        between = math.sqrt(2 * (1 - asked.alike)) * error if pair is None else changes[key]
        value = measured.score(key)
        assert value is not None, "only defined scores have a standard error"
        found.append(_power(key, (value, error, between, alike), (len(measured.ids), units), asked))
    return found


def _power(key: str, told: tuple[float, float, float, float], size: tuple[int, int], asked: Question) -> Power:
    value, error, between, alike = told
    detectable = _reach(asked) * between if between > 0 else math.nan
    scale = None if asked.effect is None or math.isnan(detectable) else (detectable / asked.effect) ** 2
    needed = [None if scale is None else max(2, math.ceil(count * scale - 1e-9)) for count in size]
    return Power(key, value, error, between, detectable, *size, needed[0], needed[1], alike)


def _reach(asked: Question) -> float:
    """How many standard errors a difference must have."""
    from scipy.special import ndtri

    return float(ndtri(1 - asked.level / 2) + ndtri(asked.power))


def _errors(run: Measured, keys: Sequence[str], asked: Question) -> dict[str, float]:
    """Standard error of every score that can be drawn and is defined for nearly all draws."""
    units, place = placed(run.images)
    if units < 2:
        raise DataError(f"{run.name} has {units} image: two are needed to say how sure a score is")
    found: dict[str, float] = {}
    for name in dict.fromkeys(run.keys[key][0] for key in keys):
        own = {run.keys[key][1]: key for key in keys if run.keys[key][0] == name}
        every = statistics(run.metrics[name], [run.rows[name]], [place], units)
        chosen = [
            each.only([key for key in each.scored if key in own]) for each in every if set(each.scored) & set(own)
        ]
        for key, values in resampled(chosen, units, asked.resamples, asked.seed).items():
            finite = values[np.isfinite(values)]
            if len(finite) > len(values) / 2:
                found[own[key]] = float(finite.std(ddof=1))
    return {key: found[key] for key in keys if key in found}


def _likeness(one: float, other: float, between: float) -> float:
    """Correlation of two scores over draws, from the standard errors of both and of their difference."""
    return (one**2 + other**2 - between**2) / (2 * one * other) if one * other > 0 else math.nan
