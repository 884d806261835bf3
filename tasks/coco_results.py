"""Reads COCO results files as predictions: a JSON list of {image_id, category_id, bbox or segmentation, score}.

Entries keep the order of the file, which breaks ties. A category that the benchmark does not list keeps its number as
its phrase, so that it counts as unmapped.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from benchmarks.errors import DataError
from benchmarks.files import read_json
from benchmarks.geometry import union_rle, xywh_to_xyxy
from benchmarks.schema import Box, Group, Instance, Prediction, Sample
from benchmarks.truth import ObjectsTarget


def read_results(shape: Literal["box", "mask"], path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read one results file.

    Args:
        shape: which field is read, `bbox` (x, y, width, height) or `segmentation` (RLE or polygons).
        path: the file.
        samples: of the split that it answers; their image ids are the file's.

    Returns:
        Sample id -> prediction, for images with results. Scores may be absent: the task's protocol says what then.

    Raises:
        DataError: the file is no such list, or an entry is broken or of an image that the split lacks.
    """
    content = read_json(path) if path.is_file() else None
    if not isinstance(content, list):
        raise DataError(f"{path} must be one JSON list of results: write image_id, category_id, score and the {shape}")
    by_image = {sample.image_id: sample for sample in samples}
    entries: dict[str, list[tuple[Any, Instance]]] = {}
    for place, record in enumerate(content):
        at = f"{path}: result {place}"
        if not isinstance(record, dict) or not {"image_id", "category_id"} <= set(record):
            raise DataError(f"{at} needs image_id and category_id: add them")
        image_id = str(record["image_id"])
        if image_id not in by_image:
            raise DataError(f"{at}: image {image_id} is not of this split: remove it or choose another --split")
        instance = _instance(shape, record, by_image[image_id].image.size_hw, f"{at} (image {image_id})")
        entries.setdefault(image_id, []).append((record["category_id"], instance))
    return {by_image[image_id].id: _prediction(shape, by_image[image_id], found) for image_id, found in entries.items()}


def _prediction(shape: Literal["box", "mask"], sample: Sample, found: list[tuple[Any, Instance]]) -> Prediction:
    names = {category.id: category.name for category in sample.truth(ObjectsTarget).categories}
    groups = tuple(
        Group(names.get(number, f"category_id {number}"), shape, tuple(instance for _, instance in run))
        for number, run in groupby(found, key=lambda entry: entry[0])
    )
    return Prediction(sample_id=sample.id, status="ok", groups=groups)


def _instance(shape: str, record: Mapping[str, Any], size_hw: tuple[int, int], at: str) -> Instance:
    score = record.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise DataError(f"{at}: score is {score!r}, not a number: correct it")
    if shape == "box":
        return Instance(score=score, box_xyxy=_box(record.get("bbox"), at))
    try:
        return Instance(score=score, mask_rle=union_rle(record.get("segmentation"), size_hw, empty=True))
    except ValueError as error:
        raise DataError(f"{at}: {error}; encode it with pycocotools.mask.encode") from None


def _box(value: Any, at: str) -> Box:
    numbers = isinstance(value, list) and len(value) == 4
    if not numbers or not all(isinstance(side, int | float) and not isinstance(side, bool) for side in value):
        raise DataError(f"{at}: bbox must be x, y, width, height, got {value!r}: correct it")
    return xywh_to_xyxy(value)
