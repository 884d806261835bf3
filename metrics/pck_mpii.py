"""The MPII table of PCKh: joints weighted by how often they are visible, pelvis and thorax left out.

MPII counts pixels from 1, so one pixel is added to every answer. mmpose overwrites a head size of 0 with a million
pixels while it computes its first threshold, so that from the second threshold on all joints of such a person are
right. `zero_head="official"` keeps that, "fixed" leaves the person out everywhere. Source: mmpose 1.x
`MpiiPCKAccuracy` and `_calc_distances`.
"""

from typing import Literal

import numpy as np

from metrics.errors import DataError
from metrics.pck_files import Poses
from metrics.pck_joints import Table, distances, per_joint

ZeroHead = Literal["official", "fixed"]

SHIFT_PX = 1
OMITTED = (6, 7)
OVERWRITTEN_PX = 1e6
PARTS = {
    "head": (9,), "shoulder": (13, 12), "elbow": (14, 11), "wrist": (15, 10), "hip": (3, 2), "knee": (4, 1),
    "ankle": (5, 0),
}  # fmt: skip


def weighted(apart: np.ndarray, visible: np.ndarray, threshold: float) -> float | None:
    """Average PCKh over joints, each weighted by its visible count.

    Args:
        apart: float [N, 16], distances over head sizes; NaN where nothing is compared.
        visible: bool [N, 16]; persons without a head size weigh too.
        threshold: in head sizes.

    Returns:
        A fraction, or None where a joint that weighs is never compared.
    """
    counts = visible.sum(axis=0)
    kept = np.setdiff1d(np.flatnonzero(counts), OMITTED)
    values, weights = per_joint(apart, threshold)[kept], counts[kept]
    return float(np.sum(values * (weights / weights.sum()))) if len(kept) and not np.isnan(values).any() else None


def table(poses: Poses, thresholds: tuple[float, ...], zero_head: ZeroHead) -> tuple[dict[str, float | None], Table]:
    """Compute the MPII table.

    Args:
        poses: 16 joints in MPII order with head sizes.
        thresholds: in head sizes, in the order in which they are computed.
        zero_head: what happens to persons of head size 0 after the first threshold.

    Returns:
        Key -> weighted PCKh, and body part -> {key: PCKh}; a part with a side that is never visible is None.

    Raises:
        DataError: another number of joints, or no head sizes.
    """
    if poses.head_px is None or poses.visible.shape[1] != 16:
        raise DataError("style=mpii needs 16 joints and a head_size for every person: add them or drop the option")
    found = poses.found_xy + np.asarray(SHIFT_PX, dtype=poses.found_xy.dtype)
    length = poses.head_px
    scores: dict[str, float | None] = {}
    parts: Table = {part: {} for part in PARTS}
    for threshold in thresholds:
        apart = distances(found, poses.true_xy, poses.visible, length)
        key = f"pckh@{threshold:g}"
        scores[key] = weighted(apart, poses.visible, threshold)
        values = per_joint(apart, threshold)
        for part, joints in PARTS.items():
            mean = float(values[list(joints)].mean())
            parts[part][key] = None if np.isnan(mean) else mean
        if zero_head == "official":
            length = np.where(length > 0, length, OVERWRITTEN_PX)
    return scores, parts
