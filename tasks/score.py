"""From predictions to numbers: measure every sample, aggregate, slice by tags, put intervals around it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.schema import Prediction, Sample
from results import direction
from results.intervals import intervals
from results.record import Better, Slice
from results.rows import Rows
from tasks.base import TaskKind


@dataclass(frozen=True)
class Scores:
    """Numbers over a set of samples.

    Attributes:
        rows: metric name -> rows, in the order of the samples.
        metrics: key -> plain number, None where undefined; in the order of the metrics.
        units: key -> unit.
        directions: key -> which way it gets better, of metrics that are not part of this package.
        intervals: key -> 95 % interval over images.
        slices: tag -> value -> numbers.
    """

    rows: Rows
    metrics: Mapping[str, float | None]
    units: Mapping[str, str]
    directions: Mapping[str, Better]
    intervals: Mapping[str, tuple[float, float]]
    slices: Mapping[str, Mapping[str, Slice]]


def score(kind: TaskKind, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """Score predictions, one per sample in the same order.

    Every sample counts: failed and unparsable predictions have their metric's worst row.
    """
    assert [s.id for s in samples] == [p.sample_id for p in predictions], "one prediction per sample, in the same order"
    rows = kind.rows(samples, predictions)
    images = [sample.image_id for sample in samples]
    ranges = {metric.name: intervals(metric, rows[metric.name], images) for metric in kind.metrics}
    values = {metric.name: metric.aggregate(rows[metric.name]) for metric in kind.metrics}
    units = {m.name: {key: m.card.units.get(key, m.card.unit) for key in values[m.name]} for m in kind.metrics}
    names = public_names(values)
    own = {metric.name: metric for metric in kind.metrics if direction.is_own(metric.name)}
    return Scores(
        rows=rows,
        metrics={name: _defined(values[metric][key]) for (metric, key), name in names.items()},
        units={name: units[metric][key] for (metric, key), name in names.items()},
        directions={name: direction.of_metric(own[m], key) for (m, key), name in names.items() if m in own},
        intervals={name: ranges[metric][key] for (metric, key), name in names.items() if key in ranges[metric]},
        slices=_slices(kind, samples, rows),
    )


def public_names(values: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], str]:
    """Name the keys of several metrics: (metric, key) -> key, with its metric's name where an earlier one has it."""
    names: dict[tuple[str, str], str] = {}
    for metric, keys in values.items():
        taken = set(names.values())
        names.update({(metric, key): f"{metric}.{key}" if key in taken else key for key in keys})
    return names


def _slices(kind: TaskKind, samples: Sequence[Sample], rows: Rows) -> dict[str, dict[str, Slice]]:
    places: dict[str, dict[str, list[int]]] = {}
    for place, sample in enumerate(samples):
        for tag, value in sample.tags.items():
            places.setdefault(tag, {}).setdefault(value, []).append(place)
    return {
        tag: {value: _slice(kind, rows, chosen) for value, chosen in sorted(values.items())}
        for tag, values in sorted(places.items())
    }


def _slice(kind: TaskKind, rows: Rows, places: Sequence[int]) -> Slice:
    values = {metric.name: metric.aggregate([rows[metric.name][p] for p in places]) for metric in kind.metrics}
    metrics = {name: _defined(values[metric][key]) for (metric, key), name in public_names(values).items()}
    return Slice(n=len(places), metrics=metrics)


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
