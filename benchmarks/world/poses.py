"""The part of the sample world with people: COCO person keypoints, over the photos of COCO's objects.

    coco/annotations/person_keypoints_val2017.json, coco/val2017/<12 digits>.jpg

Ids of annotations are those of `instances_val2017.json`. A joint that something nearer hides has visibility 1; nose and
eyes of people seen from behind, and all joints of the smallest people, are not labelled.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.coco_objects import PHOTOS, annotations, size, write_json
from benchmarks.world.dense import DenseScene, numbered
from benchmarks.world.figure import JOINTS, SKELETON
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SplitName

LABELLED_FROM = 180
"""Pixels that must show of a person for its joints to be labelled, as COCO labels none of small people."""


def write_coco_poses(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write the dense scenes of the test split; nothing without scenes."""
    found = numbered(seed, scenes, "test")
    if not found:
        return
    (photos := folder / "coco" / PHOTOS).mkdir(parents=True, exist_ok=True)
    for image_id, scene in found:
        (photos / f"{image_id:012d}.jpg").write_bytes(jpeg(scene.image))
    content = {
        "images": [{"id": image_id, "file_name": f"{image_id:012d}.jpg", **size()} for image_id, _ in found],
        "annotations": _poses(found),
        "categories": [{"id": 1, "name": "person", "keypoints": list(JOINTS), "skeleton": list(SKELETON)}],
    }
    write_json(folder / "coco" / "annotations" / "person_keypoints_val2017.json", content)


def _poses(found: list[tuple[int, DenseScene]]) -> list[dict[str, Any]]:
    objects = [each for _, scene in found for each in scene.objects]
    poses = []
    for record, each in zip(annotations(found), objects, strict=True):
        if each.keypoints is None:
            continue
        joints = each.keypoints if record["area"] >= LABELLED_FROM else np.zeros_like(each.keypoints)
        numbers = [value for x, y, seen in joints.tolist() for value in (x, y, int(seen))]
        poses.append({**record, "keypoints": numbers, "num_keypoints": int((joints[:, 2] > 0).sum())})
    return poses


PARTS = [write_coco_poses]
