"""Which way a number gets better, read off the cards of the metrics; names that no metric has get better upwards."""

from collections.abc import Iterable
from functools import cache

from metrics.base import Metric
from results.record import Better, Record


def better(key: str, names: Iterable[str] = ()) -> Better:
    """Say in which direction a number gets better; `none` for one that has no good direction, such as yes_ratio.

    Args:
        key: of the number (`abs_rel`).
        names: metrics that it may belong to; any, where none of them has it.
    """
    known = _directions()
    for name in names:
        if (name, key) in known:
            return known[name, key]
    return known.get(("", key), "higher")


def of_record(record: Record, key: str) -> Better:
    """The same for a number of a record, which says it of metrics that are not part of this package."""
    if key in record.directions:
        return record.directions[key]
    owner, _, own = key.partition(".")
    return better(own, [owner]) if owner in record.protocols else better(key, record.protocols)


def of_metric(metric: Metric, key: str) -> Better:
    """The same for a key of a metric that is here, as its card says."""
    if key == metric.headline:
        return "higher" if metric.higher_is_better else "lower"
    worst, best = metric.card.bounds.get(key, (0.0, 1.0))
    if worst is None and best is None:
        return "none"
    if worst is None:  # an error without upper end, whose best is 0, or a share that no answer leaves undefined
        return "lower" if best == 0 else "higher"
    return "higher" if best is None or best > worst else "lower"


def is_own(name: str) -> bool:
    """Whether a metric is not part of this package."""
    from metrics.registry import metrics

    return name not in {metric.name for metric in metrics()}


@cache
def _directions() -> dict[tuple[str, str], Better]:
    """Direction by (metric, key), and by key alone as the first metric in the alphabet has it."""
    from metrics.registry import metrics

    found: dict[tuple[str, str], Better] = {}
    for metric in metrics():
        for key in metric.card.keys:
            found[metric.name, key] = of_metric(metric, key)
            found.setdefault(("", key), found[metric.name, key])
    return found
