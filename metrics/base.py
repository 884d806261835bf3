"""What every metric is: a name, a protocol, a pure `aggregate`, and a card that states its rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]
"""Sufficient statistics of one sample: plain numbers, or lists of them where a metric ranks, ready for JSON."""


@dataclass(frozen=True)
class Card:
    """The protocol card of a metric: what a reviewer needs to trust a number.

    Attributes:
        definition: the formula in words.
        source: paper or official tool that fixes it.
        edge_rules: what happens to missing, empty and degenerate input.
        keys: every reported key with its one-line meaning.
        range: lowest and highest possible value of the headline.
        unit: unit of the headline ("fraction", "metres", …).
        bounds: key -> (score of no answer at all, score of the truth itself) for keys where these are not 0 and 1; None
            where there is no such value.
        units: key -> unit for keys that have another one than the headline.
    """

    definition: str
    source: str
    edge_rules: tuple[str, ...]
    keys: Mapping[str, str]
    range: tuple[float, float | None] = (0.0, 1.0)
    unit: str = "fraction"
    bounds: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A metric: stateless, so that sharding, resuming, slicing and resampling need no extra code.

    Attributes:
        name: key on the command line and in YAML.
        kind: family of tasks that it belongs to.
        protocol: versioned name of the rules; changes whenever a number could change.
        aggregate: rows of samples, in any order -> {key: value}.
        headline: the key that a table shows first.
        card: the rules, for people.
        higher_is_better: direction of the headline.
        additive: whether scores are means over rows or ratios of sums, so that intervals need sums only; False for
            corpus-level and ranked scores (AP, PQ).
    """

    name: str
    kind: str
    protocol: str
    aggregate: Callable[[Sequence[Row]], dict[str, float]]
    headline: str
    card: Card
    higher_is_better: bool = True
    additive: bool = True


@dataclass(frozen=True)
class ScoreReport:
    """What `refbench score METRIC` prints: numbers from official files, and what was wrong with them.

    Attributes:
        metric: name of the scorer.
        protocol: versioned rules and variant that were applied.
        n: units in the denominator (expressions, images, questions: the card says which).
        missing: units without any prediction; they stay in `n` with the worst score.
        malformed: predictions present but unusable (x2 < x1, wrong mask size, unparsable text); likewise.
        metrics: key -> plain number as the official tool defines it, None where it is undefined.
        per_class: class name -> {key: value}, or None where the metric has no classes.
        notes: facts a reader must know (unknown categories found, separators replaced, METEOR not computed…).
    """

    metric: str
    protocol: str
    n: int
    missing: int
    malformed: int
    metrics: Mapping[str, float | None]
    per_class: Mapping[str, Mapping[str, float | None]] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scorer:
    """Reads official target and prediction files of one metric and scores them.

    Attributes:
        name: what the user types after `refbench score`.
        score: (targets, predictions, options) -> report. Raises DataError naming file, id and remedy.
        targets: official format of the targets, in one line.
        predictions: official format of the predictions, in one line.
        card: the rules, for people.
        options: option name -> one line on its values and default; unknown options are refused by the caller.
        protocol: versioned name of the rules without options, where no `Metric` of that name has it.
        headline: the key that matters most, likewise.
    """

    name: str
    score: Callable[[Path, Path, Mapping[str, str]], ScoreReport]
    targets: str
    predictions: str
    card: Card
    options: Mapping[str, str] = field(default_factory=dict)
    protocol: str = ""
    headline: str = ""
