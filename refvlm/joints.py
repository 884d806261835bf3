"""Sets of joints by name: how many, in which order, and how exactly people agree on each.

The spread of COCO's joints is that of its keypoint challenge (pycocotools, `Params.kpt_oks_sigmas`). MPII is compared
by PCKh and has no official spread: each of its joints takes that of the COCO joint at, or nearest to, its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks import mpii
from benchmarks.errors import unknown

COCO = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
_COCO_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
)  # fmt: skip
_NEAREST = {"pelvis": "left_hip", "thorax": "left_shoulder", "upper_neck": "left_shoulder", "head_top": "left_ear"}
"""COCO's joint nearest to those of MPII that it lacks."""


@dataclass(frozen=True)
class JointSet:
    """Joints of one benchmark.

    Attributes:
        names: in the order of annotations and answers.
        sigmas: spread of each as a share of the square root of a person's area.
    """

    names: tuple[str, ...]
    sigmas: tuple[float, ...]


def _mpii_sigmas() -> tuple[float, ...]:
    by_name = dict(zip(COCO, _COCO_SIGMAS, strict=True))
    return tuple(by_name[_NEAREST.get(name, name)] for name in mpii.JOINTS)


JOINT_SETS: Mapping[str, JointSet] = {
    "coco": JointSet(COCO, _COCO_SIGMAS),
    "mpii": JointSet(mpii.JOINTS, _mpii_sigmas()),
}


def joint_set(name: str) -> JointSet:
    """Find a set of joints.

    Raises:
        UnknownName: there is none of that name.
    """
    if name not in JOINT_SETS:
        raise unknown("set of joints", name, JOINT_SETS)
    return JOINT_SETS[name]


def wanted_set(names: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Choose the set that a question's categories name, in order; the first known one where they name none."""
    return next((each for each in known if joint_set(each).names == names), known[0])
