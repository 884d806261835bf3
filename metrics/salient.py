"""Salient objects: MAE, F-measure, E-measure, S-measure and weighted F-measure, as PySODMetrics computes them.

Protocol salient/1: target foreground is > 128; a prediction is divided by 255 and min-max normalised per image
(a constant map stays as it is). `f_max`, `f_mean`, `e_max`, `e_mean` belong to the mean curve of the dataset over
256 thresholds, not to single images. Sources: Achanta et al. 2009 (F), Perazzi et al. 2012 (MAE),
Fan et al. 2017 (S), Fan et al. 2018 (E), Margolin et al. 2014 (weighted F).
"""

from collections.abc import Iterable

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.errors import DataError
from metrics.salient_structure import structure, weighted_f

FOREGROUND_ABOVE = 128
"""Grey value of a target above which a pixel is foreground."""
THRESHOLDS = 256
BETA_SQUARE = 0.3
EPS = float(np.spacing(1))
SINGLE = ("mae", "s_measure", "wf", "f_adaptive", "e_adaptive")
F_CURVE = tuple(f"f/{i}" for i in range(THRESHOLDS))
E_CURVE = tuple(f"e/{i}" for i in range(THRESHOLDS))
ROW_KEYS = (*SINGLE, *F_CURVE, *E_CURVE)


def normalise(pred: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale a prediction to float64 [0, 1] by its own minimum and maximum, and make the target bool.

    Args:
        pred: uint8 [H, W].
        target: uint8 [H, W].

    Raises:
        DataError: shapes differ, there is no pixel, or a type is not uint8.
    """
    if pred.shape != target.shape or pred.ndim != 2 or not pred.size:
        raise DataError(f"pred is {pred.shape} but target is {target.shape}: both must be maps [H, W] of one size")
    if pred.dtype != np.uint8 or target.dtype != np.uint8:
        raise DataError(f"saliency maps must be uint8 (0..255), got {pred.dtype} and {target.dtype}")
    values = pred / 255
    low, high = values.min(), values.max()
    if high != low:
        values = (values - low) / (high - low)
    return values, target > FOREGROUND_ABOVE


def measure(pred: np.ndarray | None, target: np.ndarray) -> Row:
    """Score one saliency map.

    Args:
        pred: uint8 [H, W], 255 = surely salient; None when there is none (MAE 1, all else 0).
        target: uint8 [H, W], foreground above 128.

    Returns:
        `mae s_measure wf f_adaptive e_adaptive`, and the curves `f/0` … `f/255`, `e/0` … `e/255` over
        thresholds that fall from 255 to 0.
    """
    if pred is None:
        return {**dict.fromkeys(ROW_KEYS, 0.0), "mae": 1.0}
    values, mask = normalise(pred, target)
    threshold = min(2 * values.mean(), 1)
    binary = values >= threshold
    hit, chosen = np.array([np.count_nonzero(binary & mask)]), np.array([np.count_nonzero(binary)])
    hits, choices = _cumulative(values, mask)
    foreground = int(np.count_nonzero(mask))
    row: Row = {
        "mae": float(np.mean(np.abs(values - mask))),
        "s_measure": structure(values, mask),
        "wf": weighted_f(values, mask),
        "f_adaptive": float(f_measure(hit, chosen, foreground)[0]),
        "e_adaptive": float(e_measure(hit, chosen, foreground, mask.size)[0]),
    }
    row.update(zip(F_CURVE, f_measure(hits, choices, foreground).tolist(), strict=True))
    row.update(zip(E_CURVE, e_measure(hits, choices, foreground, mask.size).tolist(), strict=True))
    return row


def _cumulative(values: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count chosen pixels on the foreground, and all chosen ones, for thresholds 255 to 0: int [256] each."""
    levels = (values * 255).astype(np.uint8)
    on_foreground = np.bincount(levels[mask], minlength=THRESHOLDS)
    everywhere = np.bincount(levels.reshape(-1), minlength=THRESHOLDS)
    return np.cumsum(on_foreground[::-1]), np.cumsum(everywhere[::-1])


def f_measure(hit: np.ndarray, chosen: np.ndarray, foreground: int) -> np.ndarray:
    """F-measure with beta^2 = 0.3, 0 where nothing is hit.

    Args:
        hit: int [T], chosen pixels on the foreground.
        chosen: int [T], chosen pixels.
        foreground: pixels of the target.
    """
    precision = hit / np.maximum(chosen, 1)
    recall = hit / max(foreground, 1)
    above = (1 + BETA_SQUARE) * precision * recall
    return np.asarray(above / np.where(above == 0, 1, BETA_SQUARE * precision + recall))


def e_measure(hit: np.ndarray, chosen: np.ndarray, foreground: int, size: int) -> np.ndarray:
    """Enhanced alignment of two binary maps, from counts alone; divides by size - 1, so it can pass 1 a little.

    Args:
        hit: int [T], chosen pixels on the foreground.
        chosen: int [T], chosen pixels.
        foreground: pixels of the target.
        size: pixels of the image.
    """
    if foreground in (0, size):
        total = chosen if foreground else size - chosen
        return np.asarray(total / (size - 1 + EPS))
    pred_mean, target_mean = chosen / size, foreground / size
    total = np.zeros(len(chosen))
    for count, pred_is, target_is in (
        (hit, 1, 1),
        (chosen - hit, 1, 0),
        (foreground - hit, 0, 1),
        (size - chosen - foreground + hit, 0, 0),
    ):
        a, b = pred_is - pred_mean, target_is - target_mean
        alignment = 2 * a * b / (a**2 + b**2 + EPS)
        total += (alignment + 1) ** 2 / 4 * count
    return total / (size - 1 + EPS)


def aggregate(rows: Iterable[Row]) -> dict[str, float]:
    """Average rows, then take maximum and mean of the averaged curves. Rows are read once, in any order.

    Returns:
        `mae f_max f_mean f_adaptive wf s_measure e_max e_mean e_adaptive`; NaN without rows.
    """
    total, count = np.zeros(len(ROW_KEYS)), 0
    for row in rows:
        total += np.array([row[key] for key in ROW_KEYS])
        count += 1
    mean = total / count if count else total * np.nan
    scores = dict(zip(SINGLE, mean[: len(SINGLE)].tolist(), strict=True))
    for name, curve in zip(("f", "e"), np.split(mean[len(SINGLE) :], 2), strict=True):
        scores[f"{name}_max"], scores[f"{name}_mean"] = float(curve.max()), float(curve.mean())
    return scores


CARD = Card(
    definition=(
        "MAE mean |p - g|; F with beta^2 = 0.3 and E over 256 thresholds (maximum and mean of the dataset's mean "
        "curve) and at the adaptive threshold min(2 mean(p), 1); S = (object + region) / 2; weighted F with beta^2 = 1"
    ),
    source="PySODMetrics 1.6 (after the MATLAB toolboxes); Fan et al. 2017 and 2018, Margolin et al. 2014",
    edge_rules=(
        "target foreground is above 128; 128 itself is background",
        "predictions are min-max normalised per image; a constant map stays as it is",
        "the curve cuts trunc(255 p); the adaptive threshold is inclusive",
        "an all-black target gives F 0 and weighted F 0, S 1 - mean(p), E the share of background",
        "E divides by the number of pixels minus 1 and can pass 1 by that much",
        "a missing prediction has MAE 1 and 0 elsewhere, and is counted",
        "maps of another size are refused, not resized",
    ),
    keys={
        "mae": "mean absolute error (lower is better)",
        "f_max": "maximum of the dataset's mean F curve",
        "f_mean": "mean of the dataset's mean F curve",
        "f_adaptive": "F at the adaptive threshold, mean over images",
        "wf": "weighted F, mean over images",
        "s_measure": "structure measure, mean over images",
        "e_max": "maximum of the dataset's mean E curve",
        "e_mean": "mean of the dataset's mean E curve",
        "e_adaptive": "E at the adaptive threshold, mean over images",
    },
    # the lowest threshold chooses every pixel, so no answer has a whole mean curve; E passes 1 a little
    bounds={"mae": (1.0, 0.0)} | dict.fromkeys(("f_mean", "e_max", "e_mean", "e_adaptive"), (0.0, None)),
)
SALIENT = Metric(
    name="salient", kind="salient", protocol="salient/1", aggregate=aggregate, headline="s_measure", card=CARD
)
METRICS = [SALIENT]
