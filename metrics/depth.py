"""Monocular depth: AbsRel, SqRel, RMSE, RMSElog, log10, SILog and delta accuracies, per image, then averaged.

Protocol depth/1 plus the choices of `metrics.depth_protocols`. SILog is not one metric: `silog` follows the
protocol (its lambda and scale are in the protocol's text), `silog_l1_x100` and `silog_l0.5` are always given.
Means are over images, never over pooled pixels. Source of formulas: Eigen et al., NIPS 2014, as the evaluation
code of BTS, ZoeDepth, Depth Anything V2, monodepth2 and Marigold computes them.
"""

import math
from collections.abc import Sequence

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.depth_protocols import DepthProtocol
from metrics.errors import DataError

ERRORS = ("abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog", "silog_l1_x100", "silog_l0.5", "i_rmse")
DELTAS = ("delta1", "delta2", "delta3")
WORST = {"abs_rel": 1.0, "delta1": 0.0, "delta2": 0.0, "delta3": 0.0}


def errors(pred: np.ndarray, target: np.ndarray, silog: tuple[float, float] = (1.0, 100.0)) -> dict[str, float]:
    """Compare depths pixel by pixel.

    Args:
        pred: float [N], metres. A value that is not finite and positive makes the errors NaN or infinite.
        target: float [N], metres, above 0.
        silog: lambda and scale of the key `silog`.

    Returns:
        The keys of ERRORS and DELTAS. `silog` = scale * sqrt(mean e^2 - lambda (mean e)^2), e = ln pred - ln target.
    """
    with np.errstate(all="ignore"):
        diff, ratio = pred - target, pred / target
        log_diff = np.log(ratio)
        worse = np.maximum(ratio, 1 / ratio)
        square, mean = float(np.mean(log_diff**2)), float(np.mean(log_diff))
        scores = {
            "abs_rel": float(np.mean(np.abs(diff) / target)),
            "sq_rel": float(np.mean(diff**2 / target)),
            "rmse": math.sqrt(float(np.mean(diff**2))),
            "rmse_log": math.sqrt(square),
            "log10": float(np.mean(np.abs(log_diff))) / math.log(10),
            "silog": _silog(square, mean, *silog),
            "silog_l1_x100": _silog(square, mean, 1.0, 100.0),
            "silog_l0.5": _silog(square, mean, 0.5, 1.0),
            "i_rmse": math.sqrt(float(np.mean((1 / pred - 1 / target) ** 2))),
        }
        for power, key in enumerate(DELTAS, start=1):
            scores[key] = float(np.count_nonzero(worse < 1.25**power)) / len(target)
    return scores


def _silog(square: float, mean: float, weight: float, scale: float) -> float:
    variance = square - weight * mean**2
    # A perfect prediction leaves a variance of minus one rounding error.
    return scale * math.sqrt(variance) if variance > 0 else variance * 0.0


def measure(pred: np.ndarray | None, target: np.ndarray, protocol: DepthProtocol) -> Row:
    """Score one predicted depth map.

    Args:
        pred: float [h, w], metres (for `align=lstsq_disparity`: disparity in any unit); None when there is none.
        target: float [H, W], metres; 0 or less and NaN mean no reading.
        protocol: which pixels count and how the prediction is prepared.

    Returns:
        `valid_px`, and `eligible` (0 when too few pixels are valid: such an image is left out); for eligible images
        `answered` (0 when there is no prediction or its errors are not finite), `replaced_px` (scored pixels that
        were not finite and were capped) and, when answered, the keys of ERRORS and DELTAS.

    Raises:
        DataError: an array is not 2-D or empty, or the protocol does not resize and sizes differ.
    """
    for name, array in (("target", target), ("prediction", pred)):
        if array is not None and (array.ndim != 2 or not array.size):
            raise DataError(f"the {name} must be a map [H, W] with at least one pixel, got {array.shape}")
    valid = protocol.valid(target)
    row: Row = {"valid_px": int(np.count_nonzero(valid))}
    row["eligible"] = int(row["valid_px"] >= max(protocol.min_valid, 1))
    if not row["eligible"]:
        return row
    row["answered"] = 0
    if pred is None:
        return row
    full = protocol.prepare(pred, target, valid)
    scores = errors(full[valid], target[valid].astype(np.float64), (protocol.silog_lambda, protocol.silog_scale))
    row["replaced_px"] = _replaced(pred, target.shape, valid)
    if all(map(math.isfinite, scores.values())):
        row["answered"] = 1
        row.update(scores)
    return row


def _replaced(pred: np.ndarray, size_hw: tuple[int, ...], valid: np.ndarray) -> int:
    """Count pixels that are not finite: scored ones when sizes agree, else those of the file."""
    broken = ~np.isfinite(pred)
    return int(np.count_nonzero(broken & valid if pred.shape == tuple(size_hw) else broken))


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Average over the images that have a usable prediction, and say how many that is.

    Returns:
        The keys of ERRORS and DELTAS; `coverage`, the share of eligible images that were answered; and
        `abs_rel_penalised`, `delta1_penalised` … over all eligible images, an unanswered one being the worst
        (AbsRel 1, delta 0). NaN without any eligible (answered) image.
    """
    eligible = [row for row in rows if row["eligible"]]
    answered = [row for row in eligible if row["answered"]]
    scores = {key: _mean([row[key] for row in answered]) for key in (*ERRORS, *DELTAS)}
    scores["coverage"] = len(answered) / len(eligible) if eligible else math.nan
    for key, worst in WORST.items():
        scores[f"{key}_penalised"] = _mean([row.get(key, worst) for row in eligible])
    return scores


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


CARD = Card(
    definition=(
        "per image over valid pixels, then the mean over images: AbsRel mean |p-g|/g; SqRel mean (p-g)^2/g; RMSE; "
        "RMSElog (natural logarithm); log10 mean |log10 p - log10 g|; delta_k share of max(p/g, g/p) < 1.25^k; "
        "SILog scale*sqrt(mean e^2 - lambda (mean e)^2), e = ln p - ln g"
    ),
    source=(
        "Eigen et al., NIPS 2014; ZoeDepth utils/misc.py, Depth-Anything-V2 metric_depth/util/metric.py, "
        "monodepth2 evaluate_depth.py, Marigold src/util/metric.py and alignment.py"
    ),
    edge_rules=(
        "the protocol names cap, bounds, crop, resizing, alignment, clamping and the lambda and scale of silog",
        "delta uses a strict <; SqRel divides by g, not by g squared",
        "images with too few valid target pixels are left out and counted",
        "a missing prediction is left out of the plain means, lowers coverage, and counts as AbsRel 1 and delta 0 "
        "in the penalised means",
        "where the protocol clamps, infinity becomes the upper cap and NaN the lower one; where it does not, a "
        "prediction whose errors are not finite is malformed and treated as missing",
        "metric depth and aligned depth never share a column: the protocol text differs",
    ),
    keys={
        "abs_rel": "mean relative error (lower is better)",
        "sq_rel": "mean squared error over depth, metres (lower)",
        "rmse": "root mean squared error, metres (lower)",
        "rmse_log": "root mean squared error of natural logarithms (lower)",
        "log10": "mean error of decimal logarithms (lower)",
        "silog": "scale-invariant log error of the protocol (lower)",
        "silog_l1_x100": "scale-invariant log error, lambda 1, times 100: BTS, ZoeDepth, Marigold (lower)",
        "silog_l0.5": "scale-invariant log error, lambda 0.5, not scaled: Depth Anything V2 (lower)",
        "i_rmse": "root mean squared error of inverse depth, 1/metres (lower)",
        "delta1": "share of pixels within a factor of 1.25 (higher)",
        "delta2": "share within 1.25^2 (higher)",
        "delta3": "share within 1.25^3 (higher)",
        "coverage": "share of images that have a usable prediction",
        "abs_rel_penalised": "abs_rel over all images, 1 where there is no usable prediction (lower)",
        "delta1_penalised": "delta1 over all images, 0 where there is no usable prediction (higher)",
        "delta2_penalised": "delta2 likewise",
        "delta3_penalised": "delta3 likewise",
    },
    bounds={**dict.fromkeys(ERRORS, (None, 0.0)), "abs_rel_penalised": (WORST["abs_rel"], 0.0)},
    units={
        "sq_rel": "metres",
        "rmse": "metres",
        "rmse_log": "log",
        "log10": "log10",
        "silog": "log",
        "silog_l1_x100": "log x 100",
        "silog_l0.5": "log",
        "i_rmse": "1/metres",
    },
)
DEPTH = Metric(
    name="depth", kind="depth", protocol="depth/1", aggregate=aggregate, headline="delta1_penalised", card=CARD
)
METRICS = [DEPTH]
