"""The two saliency measures that look at where errors lie: S-measure and weighted F-measure."""

import numpy as np

EPS = float(np.spacing(1))
ALPHA = 0.5


def structure(pred: np.ndarray, target: np.ndarray) -> float:
    """S-measure: half object-aware, half region-aware similarity; not below 0. Fan et al., ICCV 2017.

    Args:
        pred: float64 [H, W] in [0, 1].
        target: bool [H, W].
    """
    share = target.mean()
    if share == 0:
        return float(1 - pred.mean())
    if share == 1:
        return float(pred.mean())
    objects = share * _object(pred[target]) + (1 - share) * _object(1 - pred[~target])
    return float(max(0.0, ALPHA * objects + (1 - ALPHA) * _regions(pred, target)))


def _object(values: np.ndarray) -> float:
    mean = values.mean()
    spread = values.std(ddof=1) if values.size > 1 else 0.0
    return float(2 * mean / (mean**2 + 1 + spread + EPS))


def _regions(pred: np.ndarray, target: np.ndarray) -> float:
    """Similarity of the four parts that meet at the target's centroid, weighted by area.

    The centroid is rounded and moved by one, as MATLAB's inclusive ranges do.
    """
    height, width = target.shape
    row, column = (int(c) + 1 for c in np.argwhere(target).mean(axis=0).round())
    total = 0.0
    for rows in (slice(0, row), slice(row, height)):
        for columns in (slice(0, column), slice(column, width)):
            part = pred[rows, columns]
            if part.size:
                total += part.size / target.size * _similarity(part, target[rows, columns])
    return total


def _similarity(pred: np.ndarray, target: np.ndarray) -> float:
    """Structural similarity of two patches from means, variances and covariance."""
    x, y = pred.mean(), target.mean()
    dx, dy, free = pred - x, target - y, pred.size - 1 + EPS
    above = 4 * x * y * (dx * dy).sum() / free
    below = (x**2 + y**2) * ((dx**2).sum() + (dy**2).sum()) / free
    if above != 0:
        return float(above / (below + EPS))
    return 1.0 if below == 0 else 0.0


def weighted_f(pred: np.ndarray, target: np.ndarray) -> float:
    """Weighted F-measure, beta^2 = 1: errors near the object weigh less, blurred edges too. Margolin et al., CVPR 2014.

    Args:
        pred: float64 [H, W] in [0, 1].
        target: bool [H, W]; without foreground the score is 0.
    """
    if not target.any():
        return 0.0
    from scipy.ndimage import correlate1d, distance_transform_edt

    distance, nearest = distance_transform_edt(~target, return_indices=True)
    error = np.abs(pred - target)
    # Background pixels take the error of the nearest object pixel, so that the blur does not leak across the edge.
    blurred = error[nearest[0], nearest[1]]
    for axis in (0, 1):
        blurred = correlate1d(blurred, _gauss(), axis=axis, mode="constant", cval=0)
    least = np.where(target & (blurred < error), blurred, error)
    weighted = least * np.where(target, 1.0, 2 - np.exp(np.log(0.5) / 5 * distance))
    on_object = weighted[target]
    hit = on_object.size - on_object.sum()
    recall = 1 - on_object.mean()
    precision = hit / (hit + weighted[~target].sum() + EPS)
    return float(2 * recall * precision / (recall + precision + EPS))


def _gauss() -> np.ndarray:
    """One side of the separable 7 x 7 Gaussian with sigma 5 that MATLAB's fspecial gives."""
    side = np.exp(-(np.arange(-3, 4) ** 2) / 50)
    return np.asarray(side / side.sum())
