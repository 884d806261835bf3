"""Semantic segmentation: mIoU, FWIoU, mean and pixel accuracy from one confusion matrix over all images.

Protocol semantic/1, with two ways to average by name: `detectron2` averages IoU over the classes that have target
pixels, `mmseg` over those that have target or predicted pixels (a class that is only predicted counts as 0).
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from metrics.base import Card, Metric, Row, Scorer, ScoreReport
from metrics.errors import DataError
from metrics.image_pairs import LABEL_MODES, check_size, pair_folders, read_plane
from metrics.options import choice, choice_int
from metrics.semantic_classes import class_names

AVERAGES = ("detectron2", "mmseg")
REDUCE = ("no", "target", "both")


def confusion(pred: np.ndarray, target: np.ndarray, num_classes: int, ignore: int = 255) -> np.ndarray:
    """Count pixels by predicted and true class.

    Args:
        pred: integer [H, W]; a value outside 0..C-1 is an unknown class: it counts against its target.
        target: integer [H, W]; `ignore` pixels count nowhere but in the last column.
        num_classes: C.

    Returns:
        int64 [C+1, C+1], rows = predicted class, columns = true class; last row unknown, last column ignored.

    Raises:
        DataError: shapes differ, values are not integers, or a target value is neither a class nor `ignore`.
    """
    if pred.shape != target.shape:
        raise DataError(f"pred is {pred.shape} but target is {target.shape}: resize the scores, not the labels")
    if pred.dtype.kind not in "iub" or target.dtype.kind not in "iub":
        raise DataError(f"labels must be whole numbers, got {pred.dtype} and {target.dtype}")
    size = num_classes + 1
    true = target.astype(np.int64)
    wrong = (true != ignore) & ((true < 0) | (true >= num_classes))
    if wrong.any():
        raise DataError(
            f"target label {true[wrong][0]} is neither below num_classes={num_classes} nor ignore={ignore}: "
            "check num_classes, ignore and reduce_zero"
        )
    true[true == ignore] = num_classes
    guess = pred.astype(np.int64)
    guess[(guess < 0) | (guess >= num_classes)] = num_classes
    return np.bincount((guess * size + true).reshape(-1), minlength=size * size).reshape(size, size)


def measure(pred: np.ndarray | None, target: np.ndarray, num_classes: int, ignore: int = 255) -> Row:
    """Count one image; see `confusion` for the arguments. `pred` None: every pixel is an unknown class.

    Returns:
        `<class>/tp`, `<class>/target` and `<class>/pred` in pixels for the classes that occur, and `unknown`:
        predicted pixels outside the classes.
    """
    guess = np.full(target.shape, num_classes) if pred is None else pred
    return _row(confusion(guess, target, num_classes, ignore), unknown=pred is not None)


def _row(matrix: np.ndarray, unknown: bool = True) -> Row:
    counted = matrix[:, :-1]
    in_target, in_pred, hit = counted.sum(axis=0), counted[:-1].sum(axis=1), np.diagonal(counted)
    row: Row = {"unknown": int(counted[-1].sum()) if unknown else 0}
    for c in np.flatnonzero(in_target + in_pred).tolist():
        row[f"{c}/tp"], row[f"{c}/target"], row[f"{c}/pred"] = int(hit[c]), int(in_target[c]), int(in_pred[c])
    return row


def class_counts(rows: Sequence[Row]) -> dict[int, dict[str, int]]:
    """Sum rows per class that occurs: class -> tp, target and pred pixels."""
    counts: dict[int, dict[str, int]] = {}
    for row in rows:
        for key, value in row.items():
            if "/" in key:
                label, field = key.split("/")
                own = counts.setdefault(int(label), {"tp": 0, "target": 0, "pred": 0})
                own[field] += int(value)
    return counts


def class_scores(counts: Mapping[str, int], average: str = "detectron2") -> tuple[float, float]:
    """IoU and accuracy of one class, NaN where the convention leaves the class out."""
    union = counts["target"] + counts["pred"] - counts["tp"]
    counted = union > 0 if average == "mmseg" else counts["target"] > 0
    accuracy = counts["tp"] / counts["target"] if counts["target"] else math.nan
    return counts["tp"] / union if counted else math.nan, accuracy


def aggregate(rows: Sequence[Row], average: str = "detectron2") -> dict[str, float]:
    """Turn counts into `miou fwiou macc pacc` in [0, 1]; NaN when no pixel is labelled."""
    counts = list(class_counts(rows).values())
    scores = [class_scores(c, average) for c in counts]
    labelled = sum(c["target"] for c in counts)
    if not labelled:
        return dict.fromkeys(("miou", "fwiou", "macc", "pacc"), math.nan)
    ious = [iou for iou, _ in scores if not math.isnan(iou)]
    accuracies = [accuracy for _, accuracy in scores if not math.isnan(accuracy)]
    weighted = [c["target"] * iou for c, (iou, _) in zip(counts, scores, strict=True) if c["target"]]
    return {
        "miou": math.fsum(ious) / len(ious),
        "fwiou": math.fsum(weighted) / labelled,
        "macc": math.fsum(accuracies) / len(accuracies),
        "pacc": sum(c["tp"] for c in counts) / labelled,
    }


def shift_zero(labels: np.ndarray, ignore: int) -> np.ndarray:
    """Make label 0 ignored and move the others down by one, as ADE20K is read (150 classes out of 0..150)."""
    wide = labels.astype(np.int64)
    return np.where((wide == 0) | (wide == ignore), ignore, wide - 1)


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a folder of predicted label PNGs against a folder of label PNGs of the same names.

    Raises:
        DataError: naming the file and what to do.
    """
    average = choice(options, "average", AVERAGES, "detectron2")
    reduce = choice(options, "reduce_zero", REDUCE, "no")
    ignore = choice_int(options, "ignore", 255)
    names = class_names(targets, options)
    pairs = pair_folders(targets, predictions)
    rows = []
    for target_path, pred_path in zip(pairs.targets, pairs.predictions, strict=True):
        target = read_plane(target_path, LABEL_MODES, "one label per pixel (8 or 16 bits, grey or palette)")
        target = target if reduce == "no" else shift_zero(target, ignore)
        pred = _read_pred(pred_path, target, target_path, ignore if reduce == "both" else None)
        try:
            rows.append(measure(pred, target, len(names), ignore))
        except DataError as error:
            raise DataError(f"{target_path}: {error}") from None
    return ScoreReport(
        metric="semantic",
        protocol=f"{SEMANTIC.protocol} average={average} ignore={ignore} reduce_zero={reduce}",
        n=len(rows),
        missing=pairs.missing,
        malformed=0,
        metrics={k: None if math.isnan(v) else v for k, v in aggregate(rows, average).items()},
        per_class=_per_class(rows, names, average),
        notes=_notes(rows, len(pairs.extra), pairs.missing),
    )


def _read_pred(path: Path | None, target: np.ndarray, target_path: Path, shift: int | None) -> np.ndarray | None:
    if path is None:
        return None
    pred = read_plane(path, LABEL_MODES, "one label per pixel (8 or 16 bits, grey or palette)")
    check_size(pred, target, (path, target_path), "resize the class scores to the target's size, then take the best")
    return pred if shift is None else shift_zero(pred, shift)


def _per_class(rows: Sequence[Row], names: Sequence[str], average: str) -> dict[str, dict[str, float | None]]:
    counts = class_counts(rows)
    table: dict[str, dict[str, float | None]] = {}
    for c, name in enumerate(names):
        iou, accuracy = class_scores(counts.get(c, {"tp": 0, "target": 0, "pred": 0}), average)
        table[name] = {"iou": None if math.isnan(iou) else iou, "acc": None if math.isnan(accuracy) else accuracy}
    return table


def _notes(rows: Sequence[Row], extra: int, missing: int) -> tuple[str, ...]:
    unknown = sum(int(row["unknown"]) for row in rows)
    facts = (
        (missing, f"{missing} targets have no prediction: all their pixels count as wrong"),
        (extra, f"{extra} predicted files belong to no target: not scored"),
        (unknown, f"{unknown} predicted pixels are outside the classes: they count against their target"),
    )
    return tuple(text for count, text in facts if count)


CARD = Card(
    definition=(
        "IoU_c = TP / (target + predicted - TP) from one confusion matrix over all images; miou = mean over classes, "
        "fwiou = mean weighted by target pixels, macc = mean of TP / target, pacc = sum of TP / labelled pixels"
    ),
    source="detectron2 SemSegEvaluator (average=detectron2); mmsegmentation IoUMetric (average=mmseg)",
    edge_rules=(
        "ignored target pixels leave the predicted totals too",
        "average=detectron2 leaves out classes without target pixels; average=mmseg counts only-predicted ones as 0",
        "a predicted value that is no class is unknown: it counts against its target, it is not ignored",
        "a missing prediction is unknown everywhere and is counted",
        "labels are never resized: another size is refused",
        "never a mean of per-image mIoU",
    ),
    keys={
        "miou": "mean IoU over classes",
        "fwiou": "IoU weighted by the share of target pixels",
        "macc": "mean accuracy over classes with target pixels",
        "pacc": "share of labelled pixels that are right",
    },
)
SEMANTIC = Metric(
    name="semantic",
    kind="semantic",
    protocol="semantic/1",
    aggregate=aggregate,
    headline="miou",
    card=CARD,
    additive=False,
)
SEMANTIC_MMSEG = Metric(
    name="semantic_mmseg",
    kind="semantic",
    protocol="semantic/1 average=mmseg",
    aggregate=partial(aggregate, average="mmseg"),
    headline="miou",
    card=CARD,
    additive=False,
)
METRICS = [SEMANTIC, SEMANTIC_MMSEG]
SCORERS = [
    Scorer(
        name="semantic",
        score=score,
        targets="folder of label PNGs (value = class, 255 = ignore)",
        predictions="folder of label PNGs with the same names and sizes",
        card=CARD,
        options={
            "num_classes": "number of classes; default: as many as classes.json names",
            "classes": "JSON file with class_names; default: classes.json in or beside the target folder",
            "ignore": "target value that is not scored; default 255",
            "reduce_zero": "no | target | both: label 0 is ignored, the others move down by one (ADE20K); default no",
            "average": "detectron2 | mmseg: which classes the mean IoU covers; default detectron2",
        },
    )
]
