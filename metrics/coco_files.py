"""COCO annotation files: instances, person keypoints and LVIS, checked and turned into columns.

pycocotools stores the id of the matched annotation and reads 0 as "no match", so a match to annotation id 0 never
counts: perfect predictions score below 1. The official number keeps that; a note says so wherever such an id exists.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metrics.coco_columns import Describe, column, lookup, numbers, unique
from metrics.errors import DataError
from metrics.json_files import load_json, records
from metrics.matching import Bools, Floats, Ints

Kind = Literal["bbox", "segm", "keypoints"]


@dataclass(frozen=True)
class Annotations:
    """Annotated objects of a file as columns, in file order.

    Attributes:
        ids: list [G] of ids.
        image: int [G], index into the images.
        category: int [G], index into the categories.
        area: float [G] square pixels, as annotated (not the area of the box).
        crowd: bool [G].
        ignored: bool [G], the `ignore` field; COCO overwrites it, LVIS reads it.
        box_xywh: float [G, 4]; zeros for `segm`, which reads no boxes.
        segmentations: list [G] as in the file; empty unless asked for.
        keypoints: float [G, K, 3] x, y, visibility; K is 0 unless asked for.
        num_keypoints: int [G], the field of that name, which alone decides whether a pose counts.
    """

    ids: list[Any]
    image: Ints
    category: Ints
    area: Floats
    crowd: Bools
    ignored: Bools
    box_xywh: Floats
    segmentations: list[Any]
    keypoints: Floats
    num_keypoints: Ints

    def take(self, places: Ints) -> "Annotations":
        """Keep the objects at some places, in their order."""
        names = ("image", "category", "area", "crowd", "ignored", "box_xywh", "keypoints", "num_keypoints")
        columns: dict[str, Any] = {name: getattr(self, name)[places] for name in names}
        chosen = places.tolist()
        segmentations = [self.segmentations[i] for i in chosen] if self.segmentations else []
        return replace(self, ids=[self.ids[i] for i in chosen], segmentations=segmentations, **columns)


@dataclass(frozen=True)
class TruthFile:
    """A COCO annotation file, read for one kind of evaluation.

    Attributes:
        path: where it was read.
        kind: what it was read for.
        images: image ids, ascending; indices below mean places in this list.
        size_hw: int [I, 2]; -1 where the file has no size.
        categories: category ids, ascending.
        names: name of each category; ids are added where two categories share one.
        annotations: the objects.
        image_records: image id -> its record.
        category_records: category id -> its record.
        notes: what a reader must know about this file.
    """

    path: Path
    kind: Kind
    images: list[Any]
    size_hw: Ints
    categories: list[Any]
    names: list[str]
    annotations: Annotations
    image_records: Mapping[Any, Mapping[str, Any]]
    category_records: Mapping[Any, Mapping[str, Any]]
    notes: tuple[str, ...]

    def image_index(self) -> dict[Hashable, int]:
        """Map image ids to places."""
        return {value: place for place, value in enumerate(self.images)}

    def category_index(self) -> dict[Hashable, int]:
        """Map category ids to places."""
        return {value: place for place, value in enumerate(self.categories)}


def read_truth(path: Path, kind: Kind) -> TruthFile:
    """Read a COCO annotation file.

    Args:
        path: instances, person_keypoints or LVIS JSON.
        kind: "bbox" reads boxes, "segm" segmentations, "keypoints" poses and boxes.

    Raises:
        DataError: the file is unreadable, breaks the format or contradicts itself.
    """
    content = load_json(path)
    images = _by_id(records(content, path, "images"), path, "image")
    categories = _by_id(records(content, path, "categories"), path, "category")
    if not images:
        raise DataError(f"{path} lists no images: nothing can be scored against it")
    rows = records(content, path, "annotations")
    annotations, notes = _annotations(rows, path, kind, images, categories)
    return TruthFile(
        path, kind, list(images), _sizes(images, path, kind), list(categories), _names(categories), annotations,
        images, categories, notes,
    )  # fmt: skip


def _by_id(rows: list[dict[str, Any]], path: Path, what: str) -> dict[Any, dict[str, Any]]:
    """Index records by id, ascending."""
    ids = column(rows, "id", lambda i: f"{path}: {what} {i} of the list")
    unique(ids, path, what)
    try:
        return {row["id"]: row for row in sorted(rows, key=lambda row: row["id"])}
    except TypeError:
        raise DataError(f"{path}: some {what} ids are texts and some are integers: use one type") from None


def _sizes(images: Mapping[Any, Mapping[str, Any]], path: Path, kind: Kind) -> Ints:
    """Read image sizes, int [I, 2]; only masks need them."""
    sizes = [(row.get("height", -1), row.get("width", -1)) for row in images.values()]
    good = [all(type(side) is int and side > 0 for side in size) for size in sizes]
    if kind == "segm" and not all(good):
        bad = list(images)[good.index(False)]
        raise DataError(f"{path}: image {bad!r} has no positive integer height and width, which masks need: add them")
    return np.array([size if fine else (-1, -1) for size, fine in zip(sizes, good, strict=True)], dtype=np.int64)


def _names(categories: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    plain = [str(row.get("name", key)) for key, row in categories.items()]
    return [f"{name} ({key})" if plain.count(name) > 1 else name for name, key in zip(plain, categories, strict=True)]


def _annotations(
    rows: list[dict[str, Any]],
    path: Path,
    kind: Kind,
    images: Mapping[Any, Any],
    categories: Mapping[Any, Any],
) -> tuple[Annotations, tuple[str, ...]]:
    """Read the annotations as columns, and what a reader must know about them."""
    ids = column(rows, "id", lambda i: f"{path}: annotation {i} of the list")
    unique(ids, path, "annotation")

    def describe(position: int) -> str:
        return f"{path}: annotation {ids[position]!r}"

    image_index = {value: place for place, value in enumerate(images)}
    category_index = {value: place for place, value in enumerate(categories)}
    crowd = [row.get("iscrowd", 0) for row in rows]
    ignored = [row.get("ignore", 0) for row in rows]
    area = numbers(column(rows, "area", describe), None, "area", describe)
    _refuse(area < 0, "area is negative: correct it", describe)
    box_xywh, segmentations, keypoints, num_keypoints = _shapes(rows, kind, describe)
    annotations = Annotations(
        ids=ids,
        image=lookup(column(rows, "image_id", describe), image_index, describe, "an image_id that no image has"),
        category=lookup(
            column(rows, "category_id", describe), category_index, describe, "a category_id that no category has"
        ),
        area=area,
        crowd=_flags(crowd, "iscrowd", describe),
        ignored=_flags(ignored, "ignore", describe),
        box_xywh=box_xywh,
        segmentations=segmentations,
        keypoints=keypoints,
        num_keypoints=num_keypoints,
    )
    bare = sum("iscrowd" not in row for row in rows)
    return annotations, (f"{bare} annotations have no iscrowd field and were read as single objects",) if bare else ()


def _shapes(rows: list[dict[str, Any]], kind: Kind, describe: Describe) -> tuple[Floats, list[Any], Floats, Ints]:
    """Read what the kind compares: boxes, segmentations, poses and their number of labelled joints."""
    count = len(rows)
    boxes, segmentations = np.zeros((count, 4)), []
    keypoints, labelled = np.zeros((count, 0, 3)), np.zeros(count, dtype=np.int64)
    if kind == "segm":
        segmentations = column(rows, "segmentation", describe)
    else:
        boxes = numbers(column(rows, "bbox", describe), 4, "bbox", describe)
        _refuse(boxes[:, 2:].min(axis=1) < 0, "bbox has a negative side: use [x, y, width, height]", describe)
    if kind == "keypoints":
        poses = column(rows, "keypoints", describe)
        width = len(poses[0]) if poses and isinstance(poses[0], list) else 3
        joints = max(width // 3, 1)
        keypoints = numbers(poses, joints * 3, "keypoints", describe).reshape(count, joints, 3)
        labelled = numbers(column(rows, "num_keypoints", describe), None, "num_keypoints", describe).astype(np.int64)
    return boxes, segmentations, keypoints, labelled


def _flags(values: list[Any], name: str, describe: Describe) -> Bools:
    """Read 0/1 or false/true as bool [N]."""
    bad = [i for i, value in enumerate(values) if type(value) not in (int, bool) or value not in (0, 1)]
    if bad:
        raise DataError(f"{describe(bad[0])}: {name} is {values[bad[0]]!r} but must be 0 or 1")
    return np.array(values, dtype=bool)


def _refuse(bad: Bools, complaint: str, describe: Describe) -> None:
    """Raise for the first record marked as bad."""
    if bad.any():
        raise DataError(f"{describe(int(np.argmax(bad)))}: {complaint}")
