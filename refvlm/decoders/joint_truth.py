"""The truth about one set of joints told in another: MPII's sixteen from COCO's seventeen.

Twelve joints are the same. Pelvis and thorax lie between the hips and between the shoulders. Neck and top of the head
are not annotated by COCO; they follow from the ears in the proportions of the sample world's figures
(`benchmarks.world.mpii`), the only source of joints that training reads.
"""

import torch
from torch import Tensor

from benchmarks.errors import ConfigError
from benchmarks.mpii import JOINTS as MPII
from refvlm.joints import COCO

_BETWEEN = {"pelvis": ("left_hip", "right_hip"), "thorax": ("left_shoulder", "right_shoulder")}
_RADIUS_PER_EARS = 0.085 / 0.15
"""Half a head per distance between the ears."""
_ALONG = {"upper_neck": 1.0, "head_top": -1.0}
"""Radii below the middle of the ears."""


def as_set(joints: Tensor, kind: str) -> Tensor:
    """Tell COCO joints as another set.

    Args:
        joints: float [M, 17, 3], xy in any unit and visibility.
        kind: "coco" or "mpii".

    Returns:
        float [M, K, 3]; what follows from a joint that is not labelled is not labelled either.

    Raises:
        ConfigError: there is no way from COCO's joints to this set.
    """
    if kind == "coco":
        return joints
    if kind != "mpii":
        raise ConfigError(f"keypoint.sets: the joints of {kind} do not follow from COCO's, which training has")
    return torch.stack([_mpii(joints, name) for name in MPII], 1)


def _mpii(joints: Tensor, name: str) -> Tensor:
    if name in COCO:
        return joints[:, COCO.index(name)]
    ears = "left_ear", "right_ear"
    first, second = (joints[:, COCO.index(each)] for each in _BETWEEN.get(name, ears))
    place = (first[:, :2] + second[:, :2]) / 2
    if name in _ALONG:
        radius = (first[:, :2] - second[:, :2]).norm(dim=1) * _RADIUS_PER_EARS
        place = place + torch.stack([torch.zeros_like(radius), _ALONG[name] * radius], 1)
    labelled = (first[:, 2] > 0) & (second[:, 2] > 0)
    return torch.cat([place, labelled[:, None] * 2.0], 1) * labelled[:, None]
