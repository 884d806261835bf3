"""Referring segmentation: ciou (sum over sum), giou (mean over expressions) and precision at IoU thresholds.

Protocol res/1: masks at the image's own size. No target and an empty prediction is IoU 1 in giou and adds nothing to
ciou. "giou" here is never generalised IoU. Named variants differ only in `aggregate`: LAVT's counts an empty union as
IoU 0, LISA's as IoU 1.
"""

import math
from collections.abc import Sequence

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.masks import Rle, area, inter_union, inter_union_arrays

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
LISA_SAMPLE_EPS = 1e-5
LISA_SUM_EPS = 1e-10


def measure(pred: Rle | None, target: Rle) -> Row:
    """Compare a predicted mask with its target, without decoding.

    Args:
        pred: compressed COCO RLE with runs that cover its size; None where there is no readable answer.
            `metrics.masks.union` joins several predicted masks.
        target: compressed COCO RLE; no pixels where the expression has no target.

    Returns:
        `inter` and `union` in pixels; `missing` 1 where there was no answer.

    Raises:
        DataError: the sizes differ.
    """
    if pred is None:
        return {"inter": 0, "union": area(target), "missing": 1}
    inter, union = inter_union(pred, target)
    return {"inter": inter, "union": union, "missing": 0}


def measure_arrays(pred: np.ndarray | None, target: np.ndarray) -> Row:
    """Compare decoded masks.

    Args:
        pred: bool [H, W], True on the predicted object; None where there is no readable answer.
        target: bool [H, W]; all False where the expression has no target.

    Returns:
        The same row as `measure`.

    Raises:
        DataError: an array is not bool [H, W], or the sizes differ.
    """
    if pred is None:
        return {"inter": 0, "union": int(np.count_nonzero(target)), "missing": 1}
    inter, union = inter_union_arrays(pred, target)
    return {"inter": inter, "union": union, "missing": 0}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into scores in [0, 1]. Rows may come in any order, from any shard.

    An empty union is IoU 1 where there was an answer and 0 where there was none.

    Raises:
        ValueError: there are no rows.
    """
    inter, union = _columns(rows)
    answered = np.array([not row.get("missing", 0) for row in rows], dtype=float)
    iou = np.divide(inter, union, out=answered, where=union > 0)
    return _scores(inter, union, iou)


def aggregate_lavt(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into LAVT's scores: an empty union is IoU 0 (ciou is its "overall IoU", giou its "mean IoU").

    Raises:
        ValueError: there are no rows.
    """
    inter, union = _columns(rows)
    return _scores(inter, union, np.divide(inter, union, out=np.zeros(len(inter)), where=union > 0))


def aggregate_lisa(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into LISA's scores: its epsilons, and an empty union is IoU 1 even without an answer.

    LISA sums in float32; here sums are exact, so values agree to 2e-5. LISA prints no precision.

    Raises:
        ValueError: there are no rows.
    """
    inter, union = _columns(rows)
    iou = np.where(union > 0, inter / (union + LISA_SAMPLE_EPS), 1.0)
    return {"ciou": float(inter.sum() / (union.sum() + LISA_SUM_EPS)), "giou": math.fsum(iou) / len(iou)}


def _columns(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Take intersections and unions, int64 [N] pixels."""
    if not rows:
        raise ValueError("res has no rows to aggregate: score at least one expression")
    return (
        np.array([row["inter"] for row in rows], dtype=np.int64),
        np.array([row["union"] for row in rows], dtype=np.int64),
    )


def _scores(inter: np.ndarray, union: np.ndarray, iou: np.ndarray) -> dict[str, float]:
    """Reduce pixels and per-expression IoU, all [N], in a way that no order of rows can change."""
    precision = {f"p@{t}": float(np.count_nonzero(iou >= t) / len(iou)) for t in THRESHOLDS}
    return {
        "ciou": int(inter.sum()) / max(int(union.sum()), 1),
        "giou": math.fsum(iou.tolist()) / len(iou),
        **precision,
    }


_KEYS = {
    "ciou": "sum of intersections over sum of unions (LAVT: overall IoU)",
    "giou": "mean over expressions of IoU (LAVT: mean IoU); never generalised IoU",
}
_PRECISION = {f"p@{t}": f"share of expressions with IoU >= {t}" for t in THRESHOLDS}
_SHARED_RULES = (
    "unit: one expression; every sentence of an object is its own sample",
    "masks are compared at the image's own size, never at a padded or resized one; files with others are refused",
    "several predicted masks of one expression are joined",
    "the target is the union of all polygons of its annotations, rasterised by pycocotools",
)
CARD = Card(
    definition="ciou: sum of intersections / sum of unions; giou: mean IoU; p@X: share with IoU >= X",
    source="LAVT (Yang et al. 2022) and LISA (Lai et al. 2024) evaluation; counts as in pycocotools RLE",
    edge_rules=(
        *_SHARED_RULES,
        "no answer or an unreadable one: intersection 0, union = target, IoU 0 even where there is no target",
        "no target and an empty prediction: IoU 1 in giou and p@X, adds nothing to ciou",
        "ciou is 0 where no target and no prediction has a pixel",
    ),
    keys={**_KEYS, **_PRECISION},
)
LAVT_CARD = Card(
    definition=CARD.definition,
    source="LAVT (Yang et al. 2022), evaluate() of its test script",
    edge_rules=(*_SHARED_RULES, "an empty union is IoU 0, with or without an answer"),
    keys={**_KEYS, **_PRECISION},
)
LISA_CARD = Card(
    definition="ciou: sum of intersections / (sum of unions + 1e-10); giou: mean of intersection / (union + 1e-5)",
    source="LISA (Lai et al. 2024), validate() of its training script; it sums in float32, hence 2e-5",
    edge_rules=(
        *_SHARED_RULES,
        "an empty union is IoU 1, even where there was no answer: no answer is scored as an empty mask",
    ),
    keys=_KEYS,
)
RES = Metric(name="res", kind="res", protocol="res/1", aggregate=aggregate, headline="ciou", card=CARD)
RES_LAVT = Metric(
    name="res_lavt",
    kind="res",
    protocol="res/1 variant=lavt",
    aggregate=aggregate_lavt,
    headline="ciou",
    card=LAVT_CARD,
)
RES_LISA = Metric(
    name="res_lisa",
    kind="res",
    protocol="res/1 variant=lisa",
    aggregate=aggregate_lisa,
    headline="ciou",
    card=LISA_CARD,
)
METRICS = [RES, RES_LAVT, RES_LISA]
