"""Referring expression comprehension: share of expressions whose box overlaps enough, and mean IoU.

Protocol rec/1: one row per (expression, image) pair; the top-ranked box alone is scored; a hit is IoU >= threshold.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from metrics.base import Card, Metric, Row
from metrics.boxes import box_iou, is_malformed

THRESHOLDS = (0.25, 0.5, 0.75)
Rule = Literal["ge", "gt"]


def measure(pred_box: Sequence[float] | None, target_box: Sequence[float]) -> Row:
    """Compare the top-ranked predicted box with the target.

    Args:
        pred_box: x1, y1, x2, y2 in pixels of the original image; None where there is no readable answer.
        target_box: x1, y1, x2, y2 in the same pixels.

    Returns:
        `iou` in [0, 1]; `malformed` 1 where x2 < x1, y2 < y1 or a value is not finite (IoU 0, corners are not
        swapped); `missing` 1 where there was no answer (IoU 0).

    Raises:
        ValueError: a box does not have four numbers, or the target is malformed.
    """
    if len(target_box) != 4 or is_malformed(target_box):
        raise ValueError(f"target_box must be finite x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, got {target_box}")
    if pred_box is None:
        return {"iou": 0.0, "malformed": 0, "missing": 1}
    if len(pred_box) != 4:
        raise ValueError(f"pred_box must be x1, y1, x2, y2, got {len(pred_box)} numbers")
    malformed = is_malformed(pred_box)
    return {"iou": 0.0 if malformed else box_iou(pred_box, target_box), "malformed": int(malformed), "missing": 0}


def measure_any(pred_box: Sequence[float] | None, target_boxes: Sequence[Sequence[float]]) -> Row:
    """Compare the top-ranked predicted box with the target box that it meets best.

    Args:
        pred_box: as in `measure`.
        target_boxes: one or more.

    Returns:
        The row of `measure` with the highest IoU.

    Raises:
        ValueError: see `measure`; or there is no target box.
    """
    return max((measure(pred_box, target) for target in target_boxes), key=lambda row: float(row["iou"]))


def aggregate(rows: Sequence[Row], rule: Rule = "ge") -> dict[str, float]:
    """Turn rows into scores in [0, 1]. Rows may come in any order, from any shard.

    Args:
        rule: "ge" counts IoU >= threshold, "gt" IoU > threshold. Where the other rule gives another number, that is
            reported too, under the key with the rule's name behind it (`acc@0.5_gt`).

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("rec has no rows to aggregate: score at least one expression")
    ious = [row["iou"] for row in rows]
    shares = {each: {f"acc@{t}": _share(ious, t, each) for t in THRESHOLDS} for each in ("ge", "gt")}
    other = "gt" if rule == "ge" else "ge"
    differing = {f"{key}_{other}": value for key, value in shares[other].items() if value != shares[rule][key]}
    return {**shares[rule], "miou": math.fsum(ious) / len(ious), **differing}


def _share(ious: Sequence[float], threshold: float, rule: str) -> float:
    hits = sum(iou >= threshold if rule == "ge" else iou > threshold for iou in ious)
    return hits / len(ious)


CARD = Card(
    definition="acc@T: share of expressions whose top-ranked box has IoU >= T with the target; miou: mean IoU",
    source="RefCOCO protocol (Yu et al. 2016); box IoU of pycocotools 2.0.11 (continuous, no +1)",
    edge_rules=(
        "unit: one (expression, image) pair, not one referred object",
        "only the top-ranked box of an answer counts, however many it lists",
        "no answer or an unreadable one: IoU 0, stays in the denominator, counted as missing",
        "x2 < x1, y2 < y1 or a value that is not finite: IoU 0, counted as malformed, corners are not swapped; a file "
        "with values that are not finite is refused",
        "a box without area: IoU 0",
        "exact ties at a threshold are hits; acc@T_gt shows the strict rule (Shikra, u-LLaVA) where it differs",
        "coordinates beyond the image are not clipped",
        "not MDETR's number, which thresholds generalised IoU, nor MAttNet's, which adds a pixel to the intersection",
    ),
    keys={
        "acc@0.25": "share of expressions with IoU >= 0.25",
        "acc@0.5": "share of expressions with IoU >= 0.5, the accuracy that papers print",
        "acc@0.75": "share of expressions with IoU >= 0.75",
        "miou": "mean IoU over expressions",
        "acc@T_gt": "share with IoU > T; shown only where it differs from acc@T",
    },
)
STRICT_CARD = Card(
    definition="acc@T: share of expressions whose top-ranked box has IoU > T with the target; miou: mean IoU",
    source="evaluation scripts of Shikra and u-LLaVA (strict comparison); box IoU of pycocotools 2.0.11",
    edge_rules=(
        *(rule for rule in CARD.edge_rules if not rule.startswith("exact ties")),
        "exact ties at a threshold are misses; acc@T_ge shows the inclusive rule where it differs",
    ),
    keys={
        "acc@0.25": "share of expressions with IoU > 0.25",
        "acc@0.5": "share of expressions with IoU > 0.5",
        "acc@0.75": "share of expressions with IoU > 0.75",
        "miou": "mean IoU over expressions",
        "acc@T_ge": "share with IoU >= T; shown only where it differs from acc@T",
    },
)
ANY_CARD = replace(
    CARD,
    definition="acc@T: share of phrases whose top-ranked box has IoU >= T with any of the target boxes; miou: mean of "
    "the best IoU",
    source="Flickr30k Entities, ANY-BOX protocol of MDETR (Kamath et al. 2021) and GLIP: its R@1 is acc@0.5 here",
    edge_rules=(
        *(rule for rule in CARD.edge_rules if not rule.startswith(("unit:", "not MDETR"))),
        "unit: one phrase of one sentence; a phrase may mean several boxes, and one of them is enough",
    ),
)
REC = Metric(name="rec", kind="rec", protocol="rec/1", aggregate=aggregate, headline="acc@0.5", card=CARD)
REC_GT = Metric(
    name="rec_gt",
    kind="rec",
    protocol="rec/1 variant=gt",
    aggregate=partial(aggregate, rule="gt"),
    headline="acc@0.5",
    card=STRICT_CARD,
)
REC_ANY = Metric(
    name="rec_any",
    kind="rec",
    protocol="rec/1 variant=any",
    aggregate=aggregate,
    headline="acc@0.5",
    card=ANY_CARD,
)
METRICS = [REC, REC_ANY, REC_GT]
