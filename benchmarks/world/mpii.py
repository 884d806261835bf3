"""The MPII part of the sample world: the people of the dense scenes, one by one, with 16 joints and a head box.

    mpii/annot/valid.json, mpii/annot/gt_valid.mat, mpii/images/<9 digits>.jpg

Pelvis and thorax lie between the hips and the shoulders, neck and top of the head below and above the middle of the
ears. Joints that something nearer hides are missing.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mpii import SHORT
from benchmarks.world.dense import numbered
from benchmarks.world.figure import JOINTS
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SplitName

_DIRECT = {
    0: "right_ankle", 1: "right_knee", 2: "right_hip", 3: "left_hip", 4: "left_knee", 5: "left_ankle",
    10: "right_wrist", 11: "right_elbow", 12: "right_shoulder", 13: "left_shoulder", 14: "left_elbow", 15: "left_wrist",
}  # fmt: skip
"""Joints of MPII that COCO has too."""
_PELVIS, _THORAX, _NECK, _TOP = 6, 7, 8, 9
_EARS_TO_HEIGHT, _HEAD_RADIUS = 0.15, 0.085
"""Of a figure's height, see `benchmarks.world.figure`: from ear to ear, and half a head."""
_DOWN = np.array([0.0, 1.0])
_SCALE_PX = 200.0
_HEADER = b"MATLAB 5.0 MAT-file of the refbench sample world".ljust(116)
"""In the place of scipy's, which holds the date: the same world gives the same bytes."""


def write_mpii(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the people of the dense scenes of the test split; nothing where nobody is."""
    people: list[dict[str, Any]] = []
    for image_id, scene in numbered(seed, scenes, "test"):
        poses = [each.keypoints for each in scene.objects if each.keypoints is not None]
        name = f"{image_id:09d}.jpg"
        people += [{"image": name, **_person(joints)} for joints in poses]
        if poses:
            (folder / "mpii" / "images").mkdir(parents=True, exist_ok=True)
            (folder / "mpii" / "images" / name).write_bytes(jpeg(scene.image))
    if people:
        (annot := folder / "mpii" / "annot").mkdir()
        records = [{key: value for key, value in each.items() if key != "head"} for each in people]
        (annot / "valid.json").write_text(json.dumps(records), encoding="utf-8")
        (annot / "gt_valid.mat").write_bytes(_mat(people))


def _person(coco: np.ndarray) -> dict[str, Any]:
    """Turn COCO joints, float [17, 3] with pixels counted from 0, into a record that counts from 1."""
    joints, seen = np.zeros((16, 2)), np.zeros(16, dtype=bool)
    for place, name in _DIRECT.items():
        joints[place], seen[place] = coco[JOINTS.index(name), :2], coco[JOINTS.index(name), 2] == 2
    ears = coco[[JOINTS.index("left_ear"), JOINTS.index("right_ear")], :2]
    height = float(np.linalg.norm(ears[0] - ears[1])) / _EARS_TO_HEIGHT
    head, radius = ears.mean(axis=0), _HEAD_RADIUS * height
    joints[_PELVIS], joints[_THORAX] = joints[[2, 3]].mean(axis=0), joints[[12, 13]].mean(axis=0)
    joints[_NECK], joints[_TOP] = head + radius * _DOWN, head - radius * _DOWN
    seen[[_PELVIS, _THORAX, _NECK, _TOP]] = True
    low, high = joints.min(axis=0), joints.max(axis=0)
    joints = np.where(seen[:, None], joints + 1, 0.0)
    return {
        "center": ((low + high) / 2 + 1).tolist(),
        "scale": height / _SCALE_PX,
        "joints": joints.tolist(),
        "joints_vis": seen.astype(int).tolist(),
        "head": [(head - radius + 1).tolist(), (head + radius + 1).tolist()],
    }


def _mat(people: list[dict[str, Any]]) -> bytes:
    from scipy.io import savemat

    content = {
        "jnt_missing": 1 - np.array([each["joints_vis"] for each in people], dtype=np.uint8).T,
        "pos_gt_src": np.moveaxis(np.array([each["joints"] for each in people]), 0, 2),
        "headboxes_src": np.moveaxis(np.array([each["head"] for each in people]), 0, 2),
        "dataset_joints": np.array([SHORT], dtype=object),
    }
    stream = io.BytesIO()
    savemat(stream, content)  # type: ignore[arg-type]  # scipy writes to streams, its stubs say otherwise
    return _HEADER + stream.getvalue()[len(_HEADER) :]


PARTS = [write_mpii]
