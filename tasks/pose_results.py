"""Reads COCO keypoint results files as predictions: a JSON list of {image_id, category_id, keypoints, score}.

Where samples are photos, a photo's results are its answer. Where samples are people, a file does not say whom each
result is about: the results of an image, in their order, answer its people in theirs, and any beyond answer the last.
Numbers do not depend on this, as results of one image compete together; the count of missing answers does.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import read_json
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import ObjectsTarget

FORMATS = "COCO results JSON: [{image_id, category_id, keypoints: [x1, y1, v1, …], score}, …]"


@dataclass(frozen=True, slots=True)
class FiledPoses(Prediction):
    """Poses of a results file.

    Attributes:
        areas: of each pose in square pixels, from its `bbox`, where the file's first entry has one; else None.
    """

    areas: tuple[float | None, ...] = ()


def read_results(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read one results file.

    Args:
        path: the file. Scores may be absent: the task's protocol says what then. Results of categories that the
            benchmark does not list are left out, as the official evaluator does.
        samples: of the split that it answers; their image ids are the file's.

    Returns:
        Sample id -> prediction, for samples with results.

    Raises:
        DataError: the file is no such list, or an entry is broken or of an image that the split lacks.
    """
    content = read_json(path) if path.is_file() else None
    if not isinstance(content, list):
        raise DataError(f"{path} must be one JSON list of results: write image_id, category_id, keypoints and score")
    asked: dict[str, list[Sample]] = {}
    for sample in samples:
        asked.setdefault(sample.image_id, []).append(sample)
    known = [category.id for category in samples[0].truth(ObjectsTarget).categories]
    has_boxes = bool(content) and isinstance(content[0], dict) and content[0].get("bbox", []) != []
    answered: dict[str, int] = {}
    found: dict[str, list[tuple[Instance, float | None]]] = {}
    for place, record in enumerate(content):
        at = f"{path}: result {place}"
        image_id = _image(record, asked, at)
        if record.get("category_id") not in known:
            continue
        sample = asked[image_id][min(answered.get(image_id, 0), len(asked[image_id]) - 1)]
        answered[image_id] = answered.get(image_id, 0) + 1
        at = f"{at} (image {image_id})"
        pose = Instance(score=_score(record, at), keypoints=_joints(record, len(sample.categories), at))
        found.setdefault(sample.id, []).append((pose, _area(record, at) if has_boxes else None))
    return {name: _prediction(name, poses) for name, poses in found.items()}


def _prediction(name: str, poses: Sequence[tuple[Instance, float | None]]) -> FiledPoses:
    group = Group("person", "keypoint", tuple(pose for pose, _ in poses))
    return FiledPoses(sample_id=name, status="ok", groups=(group,), areas=tuple(area for _, area in poses))


def _image(record: Any, asked: Mapping[str, Any], at: str) -> str:
    if not isinstance(record, dict) or not {"image_id", "category_id", "keypoints"} <= set(record):
        raise DataError(f"{at} needs image_id, category_id and keypoints: add them")
    image_id = str(record["image_id"])
    if image_id not in asked:
        raise DataError(
            f"{at}: nothing is asked about image {image_id}: remove it, choose another --split, or score poses of "
            "detected people with a task that asks for everybody"
        )
    return image_id


def _score(record: Mapping[str, Any], at: str) -> float | None:
    score = record.get("score")
    if score is not None and not _is_number(score):
        raise DataError(f"{at}: score is {score!r}, not a finite number: correct it")
    return score


def _joints(record: Mapping[str, Any], joints: int, at: str) -> tuple[tuple[float, float, float], ...]:
    values = record["keypoints"]
    if not isinstance(values, list) or len(values) != 3 * joints or not all(map(_is_number, values)):
        size = len(values) if isinstance(values, list) else "no"
        raise DataError(f"{at}: keypoints holds {size} values, not x, y, v of {joints} joints in numbers: correct it")
    return tuple(zip(*(map(float, values[axis::3]) for axis in range(3)), strict=True))


def _area(record: Mapping[str, Any], at: str) -> float:
    box = record.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise DataError(f"{at}: bbox must be x, y, width, height as in the first result, got {box!r}: correct it")
    return float(box[2] * box[3])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
