"""Curves of a metric, from the rows of one or two runs: accuracy over the IoU that is asked for, precision over recall,
average precision over OKS, cumulative errors, quality by category. A metric that is not known here, such as one of a
user's own, has the distribution of its values over samples.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics import ap_rows, coco_eval, detection, keypoints, lvis, match_rows, panoptic, pck_mpii
from metrics.base import Metric, Row
from metrics.matching import IOU_THRESHOLDS, Matches
from results.report.axes import Frame
from results.report.page import Figure
from results.report.plot import Bar, Curve, bars, cumulative_error, histogram, lines, precision_recall

MOST_BARS = 20


@dataclass(frozen=True, slots=True)
class Rows:
    """What one run left: its name, its rows of the headline metric, and the value of each sample.

    `categories` names the numbers of categories, where rows hold such.
    """

    name: str
    rows: Sequence[Row]
    values: Sequence[float | None]
    categories: Mapping[int, str] = field(default_factory=dict)


def figures(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    """Draw what there is to see for a metric; a run without rows takes no part."""
    known = [run for run in runs if run.rows]
    drawn = CURVES.get(metric.name, _of_values)(metric, known) if known else []
    return drawn


def overlaps(rows: Sequence[Row]) -> NDArray[np.float64]:
    """IoU of every row that holds one, or an intersection and a union: float [N]."""
    found = []
    for row in rows:
        if "iou" in row:
            found.append(float(row["iou"]))
        elif row.get("no_target"):
            found.append(float(row.get("says_no_target", 0)))
        elif "union" in row:
            found.append(row["inter"] / row["union"] if row["union"] else 1.0)
    return np.array(found, dtype=np.float64)


def _of_overlaps(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    at = np.linspace(0.0, 1.0, 101)
    found = [(run.name, overlaps(run.rows)) for run in runs]
    curves = [
        Curve(name, at.tolist(), [float((ious >= x).mean()) if ious.size else math.nan for x in at])
        for name, ious in found
    ]
    frame = Frame("P@X: share of samples with IoU of at least X", "X", "share", x_range=(0.0, 1.0), y_range=(0.0, 1.0))
    shown = [Figure(lines(curves, frame), "Higher is better; papers read it at X = 0.5 and above.")]
    return [*shown, *_spread(found, "IoU", (0.0, 1.0))]


def _of_boxes(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    rules = lvis.RULES if metric.name.startswith("lvis") else detection.RULES
    return _of_matches([(run, ap_rows.from_rows(run.rows, len(rules.areas))) for run in runs], rules, "IoU")


def _of_poses(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    rules = keypoints.RULES
    return _of_matches([(run, match_rows.from_rows(run.rows, len(rules.areas))) for run in runs], rules, "OKS")


def _of_matches(found: Sequence[tuple[Rows, Matches]], rules: coco_eval.Rules, likeness: str) -> list[Figure]:
    """Precision over recall at 0.5 and 0.75, AP over the threshold, AP by category."""
    several = len(found) > 1
    steep, over, by_category = [], [], []
    for run, matches in found:
        curves = coco_eval.accumulate(matches, rules, ap_rows.categories_of(matches))
        precision = curves.precision[..., 0, -1]  # [T, R, K]: all areas, most detections
        for threshold in (0,) if several else (0, 5):
            name = run.name if several else f"{likeness} {IOU_THRESHOLDS[threshold]:.2f}"
            steep.append(Curve(name, coco_eval.RECALLS.tolist(), _mean(precision[threshold], axis=1).tolist()))
        over.append(Curve(run.name, IOU_THRESHOLDS.tolist(), _mean(precision, axis=(1, 2)).tolist()))
        by_category.append(_mean(precision, axis=(0, 1)))
    shown = [
        Figure(
            precision_recall(
                steep,
                Frame("Precision over recall" + (f" at {likeness} 0.50" if several else ""), "recall", "precision"),
            ),
            f"Mean over categories; AP at one {likeness} is the area below.",
        ),
        Figure(
            lines(over, Frame(f"AP over the {likeness} that is asked for", likeness, "AP", y_range=(0.0, 1.0))),
            "The AP of all is the mean of these ten points.",
        ),
    ]
    names = {key: name for run, _ in found for key, name in run.categories.items()}
    values = [{k: float(ap[k]) for k in range(len(ap)) if np.isfinite(ap[k])} for ap in by_category]
    return [*shown, *_by_category([run for run, _ in found], values, names, "AP by category")]


def _of_segments(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    names = {key: name for run in runs for key, name in run.categories.items()}
    values = []
    for run in runs:
        counts = panoptic.category_counts(run.rows)
        values.append({category: panoptic.quality(each)[0] for (_, category), each in counts.items()})
    return _by_category(runs, values, names, "PQ by category") + _of_values(metric, runs)


def _of_classes(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    names = {key: name for run in runs for key, name in run.categories.items()}
    values = []
    for run in runs:
        sums: dict[str, float] = {}
        for row in run.rows:
            for key, count in row.items():
                sums[key] = sums.get(key, 0.0) + float(count)
        classes = {int(key.split("/")[0]) for key in sums if "/" in key}
        union = {k: sums.get(f"{k}/target", 0) + sums.get(f"{k}/pred", 0) - sums.get(f"{k}/tp", 0) for k in classes}
        values.append({k: sums.get(f"{k}/tp", 0) / union[k] for k in sorted(classes) if union[k]})
    return _by_category(runs, values, names, "IoU by class") + _of_values(metric, runs)


def _of_depth(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    shown = []
    for key, label in (("abs_rel", "absolute relative error"), ("rmse", "root mean square error, m")):
        errors = [(run.name, [_error(row, key) for row in run.rows if row.get("eligible", 1)]) for run in runs]
        frame = Frame(f"Cumulative error: {key}", label, "share of images")
        shown.append(
            Figure(cumulative_error(errors, frame), "Share of images whose error is at most x; steeper is better.")
        )
    return shown


def _of_saliency(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    shown = []
    for key, label in (("f", "F-measure"), ("e", "E-measure")):
        curves = []
        for run in runs:
            means = [float(np.mean([row.get(f"{key}/{at}", 0.0) for row in run.rows])) for at in range(256)]
            curves.append(Curve(run.name, list(range(256)), means))
        frame = Frame(f"{label} over the threshold", "threshold of the map, 0 to 255", label, y_range=(0.0, 1.0))
        shown.append(Figure(lines(curves, frame)))
    return shown


def _of_joints(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    """PCKh, as MPII weighs joints, over the distance that is allowed."""
    at = np.linspace(0.0, 1.0, 51).tolist()
    curves = []
    for run in runs:
        scores, _ = pck_mpii.table(pck_mpii.poses_of(run.rows), at, "official")
        curves.append(Curve(run.name, at, [_or_nan(scores[f"pckh@{x:g}"]) for x in at]))
    title = "PCKh over the distance that is allowed"
    frame = Frame(title, "share of the head's size", "PCKh", y_range=(0.0, 1.0))
    return [Figure(lines(curves, frame), "The table reads it at 0.5.")]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _of_values(metric: Metric, runs: Sequence[Rows]) -> list[Figure]:
    """The distribution over samples of the headline; nothing where it has at most two values, as of right and wrong."""
    unit = metric.card.unit == "fraction"
    known = [(run.name, np.array([v for v in run.values if v is not None and math.isfinite(v)])) for run in runs]
    if all(len(np.unique(values)) <= 2 for _, values in known):
        return []
    return _spread(
        known, f"{metric.headline} of one sample", (0.0, 1.0) if unit and metric.card.range[1] == 1 else None
    )


def _spread(
    found: Sequence[tuple[str, NDArray[np.float64]]], label: str, x_range: tuple[float, float] | None
) -> list[Figure]:
    """One histogram for each run, on the same axis."""
    every = np.concatenate([values for _, values in found]) if found else np.zeros(0)
    ends = x_range or ((float(every.min()), float(every.max())) if every.size else None)
    shown = []
    for at, (name, values) in enumerate(found):
        title = f"Samples by {label}" + (f": {name}" if len(found) > 1 else "")
        shown.append(Figure(histogram(values, Frame(title, label, "samples", x_range=ends), series=at)))
    return shown


def _by_category(
    runs: Sequence[Rows], values: Sequence[Mapping[int, float]], names: Mapping[int, str], title: str
) -> list[Figure]:
    """Bars by category, the worst of the first run on top; none where there is one category."""
    first = values[0] if values else {}
    ranked = sorted({key for each in values for key in each}, key=lambda key: (first.get(key, math.inf), key))
    if len(ranked) < 2:
        return []
    shown = [
        Bar(str(names.get(key, key)) if at == 0 else "", each[key], series=at)
        for key in ranked[:MOST_BARS]
        for at, each in enumerate(values)
        if key in each
    ]
    more = f" The worst {MOST_BARS} of {len(ranked)} are shown." if len(ranked) > MOST_BARS else ""
    svg = bars(shown, Frame(title, x_range=(0.0, 1.0)), [run.name for run in runs] if len(runs) > 1 else [])
    return [Figure(svg, f"Worst first.{more}")]


def _mean(values: NDArray[np.float64], axis: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Mean over what is defined; NaN where nothing is."""
    defined = values > -1
    count = defined.sum(axis=axis)
    total = np.where(defined, values, 0.0).sum(axis=axis)
    means: NDArray[np.float64] = np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
    return means


def _error(row: Row, key: str) -> float:
    return float(row[key]) if row.get("answered") and key in row else math.nan


CURVES: Mapping[str, Callable[[Metric, Sequence[Rows]], list[Figure]]] = {
    **dict.fromkeys(("rec", "rec_any", "rec_gt", "res", "res_lavt", "res_lisa", "gres"), _of_overlaps),
    **dict.fromkeys(("bbox", "segm", "lvis_bbox", "lvis"), _of_boxes),
    "keypoints": _of_poses,
    "panoptic": _of_segments,
    **dict.fromkeys(("semantic", "semantic_mmseg"), _of_classes),
    "depth": _of_depth,
    "salient": _of_saliency,
    "pckh": _of_joints,
}
"""Metric -> what draws its curves."""
