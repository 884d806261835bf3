"""Turns the column blocks of a table's description into single columns with their headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from results.direction import better
from results.export.cells import Leaf
from results.export.spec import Block, Part, TableSpec
from results.record import Better

NAMES = {
    "miou": "mIoU",
    "ciou": "cIoU",
    "giou": "gIoU",
    "fwiou": "fwIoU",
    "macc": "mAcc",
    "pacc": "pAcc",
    "accuracy": "Acc.",
    "precision": "Prec.",
    "recall": "Recall",
    "f1": "F1",
    "yes_ratio": "Yes (%)",
    "n_acc": "N-acc.",
    "t_acc": "T-acc.",
    "meteor": "METEOR",
    "cider": "CIDEr",
    "cider_in": "in",
    "cider_near": "near",
    "cider_out": "out",
    "rouge_l": "ROUGE-L",
    "pq_things": "PQ_th",
    "pq_stuff": "PQ_st",
    "ap_small": "AP_S",
    "ap_medium": "AP_M",
    "ap_large": "AP_L",
    "ar_medium": "AR_M",
    "ar_large": "AR_L",
    "abs_rel": "AbsRel",
    "sq_rel": "SqRel",
    "rmse": "RMSE",
    "rmse_log": "RMSE_log",
    "log10": "log10",
    "silog": "SILog",
    "delta1": "δ1",
    "delta2": "δ2",
    "delta3": "δ3",
    "s_measure": "S",
    "mae": "MAE",
    "n": "n",
    "seconds_per_sample": "s/sample",
}
"""Metric -> how papers write it; others are written in capitals where they are short, else as they are."""
_SHORT = 5


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        block: where it comes from.
        parts: where its numbers come from; several where they share a cell, none for facts, abilities and averages.
        leaf: header and direction.
    """

    block: Block
    parts: tuple[Part, ...]
    leaf: Leaf


def columns(spec: TableSpec, own: Mapping[tuple[str, str], Better] = MappingProxyType({})) -> list[Column]:
    """List the columns from left to right.

    Args:
        spec: the table.
        own: (task, metric) -> direction, of metrics that are not part of this package.
    """
    return [column for block in spec.columns for column in _of(block, spec, own)]


def metric_name(key: str) -> str:
    """Write a metric as papers do."""
    if key in NAMES:
        return NAMES[key]
    stem = key.split("@")[0]
    if stem in ("p", "pr", "acc", "pck", "pckh"):
        return key.replace("pckh", "PCKh").replace("pck", "PCK").replace("acc", "Acc").replace("p@", "P@", 1)
    return key.upper() if len(key) <= _SHORT else key


def _of(block: Block, spec: TableSpec, own: Mapping[tuple[str, str], Better]) -> list[Column]:
    arrow = spec.arrows if block.arrow is None else block.arrow
    parts = block.numbers()
    if not parts:
        return [Column(block, (), Leaf((block.head,), block.better or "higher" if block.average else "none"))]
    labels = [_label(block, part, parts) for part in parts]
    if block.join is not None:
        line = block.join.join(
            " ".join(label) or metric_name(part.metric) for label, part in zip(labels, parts, strict=True)
        )
        direction = _better(block, parts[0], own)
        return [Column(block, tuple(parts), Leaf((block.head, line), direction, arrow and direction != "none"))]
    found = []
    for part, label in zip(parts, labels, strict=True):
        direction = _better(block, part, own)
        found.append(Column(block, (part,), Leaf((block.head, *label), direction, arrow and direction != "none")))
    return found


def _better(block: Block, part: Part, own: Mapping[tuple[str, str], Better]) -> Better:
    if block.better is not None:
        return block.better
    if part.metric in ("failed", "seconds_per_sample") and not block.inverse:
        return "lower"
    told = {way for (task, key), way in own.items() if key == part.metric and part.task in (task, None)}
    return told.pop() if len(told) == 1 else better(part.metric)


def _label(block: Block, part: Part, parts: Sequence[Part]) -> tuple[str, ...]:
    """Lines of the header below the head: split and metric, as far as they differ within the block."""
    if part.label is not None:
        return (part.label,)
    splits = {each.split for each in parts}
    metrics = {each.metric for each in parts}
    lines = []
    if len(splits) > 1 and part.split is not None:
        lines.append(block.labels.get(part.split, part.split))
    if len(metrics) > 1 or part.metric in block.labels:
        lines.append(block.labels.get(part.metric, metric_name(part.metric)))
    return tuple(lines)
