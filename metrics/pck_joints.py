"""Distances between found and annotated joints, and the share of persons whose joint is right."""

import numpy as np

Table = dict[str, dict[str, float | None]]


def distances(found_xy: np.ndarray, true_xy: np.ndarray, visible: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Compute normalised distances in the precision of the input.

    Args:
        found_xy: float [N, K, 2] pixels; NaN for a pose that was not answered.
        true_xy: float [N, K, 2] pixels.
        visible: bool [N, K], joints to compare.
        length: float [N] pixels; a person of length 0 is left out.

    Returns:
        float [N, K]; NaN where nothing is compared, infinity where the pose was not answered.
    """
    usable = visible & (length > 0)[:, None]
    scale = np.where(length > 0, length, 1).astype(found_xy.dtype)
    apart = np.linalg.norm((found_xy - true_xy) / scale[:, None, None], axis=2)
    apart[np.isnan(apart)] = np.inf
    return np.where(usable, apart, np.nan)


def per_joint(apart: np.ndarray, threshold: float) -> np.ndarray:
    """Return the share of persons whose joint is closer than a threshold.

    Args:
        apart: float [N, K] as `distances` returns it.
        threshold: strict upper limit.

    Returns:
        float [K], NaN for joints that are never compared.
    """
    compared = (~np.isnan(apart)).sum(axis=0)
    right = (apart < threshold).sum(axis=0)
    shares: np.ndarray = np.divide(right, compared, out=np.full(len(right), np.nan), where=compared > 0)
    return shares
