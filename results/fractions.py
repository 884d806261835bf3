"""Scores that are means over samples or ratios of sums: numerators and denominators of every key."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import depth, vipbench
from metrics.base import Metric, Row

Weights = Mapping[str, float]
_OF_ELIGIBLE = {"eligible": 1.0}
"""Depth: images whose truth cannot be scored count nowhere, unanswered ones in the penalised keys only."""
RATIOS: Mapping[str, Mapping[str, tuple[Weights, Weights]]] = {
    "res": {"ciou": ({"inter": 1}, {"union": 1})},
    "res_lisa": {"ciou": ({"inter": 1}, {"union": 1})},
    "gcg": {"recall": ({"hits": 1}, {"objects": 1})},
    "gcg_bert": {"recall": ({"hits": 1}, {"objects": 1})},
    "pope": {
        "precision": ({"tp": 1}, {"tp": 1, "fp": 1}),
        "recall": ({"tp": 1}, {"tp": 1, "fn": 1}),
        "f1": ({"tp": 2}, {"tp": 2, "fp": 1, "fn": 1}),
    },
    "depth": {
        **{key: ({key: 1}, {"answered": 1}) for key in (*depth.ERRORS, *depth.DELTAS)},
        **{f"{key}_penalised": ({key: 1}, _OF_ELIGIBLE) for key in depth.DELTAS},
        "abs_rel_penalised": ({"abs_rel": 1, "eligible": 1, "answered": -1}, _OF_ELIGIBLE),
        "coverage": ({"answered": 1}, _OF_ELIGIBLE),
    },
    "vipbench": {f"overlap_{name}": ({f"score_{name}": 1}, {f"of_{name}": 1}) for name in vipbench.CAPABILITIES},
    "nocaps": {f"cider_{domain}": ({f"cider_{domain}": 1}, {f"of_{domain}": 1}) for domain in ("in", "near", "out")},
}
"""Metric -> key -> weighted columns of its rows whose sums are divided. Other keys are tried as means over samples."""

_SAME = 1e-9


def fractions(metric: Metric, rows: Sequence[Row]) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Numerators and denominators, float64 [N] each, whose sums' ratio is the score; keys without such are left out."""
    whole = metric.aggregate(rows)
    single = [metric.aggregate([row]) for row in rows]
    ratios = RATIOS.get(metric.name, {})
    ones = np.ones(len(rows))
    parts = {}
    for key, score in whole.items():
        if any(key not in each for each in single):
            continue  # printed on occasion only, so its share of a sample is not known
        if key in ratios:
            over, under = (_weigh(rows, weights) for weights in ratios[key])
        else:
            over, under = np.array([each[key] for each in single], dtype=np.float64), ones
        if under.sum() > 0 and abs(over.sum() / under.sum() - score) <= _SAME:
            parts[key] = (over, under)
    return parts


def of_nothing(metric: Metric, rows: Sequence[Row], key: str, under: NDArray[np.float64]) -> float:
    """What a metric says where nothing can be divided by: its score of a row that adds nothing to the denominator."""
    places = np.flatnonzero(under == 0)
    return float(metric.aggregate([rows[places[0]]])[key]) if len(places) else 0.0


def _weigh(rows: Sequence[Row], weights: Weights) -> NDArray[np.float64]:
    """Weighted sum of columns, float64 [N]; a column that a row lacks adds nothing."""
    sums = [sum(weight * row.get(name, 0) for name, weight in weights.items()) for row in rows]
    return np.array(sums, dtype=np.float64)
