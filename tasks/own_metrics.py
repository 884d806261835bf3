"""Metrics of the user's own: how they are found and joined with the kind of a task.

One Python file in the folder of `--include`, or a package with an entry point in the group `refbench.metrics`, defines
a list `METRICS` of `tasks.base.OwnMetric`. A task file of the user's names such a metric under `metrics`; its scores
then stand in the table, the record, `rows.npz` and everything that is made of them. Direction, unit, range and meaning
of every score come from the metric's card. Before a run every one is tried, see `tasks.own_metric_trial`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.errors import ConfigError, UnknownName, unknown
from benchmarks.schema import Prediction, Sample
from metrics.base import Row
from tasks import plugins
from tasks.base import OwnMetric, TaskKind

PLUGINS = plugins.Sort("METRICS", "refbench.metrics", OwnMetric)
"""A list METRICS of an included file, or an entry point that names one."""
Measure = Callable[[Sample, Prediction], dict[str, Row]]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@cache
def own_metrics(include: Path | None = None) -> Mapping[str, OwnMetric]:
    """Every metric that is not part of this package, by name in alphabetical order.

    Args:
        include: folder of the user's, or None for those of installed packages alone.

    Raises:
        ConfigError: a file or entry point cannot be used, or a metric breaks the rules of `OwnMetric`.
        UnknownName: it names a kind of task that there is not.
    """
    from metrics.registry import metrics, scorers

    others = plugins.installed(PLUGINS) + ([] if include is None else plugins.included(PLUGINS, include))
    taken = {entry.name for entry in metrics()} | {entry.name for entry in scorers()}
    found: dict[str, OwnMetric] = {}
    for source, own in others:
        if own.metric.name in taken:
            raise ConfigError(f"{source}: there is a metric called '{own.metric.name}' already: rename it")
        _check(source, own)
        taken.add(own.metric.name)
        found[own.metric.name] = replace(own, source=source)
    return dict(sorted(found.items()))


def joined(kind: TaskKind, names: Sequence[str], headline: str | None, include: Path | None) -> TaskKind:
    """Let a kind of task measure with further metrics.

    Args:
        kind: as its task configures it.
        names: metrics of the user's own; their scores come behind those of the kind.
        headline: metric whose first score a table shows; None for the kind's own.
        include: folder of the user's.

    Raises:
        UnknownName: there is no such metric.
        ConfigError: a metric does not measure this kind of task, or is named twice.
    """
    known = own_metrics(include) if names else {}
    chosen = [_chosen(name, kind, known) for name in names]
    if len(set(names)) < len(names):
        raise ConfigError(f"metrics: {', '.join(names)} names one of them twice: keep one")
    every = (*kind.metrics, *(own.metric for own in chosen))
    if headline is not None:
        by_name = {metric.name: metric for metric in every}
        if headline not in by_name:
            raise unknown("metric of this task", headline, by_name)
        every = (by_name[headline], *(metric for metric in every if metric.name != headline))
    if not chosen:
        return replace(kind, metrics=every)
    if kind.measure is None:
        return replace(kind, metrics=every, measure_all=partial(_measure_all, kind, chosen))
    return replace(kind, metrics=every, measure=partial(_measure, kind.measure, chosen))


def _check(source: str, own: OwnMetric) -> None:
    """Refuse what could not be written, read or shown later."""
    from tasks import kinds

    metric, place = own.metric, f"{source}: metric '{own.metric.name}'"
    if _NAME.fullmatch(metric.name) is None:
        raise ConfigError(f"{place} needs a name of letters, digits, _ and -, with a letter first: rename it")
    for name in own.kinds or (metric.kind,):
        try:
            kinds.find(name)
        except UnknownName as error:
            raise UnknownName(f"{place}: {error}") from None
    if metric.headline not in metric.card.keys:
        raise ConfigError(f"{place} has headline '{metric.headline}', which the keys of its card lack: add it there")
    if not metric.protocol.strip():
        raise ConfigError(f"{place} has no protocol: name its rules with a version, such as '{metric.name}/1'")


def _chosen(name: str, kind: TaskKind, known: Mapping[str, OwnMetric]) -> OwnMetric:
    if name not in known:
        if name in {metric.name for metric in kind.metrics}:
            raise ConfigError(f"metrics: kind {kind.name} measures {name} anyway: leave it out")
        raise unknown("metric of your own", name, known, "refbench metrics --include DIR")
    own = known[name]
    if kind.name not in (own.kinds or (own.metric.kind,)):
        raise ConfigError(
            f"metric {name} ({own.source}) measures {', '.join(own.kinds or (own.metric.kind,))}, not {kind.name}: "
            "name this kind in its `kinds`, or leave the metric out"
        )
    return own


def _measure(
    ours: Callable[[Sample, Prediction], dict[str, Row]],
    chosen: Sequence[OwnMetric],
    sample: Sample,
    answer: Prediction,
) -> dict[str, Row]:
    return ours(sample, answer) | {own.metric.name: _row(own, sample, answer) for own in chosen}


def _measure_all(
    kind: TaskKind, chosen: Sequence[OwnMetric], samples: Sequence[Sample], answers: Sequence[Prediction]
) -> dict[str, list[Row]]:
    pairs = list(zip(samples, answers, strict=True))
    return kind.rows(samples, answers) | {own.metric.name: [_row(own, *pair) for pair in pairs] for own in chosen}


def _row(own: OwnMetric, sample: Sample, answer: Prediction) -> Row:
    """Measure one answer.

    Raises:
        ConfigError: the measure raises, or yields no row.
    """
    place = f"{own.source}: metric '{own.metric.name}' on {sample.id}"
    try:
        row = own.measure(sample, answer)
    except Exception as error:
        raise ConfigError(f"{place} failed ({plugins.in_short(error)}): mend its measure") from error
    if not isinstance(row, Mapping) or not row:
        raise ConfigError(f"{place} gave {row!r}, not a row of numbers by name: mend its measure")
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers and arrays into plain ones, which alone can be written as JSON."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
