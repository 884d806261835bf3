"""Metrics whose scores are functions of sums over samples, each as its sums and its formula.

The formulas are those of the metrics, written for many draws at once. None is trusted: `results.statistics` keeps a
score only where its formula gives what the metric itself says, and tests compare draw by draw.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from metrics import bleu, gres, meteor, panoptic, pck_mpii, salient
from metrics.base import Metric, Row
from metrics.ngrams import LONGEST
from metrics.pck_joints import distances
from results.resampling import Floats, Scores, Sums

Totals = Mapping[str, Floats]
Columns = Mapping[str, Floats]
"""Name -> float64 [N], one number per sample."""
_SEGMENTS = re.compile(r"(thing|stuff)/\d+/tp")
_PIXELS = re.compile(r"\d+/tp")


def sums_of(metric: Metric, rows: Sequence[Row], place: np.ndarray, units: int) -> list[Sums]:
    """Build every formula that rows hold the columns of.

    Args:
        metric: whose rows they are.
        rows: one per sample.
        place: int [N], unit of each row.
        units: number of units U.
    """
    found = []
    for family, formula in (
        (_bleu_columns, _bleu), (_meteor_columns, _meteor), (_phrase_columns, _phrases), (_gres_columns, _gres),
        (_salient_columns, _salient), (_joint_columns, _joints),
    ):  # fmt: skip
        if columns := family(metric, rows):
            found.append(grouped(columns, place, units, formula))
    if any(_SEGMENTS.fullmatch(key) for row in rows for key in row):
        found.append(_by_class(rows, place, units, _quality))
    elif metric.kind == "semantic" and any(_PIXELS.fullmatch(key) for row in rows for key in row):
        found.append(_by_class(rows, place, units, _mmseg if "average=mmseg" in metric.protocol else _detectron2))
    return found


def grouped(columns: Columns, place: np.ndarray, units: int, formula: Callable[[Totals], Scores]) -> Sums:
    """Sum columns of samples within their units."""
    sums = [np.bincount(place, weights=values, minlength=units).astype(np.float64) for values in columns.values()]
    return Sums(list(columns), np.stack(sums, axis=1), formula)


def _by_class(rows: Sequence[Row], place: np.ndarray, units: int, formula: Callable[[Totals], Scores]) -> Sums:
    """Sum what stands under `…/…` in each row; most images hold few of the classes."""
    names = {key: number for number, key in enumerate(dict.fromkeys(k for row in rows for k in row if "/" in k))}
    columns = np.zeros((units, len(names)))
    for unit, row in zip(place.tolist(), rows, strict=True):
        for key, value in row.items():
            if key in names:
                columns[unit, names[key]] += value
    return Sums(list(names), columns, formula)


def _take(rows: Sequence[Row], names: Sequence[str]) -> dict[str, Floats]:
    """Columns of numbers; none where a row lacks one."""
    if not all(name in row for row in rows for name in names):
        return {}
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in names}


def _bleu_columns(_: Metric, rows: Sequence[Row]) -> Columns:
    matches = [f"match{n}" for n in range(1, LONGEST + 1)]
    columns = _take(rows, ["words", "reference_words", *matches])
    for n in range(1, LONGEST + 1) if columns else ():
        columns[f"possible{n}"] = np.maximum(columns["words"] - n + 1, 0)
    return columns


def _bleu(totals: Totals) -> Scores:
    ratio = (totals["words"] + bleu.TINY) / (totals["reference_words"] + bleu.SMALL)
    penalty = np.exp(np.minimum(1 - 1 / ratio, 0.0))
    scores, product = {}, np.ones_like(ratio)
    for n in range(1, LONGEST + 1):
        product = product * (totals[f"match{n}"] + bleu.TINY) / (totals[f"possible{n}"] + bleu.SMALL)
        scores[f"bleu{n}"] = product ** (1 / n) * penalty
    return scores


def _meteor_columns(_: Metric, rows: Sequence[Row]) -> Columns:
    return _take(rows, [f"meteor_{field}" for field in meteor.FIELDS])


def _meteor(totals: Totals) -> Scores:
    precision, recall = (_matched(totals, side) for side in ("", "reference_"))
    mean = precision * recall / (meteor.ALPHA * precision + (1 - meteor.ALPHA) * recall)
    breaks = totals["meteor_chunks"] / ((totals["meteor_matched"] + totals["meteor_reference_matched"]) / 2)
    score = mean * (1 - meteor.GAMMA * breaks**meteor.BETA)
    return {"meteor": np.where((precision != 0) & (recall != 0), score, 0.0)}


def _matched(totals: Totals, side: str) -> Floats:
    """Weighted share of one side's words that is matched, as the jar weighs them."""
    content, function = meteor.DELTA, 1 - meteor.DELTA
    words, functions = totals[f"meteor_{side}words"], totals[f"meteor_{side}function_words"]
    matched = np.zeros_like(words)
    for kind, weight in zip(("exact", "stem", "synonym", "paraphrase"), meteor.MODULE_WEIGHTS, strict=True):
        in_content = content * totals[f"meteor_{kind}_{side}content"]
        matched = matched + weight * (in_content + function * totals[f"meteor_{kind}_{side}function"])
    possible = content * (words - functions) + function * functions
    return np.where(possible != 0, matched / possible, 0.0)


def _phrase_columns(_: Metric, rows: Sequence[Row]) -> Columns:
    return _take(rows, ["named", "unmapped"])


def _phrases(totals: Totals) -> Scores:
    return {"unmapped": totals["unmapped"] / totals["named"]}


def _gres_columns(metric: Metric, rows: Sequence[Row]) -> Columns:
    columns = _take(rows, ["inter", "union", "no_target", "says_no_target", "missing"])
    if not columns or metric.kind != "gres":
        return {}
    inter, union = columns["inter"], columns["union"]
    absent, refused, missing = (columns[name] > 0 for name in ("no_target", "says_no_target", "missing"))
    iou = np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)
    facts = {
        "absent": absent, "present": ~absent, "refused_absent": absent & refused, "taken_present": ~absent & ~refused,
        "taken_answered": ~absent & ~refused & ~missing, "unanswered": ~absent & missing,
        **{f"pr@{t}": ~absent & (iou >= t) for t in gres.THRESHOLDS},
    }  # fmt: skip
    return {"inter": inter, "union": union, **{name: flags.astype(np.float64) for name, flags in facts.items()}}


def _gres(totals: Totals) -> Scores:
    absent, present = np.maximum(totals["absent"], 1), np.maximum(totals["present"], 1)
    some = totals["absent"] > 0
    return {
        "ciou": totals["inter"] / np.maximum(totals["union"], 1),
        **{f"pr@{t}": totals[f"pr@{t}"] / present for t in gres.THRESHOLDS},
        "n_acc": totals["refused_absent"] / absent,
        "t_acc": np.where(some, totals["taken_present"] / present, 0.0),
        "t_acc_penalised": np.where(some, totals["taken_answered"] / present, 0.0),
    }


def _salient_columns(metric: Metric, rows: Sequence[Row]) -> Columns:
    columns = _take(rows, salient.ROW_KEYS) if metric.kind == "salient" else {}
    return {**columns, "n": np.ones(len(rows))} if columns else {}


def _salient(totals: Totals) -> Scores:
    means = {name: totals[name] / totals["n"] for name in salient.ROW_KEYS}
    scores = {name: means[name] for name in salient.SINGLE}
    for name, keys in (("f", salient.F_CURVE), ("e", salient.E_CURVE)):
        curve = np.stack([means[key] for key in keys])
        scores[f"{name}_max"], scores[f"{name}_mean"] = curve.max(axis=0), curve.mean(axis=0)
    return scores


def _joint_columns(metric: Metric, rows: Sequence[Row]) -> Columns:
    """Per joint how often it is visible, compared and right; see `metrics.pck_mpii.table`."""
    if metric.name != "pckh" or not all({"true", "visible", "head"} <= set(row) for row in rows):
        return {}
    nowhere = [np.nan] * (2 * pck_mpii.JOINTS)
    true, found = (
        np.array([row.get(name, nowhere) for row in rows], dtype=np.float64).reshape(-1, pck_mpii.JOINTS, 2)
        for name in ("true", "found")
    )
    visible = np.array([row["visible"] for row in rows], dtype=bool).reshape(-1, pck_mpii.JOINTS)
    length = np.array([row["head"] for row in rows], dtype=np.float64)
    columns = {f"visible/{j}": visible[:, j].astype(np.float64) for j in range(pck_mpii.JOINTS)}
    for threshold in pck_mpii.THRESHOLDS:
        apart = distances(found + pck_mpii.SHIFT_PX, true, visible, length)
        for j in range(pck_mpii.JOINTS):
            columns[f"{threshold:g}/compared/{j}"] = (~np.isnan(apart[:, j])).astype(np.float64)
            columns[f"{threshold:g}/right/{j}"] = (apart[:, j] < threshold).astype(np.float64)
        if "zero_head=fixed" not in metric.protocol:
            length = np.where(length > 0, length, pck_mpii.OVERWRITTEN_PX)
    return columns


def _joints(totals: Totals) -> Scores:
    joints = range(pck_mpii.JOINTS)
    visible = np.stack([totals[f"visible/{j}"] for j in joints], axis=1)
    weights = np.where(np.isin(joints, pck_mpii.OMITTED), 0.0, visible)
    scores: Scores = {}
    for threshold in pck_mpii.THRESHOLDS:
        right, compared = (
            np.stack([totals[f"{threshold:g}/{name}/{j}"] for j in joints], axis=1) for name in ("right", "compared")
        )
        share = right / compared
        scores[f"pckh@{threshold:g}"] = np.where(weights > 0, share * weights, 0.0).sum(axis=1) / weights.sum(axis=1)
        if threshold == pck_mpii.THRESHOLDS[0]:
            scores |= {part: share[:, list(own)].mean(axis=1) for part, own in pck_mpii.PARTS.items()}
    return scores


def _stacked(totals: Totals, names: Sequence[str]) -> Floats:
    return np.stack([totals[name] for name in names], axis=1)


def _quality(totals: Totals) -> Scores:
    """PQ, SQ and RQ, float64 [B] each: means over the categories that a draw holds."""
    every = [name.removesuffix("/tp") for name in totals if name.endswith("/tp")]
    scores: Scores = {}
    for suffix, kinds in panoptic.GROUPS.items():
        names = [name for name in every if name.split("/")[0] in kinds]
        if not names:
            scores |= {
                f"{key}{suffix}": np.full(len(next(iter(totals.values()))), np.nan) for key in ("pq", "sq", "rq")
            }
            continue
        tp, fp, fn, iou = (
            _stacked(totals, [f"{name}/{field}" for name in names]) for field in ("tp", "fp", "fn", "iou")
        )
        weight, occurs = tp + fp / 2 + fn / 2, tp + fp + fn > 0
        for key, values in (("pq", iou / weight), ("sq", np.where(tp > 0, iou / tp, 0.0)), ("rq", tp / weight)):
            scores[f"{key}{suffix}"] = np.where(occurs, values, 0.0).sum(axis=1) / occurs.sum(axis=1)
    return scores


def _detectron2(totals: Totals) -> Scores:
    return _semantic(totals, lambda target, union: target > 0)


def _mmseg(totals: Totals) -> Scores:
    return _semantic(totals, lambda target, union: union > 0)


def _semantic(totals: Totals, counts: Callable[[Floats, Floats], np.ndarray]) -> Scores:
    """Means over classes; `counts` says from target and union pixels [B, C] which classes are averaged."""
    names = [name.removesuffix("/tp") for name in totals if name.endswith("/tp")]
    tp, target, pred = (_stacked(totals, [f"{name}/{field}" for name in names]) for field in ("tp", "target", "pred"))
    union = target + pred - tp
    labelled, counted, true = target.sum(axis=1), counts(target, union), target > 0
    iou = np.where(union > 0, tp / union, 0.0)
    scores = {
        "miou": np.where(counted, iou, 0.0).sum(axis=1) / counted.sum(axis=1),
        "fwiou": (target * iou).sum(axis=1) / labelled,
        "macc": np.where(true, tp / target, 0.0).sum(axis=1) / true.sum(axis=1),
        "pacc": tp.sum(axis=1) / labelled,
    }
    return {key: np.where(labelled > 0, values, np.nan) for key, values in scores.items()}
