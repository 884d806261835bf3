"""Generalised referring segmentation: expressions with one, several or no targets (gRefCOCO).

Protocol gres/1: the rules of ReLA's evaluator. Saying "there is no target" is an answer of its own, apart from the
mask: an empty mask without that word is not a refusal. Values are fractions where ReLA prints percent.
"""

import math
from collections.abc import Sequence

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.masks import Rle, area, inter_union

THRESHOLDS = (0.7, 0.8, 0.9)


def measure(pred: Rle | None, target: Rle | None, says_no_target: bool = False) -> Row:
    """Compare one answer with its target, without decoding.

    Args:
        pred: compressed COCO RLE of all predicted objects joined; None where the answer has no mask.
        target: compressed COCO RLE of all annotated objects joined; None where the expression has no target. (An
            annotation without pixels is still a target.)
        says_no_target: whether the answer says that nothing matches. Without it and without a mask there is no
            answer, which is the worst one.

    Returns:
        `inter` and `union` in pixels, as ReLA adds them up; `no_target` and `says_no_target` 0 or 1; `missing` 1
        where there was no answer.

    Raises:
        DataError: the sizes differ.
    """
    inter, union = _pixels(pred, target, says_no_target)
    return {
        "inter": inter,
        "union": union,
        "no_target": int(target is None),
        "says_no_target": int(says_no_target),
        "missing": int(pred is None and not says_no_target),
    }


def _pixels(pred: Rle | None, target: Rle | None, says_no_target: bool) -> tuple[int, int]:
    """Count pixels: a wrong refusal keeps the union of the mask that came with it but loses the intersection."""
    if target is None:
        return 0, 0 if says_no_target or pred is None else area(pred)
    if pred is None:
        return 0, area(target)
    inter, union = inter_union(pred, target)
    return 0 if says_no_target else inter, union


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into scores in [0, 1]. Rows may come in any order, from any shard.

    `t_acc_penalised` appears where answers are missing: ReLA reads those as "there is a target", which is right for
    every expression that has one; the penalised value counts them as wrong.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("gres has no rows to aggregate: score at least one expression")
    keys = ("inter", "union", "no_target", "says_no_target", "missing")
    inter, union, absent, refused, missing = (np.array([row[key] for row in rows], dtype=np.int64) for key in keys)
    iou = np.divide(inter, union, out=np.zeros(len(rows)), where=union > 0)
    iou[(absent & refused) > 0] = 1.0
    target_iou = iou[absent == 0]
    return {
        "ciou": int(inter.sum()) / max(int(union.sum()), 1),
        "giou": math.fsum(iou.tolist()) / len(rows),
        **{f"pr@{t}": _share(target_iou >= t) for t in THRESHOLDS},
        **_flag_accuracy(absent > 0, refused > 0, missing > 0),
    }


def _flag_accuracy(absent: np.ndarray, refused: np.ndarray, missing: np.ndarray) -> dict[str, float]:
    """Score the word "no target", all bool [N]; ReLA prints 0 for both where no expression lacks a target."""
    if not absent.any():
        return {"n_acc": 0.0, "t_acc": 0.0}
    accuracy = {"n_acc": _share(refused[absent]), "t_acc": _share(~refused[~absent])}
    if missing[~absent].any():
        accuracy["t_acc_penalised"] = _share(~refused[~absent] & ~missing[~absent])
    return accuracy


def _share(hits: np.ndarray) -> float:
    return float(np.count_nonzero(hits) / max(len(hits), 1))


CARD = Card(
    definition=(
        "ciou: sum of intersections / sum of unions; giou: mean IoU over all expressions, 1 for a right refusal; "
        "n_acc, t_acc: share of expressions without and with a target whose refusal or non-refusal is right"
    ),
    source="GRES: Generalized Referring Expression Segmentation (Liu et al. 2023), ReferEvaluator of ReLA",
    edge_rules=(
        "the refusal is a flag of its own: an empty mask without it is no refusal",
        "no target, refused: IoU 1, adds nothing to ciou, whatever mask came with it",
        "no target, not refused: IoU 0, the predicted pixels join the union, also where there are none",
        "a target, refused: intersection 0, the union stays that of target and emitted mask",
        "pr@X counts expressions with a target only",
        "no answer: an empty mask without refusal; IoU 0; n_acc counts it wrong, t_acc right as ReLA does, "
        "t_acc_penalised wrong",
        "n_acc and t_acc are both 0 where every expression has a target",
        "the target is the union of all polygons of all its annotations, rasterised by pycocotools",
    ),
    keys={
        "ciou": "sum of intersections over sum of unions",
        "giou": "mean IoU over all expressions; never generalised IoU",
        **{f"pr@{t}": f"share of expressions with a target whose IoU >= {t}" for t in THRESHOLDS},
        "n_acc": "share of expressions without target that were refused",
        "t_acc": "share of expressions with a target that were not refused",
        "t_acc_penalised": "t_acc with missing answers as wrong; shown only where there are any",
    },
    bounds={"t_acc": (None, 1.0)},
)
GRES = Metric(name="gres", kind="gres", protocol="gres/1", aggregate=aggregate, headline="giou", card=CARD)
METRICS = [GRES]
