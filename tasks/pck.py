"""Pose of one person that is asked about, by PCKh as on MPII: joints within half a head size of the truth.

The first pose of an answer counts: (x, y, score) of all joints in the benchmark's order, pixels counted from 0. No
pose, or one with another number of joints, has all joints wrong. Scores are not read. The box that is asked by comes
from the annotated centre and scale (`boxes: annotated`), as in published figures.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.errors import DataError
from benchmarks.files import read_bytes
from benchmarks.mpii import JOINTS, PoseTarget, load_mat
from benchmarks.schema import Group, Instance, Prediction, Sample
from metrics import pck_mpii
from metrics.base import Row
from metrics.pck_mpii import PCKH, ZeroHead
from tasks import protocol
from tasks.base import TaskKind, answer

FORMATS = "HRNet's results: a folder that holds pred.mat with preds [N, 16, 2], pixels counted from 1, NaN for no pose"


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the first pose with the truth; no answer has all joints wrong."""
    target = sample.truth(PoseTarget)
    groups = prediction.groups if prediction.status == "ok" else ()
    poses = [each.keypoints for group in groups for each in group.instances if each.keypoints is not None]
    found = np.array(poses[0])[:, :2] if poses and len(poses[0]) == len(JOINTS) else None
    truth = np.array(target.joints_xy), np.array(target.visible)
    return {PCKH.name: pck_mpii.measure(found, *truth, target.head_px)}


def perfect(sample: Sample) -> Prediction:
    """Answer the annotated joints, counted from 0."""
    joints = tuple((x - 1, y - 1, 1.0) for x, y in sample.truth(PoseTarget).joints_xy)
    return answer(sample, [Group("person", "keypoint", (Instance(score=1.0, keypoints=joints),))])


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read a folder with HRNet's pred.mat, its rows in the order of the samples.

    Raises:
        DataError: there is no such file, or it does not hold one pose per sample.
    """
    file = path / "pred.mat"
    if not path.is_dir() or not file.is_file():
        raise DataError(f"{path} must be a folder with pred.mat: write preds [N, 16, 2] there by scipy.io.savemat")
    poses = load_mat(read_bytes(file), file, ("preds",))["preds"]
    wanted = (len(samples), len(JOINTS), 2)
    if poses.shape != wanted or poses.dtype.kind not in "iuf":
        raise DataError(f"{file}: preds is {poses.dtype} {poses.shape}, not numbers {wanted}: one pose per person")
    absent = np.isnan(poses).all(axis=(1, 2))
    if not np.isfinite(poses[~absent]).all():
        bad = int(np.argmin(np.isfinite(poses).all(axis=(1, 2)) | absent))
        raise DataError(f"{file}: pose {bad} holds a number that is not finite: correct it, or make all of it NaN")
    return {
        sample.id: _filed(sample, pose)
        for sample, pose, none in zip(samples, poses.astype(float) - 1, absent, strict=True)
        if not none
    }


def _filed(sample: Sample, pose: np.ndarray) -> Prediction:
    joints = tuple((x, y, 1.0) for x, y in pose.tolist())
    return answer(sample, [Group("person", "keypoint", (Instance(keypoints=joints),))])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Follow `zero_head` (official or fixed), see `metrics.pck_mpii`; `boxes` is for reading.

    Raises:
        UnknownName: no such option.
        ConfigError: a value that cannot be used.
    """
    protocol.only(options, ("zero_head", "boxes"))
    protocol.choice(options, "boxes", ("annotated",), "annotated")
    fixed = protocol.choice(options, "zero_head", ("official", "fixed"), "official") == "fixed"
    return _kind("fixed" if fixed else "official")


def _kind(zero_head: ZeroHead) -> TaskKind:
    return TaskKind(
        name="pck",
        wants="keypoint",
        metrics=(pck_mpii.metric(zero_head),),
        measure=measure,
        perfect=perfect,
        configure=configure,
        official=official,
        formats=FORMATS,
    )


KINDS = [_kind("official")]
