"""The MPII table of PCKh: joints weighted by how often they are visible, pelvis and thorax left out.

MPII counts pixels from 1, so one pixel is added to every answer. mmpose overwrites a head size of 0 with a million
pixels while it computes its first threshold, so that from the second threshold on all joints of such a person are
right. `zero_head="official"` keeps that, "fixed" leaves the person out everywhere. Source: mmpose 1.x
`MpiiPCKAccuracy` and `_calc_distances`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.errors import DataError
from metrics.pck_files import Poses
from metrics.pck_joints import Table, distances, per_joint

ZeroHead = Literal["official", "fixed"]

JOINTS = 16
THRESHOLDS = (0.5, 0.1)
"""Of a head size, in the order in which mmpose computes them."""
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
    if poses.head_px is None or poses.visible.shape[1] != JOINTS:
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


def measure(found_xy: np.ndarray | None, true_xy: np.ndarray, visible: np.ndarray, head_px: float) -> Row:
    """Lay out one person.

    Args:
        found_xy: float [16, 2] pixels counted from 0, None when there is no answer.
        true_xy: float [16, 2] pixels counted from 1, as MPII counts.
        visible: bool [16], joints to compare.
        head_px: head size.

    Returns:
        `true` and `found` (x and y of every joint in turn; without an answer there is no `found`), `visible`, `head`.
    """
    row: Row = {"true": true_xy.ravel().tolist(), "visible": visible.astype(int).tolist(), "head": float(head_px)}
    return row if found_xy is None else {**row, "found": found_xy.ravel().tolist()}


def aggregate(rows: Sequence[Row], zero_head: ZeroHead = "official") -> dict[str, float]:
    """Turn rows of persons, in any order, into the MPII table; NaN where a joint is never visible."""
    overall, parts = table(poses_of(rows), THRESHOLDS, zero_head)
    first = f"pckh@{THRESHOLDS[0]:g}"
    found = {**overall, **{part: values[first] for part, values in parts.items()}}
    return {key: np.nan if value is None else value for key, value in found.items()}


def poses_of(rows: Sequence[Row]) -> Poses:
    """Put the rows of persons together again."""
    nowhere = [np.nan] * (2 * JOINTS)
    return Poses(
        true_xy=np.array([row["true"] for row in rows], dtype=np.float64).reshape(-1, JOINTS, 2),
        found_xy=np.array([row.get("found", nowhere) for row in rows], dtype=np.float64).reshape(-1, JOINTS, 2),
        visible=np.array([row["visible"] for row in rows], dtype=bool).reshape(-1, JOINTS),
        box_px=None,
        head_px=np.array([row["head"] for row in rows], dtype=np.float64),
        names=(),
    )


def metric(zero_head: ZeroHead = "official") -> Metric:
    """Build PCKh with a rule for persons of head size 0, which MPII's validation split has none of."""
    return Metric(
        name="pckh",
        kind="keypoints",
        protocol="pck-mpii/1" + ("" if zero_head == "official" else f" zero_head={zero_head}"),
        aggregate=partial(aggregate, zero_head=zero_head),
        headline="pckh@0.5",
        card=CARD,
        additive=False,
    )


CARD = Card(
    definition="Share of joints closer to the truth than a fraction of the head size, each joint weighted by how often "
    "it is visible; pelvis and thorax left out",
    source="mmpose 1.x MpiiPCKAccuracy; Andriluka et al., 2D Human Pose Estimation: New Benchmark and State of the Art "
    "Analysis, CVPR 2014",
    edge_rules=(
        "a missing pose has all joints wrong; joints that are not annotated are left out",
        "a joint is right below the threshold, strictly; HRNet's MPII code counts equality too",
        "one pixel is added to answers: MPII counts pixels from 1",
        "head size is 0.6 times the diagonal of the head box",
        "a body part whose joint is never visible is None (mmpose averages in a -1)",
        "at 0.1, mmpose takes persons of head size 0 as all right; zero_head=fixed leaves them out",
    ),
    keys={
        "pckh@T": "joints within T of the head size",
        **{part: f"PCKh@0.5 of {part}" + ("" if part == "head" else ", mean of both sides") for part in PARTS},
    },
)

PCKH = metric()
METRICS = [PCKH]
