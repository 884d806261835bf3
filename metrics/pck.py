"""Percentage of correct keypoints: PCK (by box), PCKh (by head), tPCK (by torso), AUC, EPE and NME.

A joint is right when its distance to the truth, divided by a length of the person, is below a threshold (strictly).
Ratios are taken per joint over all persons, then averaged over joints; a pose that was not answered has all joints
wrong. Formulas: mmpose 1.x `keypoint_eval` and `MpiiPCKAccuracy`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metrics.base import Card, Metric, Row, Scorer, ScoreReport
from metrics.errors import DataError
from metrics.options import choice, floats
from metrics.pck_files import Poses, read_pck
from metrics.pck_joints import Table, distances, per_joint
from metrics.pck_mpii import THRESHOLDS as MPII_THRESHOLDS
from metrics.pck_mpii import ZeroHead
from metrics.pck_mpii import table as mpii_table

BOX_THRESHOLDS, HEAD_THRESHOLDS, TORSO_THRESHOLDS = (0.05, 0.1, 0.2), (0.5,), (0.2,)
AUC_PX, AUC_STEPS = 30.0, 20
LENGTHS = ("px", "box", "head", "torso")
NAMES = {"box": "pck", "head": "pckh", "torso": "tpck"}
NO_POSE = -1.0
"""Distance that a row stores for a joint of a pose that was not answered: infinity has no place in JSON."""


def measure(found_xy: np.ndarray | None, true_xy: np.ndarray, visible: np.ndarray, lengths: Mapping[str, float]) -> Row:
    """Measure one person.

    Args:
        found_xy: float [K, 2] pixels, None when there is no answer.
        true_xy: float [K, 2] pixels.
        visible: bool [K].
        lengths: pixels of "box" (longer side), "head", "torso", whichever are known.

    Returns:
        "<length>/<joint>" -> distance of every compared joint, -1 where there is no answer; "px" is in pixels.
    """
    found = np.full(true_xy.shape, np.nan) if found_xy is None else found_xy
    row: Row = {"joints": len(visible)}
    for name, length in {"px": 1.0, **lengths}.items():
        apart = distances(found[None], true_xy[None], visible[None], np.array([length]))[0]
        for joint in np.flatnonzero(~np.isnan(apart)).tolist():
            row[f"{name}/{joint}"] = float(apart[joint]) if np.isfinite(apart[joint]) else NO_POSE
    return row


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows of persons, in any order, into scores at the default thresholds; undefined scores are absent.

    Raises:
        ValueError: rows have different numbers of joints.
    """
    joints = {int(row["joints"]) for row in rows}
    if len(joints) != 1:
        raise ValueError(f"rows of one metric need one number of joints, got {sorted(joints)}")
    apart = {name: np.full((len(rows), *joints), np.nan) for name in LENGTHS}
    for place, row in enumerate(rows):
        for key, value in row.items():
            name, _, joint = key.partition("/")
            if joint:
                apart[name][place, int(joint)] = np.inf if value == NO_POSE else value
    known = {name: values for name, values in apart.items() if not np.isnan(values).all()}
    return {key: value for key, value in scores(known, Thresholds()).items() if value is not None}


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of each length, as fractions of it."""

    box: tuple[float, ...] = BOX_THRESHOLDS
    head: tuple[float, ...] = HEAD_THRESHOLDS
    torso: tuple[float, ...] = TORSO_THRESHOLDS


def scores(apart: Mapping[str, np.ndarray], thresholds: Thresholds) -> dict[str, float | None]:
    """Compute every score from normalised distances.

    Args:
        apart: "px", "box", "head", "torso" -> float [N, K] as `distances` returns them.
        thresholds: where PCK is read.
    """
    result: dict[str, float | None] = {}
    for name, label in NAMES.items():
        for threshold in getattr(thresholds, name) if name in apart else ():
            result[f"{label}@{threshold:g}"] = _mean(per_joint(apart[name], threshold))
    if "px" in apart:
        steps = [_mean(per_joint(apart["px"] / AUC_PX, step / AUC_STEPS)) for step in range(AUC_STEPS)]
        result["auc"] = sum(step for step in steps if step is not None) / AUC_STEPS if None not in steps else None
        result["epe"] = _mean(apart["px"])
    if "box" in apart:
        result["nme"] = _mean(apart["box"])
    return result


def _mean(values: np.ndarray) -> float | None:
    """Average what is defined; None where nothing is, or where a missing answer makes the mean infinite."""
    # Joint by joint, as mmpose sums: in float32 the order shows in the last digit.
    defined = values.T[~np.isnan(values.T)]
    return float(defined.mean()) if len(defined) and np.isfinite(defined).all() else None


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score poses against annotated ones, person by person.

    Raises:
        DataError: a file breaks its format or an option cannot be used.
    """
    style = choice(options, "style", ("mmpose", "mpii"), "mmpose")
    poses = read_pck(targets, predictions)
    if style == "mpii":
        zero_head: ZeroHead = choice(options, "zero_head", ("official", "fixed"), "official")
        metrics, table = mpii_table(poses, floats(options, "head_thresholds", MPII_THRESHOLDS), zero_head)
    else:
        thresholds = Thresholds(
            floats(options, "thresholds", BOX_THRESHOLDS),
            floats(options, "head_thresholds", HEAD_THRESHOLDS),
            floats(options, "torso_thresholds", TORSO_THRESHOLDS),
        )
        apart = _apart(poses, _torso(options, poses))
        metrics, table = scores(apart, thresholds), _joints(poses, apart, thresholds)
    changed = "".join(f" {name}={options[name]}" for name in OPTIONS if name in options and name != "style")
    return ScoreReport(
        metric="pck",
        protocol=f"pck-{style}/1{changed}",
        n=len(poses.visible),
        missing=int(poses.missing.sum()),
        malformed=0,
        metrics=metrics,
        per_class=table,
        notes=_notes(poses),
    )


def _notes(poses: Poses) -> tuple[str, ...]:
    lines = []
    if poses.missing.any():
        lines.append("epe and nme are undefined while poses are missing")
    for name, length in (("box", poses.box_px), ("head", poses.head_px)):
        zeros = 0 if length is None else int((length <= 0).sum())
        if zeros:
            lines.append(f"{zeros} persons have a {name} of size 0 and are left out of its scores (mpii: zero_head)")
    return tuple(lines)


def _apart(poses: Poses, torso: np.ndarray | None) -> dict[str, np.ndarray]:
    """Compute the distances over every known length."""
    lengths = {"px": np.ones(len(poses.visible)), "box": poses.box_px, "head": poses.head_px, "torso": torso}
    return {
        name: distances(poses.found_xy, poses.true_xy, poses.visible, length)
        for name, length in lengths.items()
        if length is not None
    }


def _torso(options: Mapping[str, str], poses: Poses) -> np.ndarray | None:
    """Measure the torso between two joints; below one pixel, the found torso is taken, as for JHMDB."""
    if "torso_joints" not in options:
        return None
    joints = options["torso_joints"].split(",")
    count = poses.visible.shape[1]
    if len(joints) != 2 or not all(joint.strip().isdecimal() and int(joint) < count for joint in joints):
        raise DataError(
            f"option torso_joints={options['torso_joints']} must be two joint numbers below {count}, as 4,5"
        )
    first, second = map(int, joints)
    true = np.linalg.norm(poses.true_xy[:, first] - poses.true_xy[:, second], axis=1)
    found = np.nan_to_num(np.linalg.norm(poses.found_xy[:, first] - poses.found_xy[:, second], axis=1))
    torso: np.ndarray = np.where(true < 1, found, true)
    return torso


def _joints(poses: Poses, apart: Mapping[str, np.ndarray], thresholds: Thresholds) -> Table:
    """List the PCK of every joint."""
    table: Table = {name: {} for name in poses.names}
    for name, label in NAMES.items():
        for threshold in getattr(thresholds, name) if name in apart else ():
            for joint, value in zip(poses.names, per_joint(apart[name], threshold).tolist(), strict=True):
                table[joint][f"{label}@{threshold:g}"] = None if np.isnan(value) else value
    return table


CARD = Card(
    definition="Share of joints closer to the truth than a fraction of a length of the person: longer box side (pck), "
    "head size (pckh) or torso (tpck), averaged over joints",
    source="mmpose 1.x keypoint_eval.py, MpiiPCKAccuracy, JhmdbPCKAccuracy; Yang and Ramanan, PAMI 2013; Andriluka et "
    "al., MPII Human Pose, CVPR 2014",
    edge_rules=(
        "n is the number of persons; a missing pose has all joints wrong (distance infinity) and is counted",
        "a joint is right below the threshold, strictly; HRNet's MPII code counts equality too",
        "ratios per joint over persons, then the mean over joints; joints that are never visible are left out",
        "a person whose length is 0 is left out of that length's scores; invisible joints are left out",
        "style=mpii: one pixel is added to answers, pelvis and thorax are left out, joints weigh by visible count; a "
        "body part whose joint is never visible is None (mmpose averages in a -1)",
        "style=mpii: from the second threshold on mmpose takes persons of head size 0 as all right; zero_head=fixed "
        "leaves them out",
        "auc: mean PCK at the 20 thresholds 0, 1.5, …, 28.5 pixels; epe and nme are None while poses are missing",
        "head size of MPII is 0.6 times the diagonal of the head box; it is read, not computed",
    ),
    keys={
        "pck@T": "joints within T of the longer box side",
        "pckh@T": "joints within T of the head size",
        "tpck@T": "joints within T of the torso",
        "auc": "area under PCK from 0 to 30 pixels",
        "epe": "mean distance in pixels (lower is better)",
        "nme": "mean distance over the longer box side (lower is better)",
    },
    bounds={"epe": (None, 0.0), "nme": (None, 0.0)},
    units={"epe": "pixels"},
)

OPTIONS = {
    "thresholds": "of pck, comma separated (default: 0.05,0.1,0.2)",
    "head_thresholds": "of pckh, comma separated (default: 0.5; with style=mpii: 0.5,0.1)",
    "torso_thresholds": "of tpck, comma separated (default: 0.2)",
    "torso_joints": "numbers of the two joints that span the torso, as 4,5; without it no tpck",
    "style": "mmpose (default) or mpii: the weights and shift of the MPII table",
    "zero_head": "official (default) or fixed: what style=mpii does with persons of head size 0",
}

PCK = Metric(name="pck", kind="keypoints", protocol="pck-mmpose/1", aggregate=aggregate, headline="pck@0.2", card=CARD)
METRICS = [PCK]

SCORERS = [
    Scorer(
        name="pck",
        score=score,
        targets="npz: gt [N,K,2], visible [N,K] and bbox_xyxy [N,4] or head_size [N]; or COCO person_keypoints JSON",
        predictions="npz: pred [N,K,2], NaN for a missing pose; or JSON [{annotation_id, keypoints: [x, y, v, …]}, …]",
        card=CARD,
        options=OPTIONS,
    )
]
