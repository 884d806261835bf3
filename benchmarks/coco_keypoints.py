"""COCO person keypoints in their official layout: 17 joints of people in photos, by photo or by person.

    <root>/coco/annotations/person_keypoints_val2017.json         (person_keypoints_train2017.json, where it is named)
    <root>/coco/val2017/<12 digits>.jpg                                            (or <root>/images/val2017)

`coco_keypoints/2017`: one sample per listed photo, also where nobody is in it, as the official evaluator takes all of
them. `coco_keypoints_box/2017`: one sample per person with labelled joints (no crowd), the annotated box as visual
prompt. Both go by image id, the order in which the official evaluator breaks ties, and in an image by the file.

The truth keeps crowds and people without labelled joints: nobody has to find them, and poses that land on them are
forgiven. A joint has visibility 0 (not labelled, at 0, 0), 1 (labelled, hidden) or 2 (visible). A record whose
num_keypoints is not the number of its labelled joints is refused, since the official evaluator reads both.

Counts: 5,000 photos, 6,352 people with labelled joints in 2,346 of them (logs over val2017: HRNet with annotated boxes,
"load 6352 samples"; pull request 18140 of ultralytics/ultralytics, "2346 images, 6352 instances"). Published top-down
figures take the boxes of a detector, so the task by person is easier.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.coco_split import ImageSamples, build, first_folder, notes, photo_paths
from benchmarks.errors import DataError, unknown
from benchmarks.schema import Benchmark, ImageRef, Origin, Region, Sample, Split
from benchmarks.truth import ObjectsTarget, TrueObject

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.coco_index import CocoIndex

SPLIT = "val"
FILE = "coco/annotations/person_keypoints_val2017.json"
FILES = {SPLIT: FILE, "train": "coco/annotations/person_keypoints_train2017.json"}
"""Split -> annotation file. The training split is for those who name it."""
BY_IMAGE, BY_PERSON = "coco_keypoints/2017", "coco_keypoints_box/2017"
PUBLISHED = {BY_IMAGE: 5_000, BY_PERSON: 6_352}
PUBLISHER = "cocodataset.org (annotations_trainval2017.zip, val2017.zip)"
JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""The order of the joints, in annotations and in answers."""


@dataclass(frozen=True, slots=True)
class PersonTarget(ObjectsTarget):
    """One person that is asked for, among all objects of the image.

    Attributes:
        asked: id of the annotation.
    """

    asked: int


def is_labelled(person: TrueObject) -> bool:
    """Whether a person counts: no crowd, and at least one joint is labelled."""
    return not person.crowd and any(seen > 0 for *_, seen in person.keypoints)


def open_images(root: Path, split: str, origin: Origin) -> Split:
    """Open a split by photo.

    Raises:
        DataError: the file or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    from benchmarks.coco_index import IndexedObjects

    index = _index(root, BY_IMAGE, split)
    samples = ImageSamples(
        name=f"{BY_IMAGE}/{split}",
        file=index,
        rows=range(len(index)),
        photos=photo_paths(root, photo_folders(split), index.file_names),
        target=lambda row: IndexedObjects(index, row),
        categories=JOINTS,
    )
    return build(samples, BY_IMAGE, split, origin, PUBLISHED[BY_IMAGE] if split == SPLIT else None)


def open_persons(root: Path, split: str, origin: Origin) -> Split:
    """Open a split by person, see `open_images`."""
    index = _index(root, BY_PERSON, split)
    photos = photo_paths(root, photo_folders(split), index.file_names)
    samples = tuple(sample for row in range(len(index)) for sample in _persons(index, split, row, photos[row]))
    if not samples:
        raise DataError(f"{index.path}: nobody has labelled joints: fetch the file again")
    return Split(
        benchmark=BY_PERSON,
        name=split,
        origin=origin,
        expected=PUBLISHED[BY_PERSON] if origin == "official" and split == SPLIT else None,
        fingerprint=hashlib.sha256(f"{BY_PERSON} {index.digest}".encode()).hexdigest(),
        samples=samples,
        notes=notes(index),
    )


def _persons(index: "CocoIndex", split: str, row: int, photo: Path) -> list[Sample]:
    objects = index.objects(row)
    image = ImageRef(photo, index.size_hw(row))
    return [
        Sample(
            id=f"{BY_PERSON}/{split}/person-{person.id}",
            image=image,
            image_id=str(index.image_ids[row]),
            question="person",
            target=PersonTarget(objects, index.categories, person.id),
            regions=(Region("box", box_xyxy=person.box_xyxy),),
            categories=JOINTS,
        )
        for person in objects
        if is_labelled(person)
    ]


def found_images(root: Path) -> dict[str, int]:
    """Count the photos.

    Raises:
        DataError: the file is missing or broken.
    """
    return {SPLIT: len(_index(root, BY_IMAGE, SPLIT))}


def found_persons(root: Path) -> dict[str, int]:
    """Count the people with labelled joints, see `found_images`."""
    columns = _index(root, BY_PERSON, SPLIT).columns
    return {SPLIT: int(((columns["labelled"] > 0) & ~columns["crowd"]).sum())}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders of both benchmarks, in reading order."""
    return (root / FILE, first_folder(root, photo_folders(SPLIT)))


def photo_folders(split: str) -> tuple[str, ...]:
    """Folders below a data root that may hold the photos of a split."""
    return (f"coco/{split}2017", f"images/{split}2017")


def _index(root: Path, name: str, split: str) -> "CocoIndex":
    from benchmarks.coco_index import open_index

    if split not in FILES:
        raise unknown(f"split of {name}", split, FILES)
    index = open_index(root / FILES[split])
    _check(index)
    return index


def _check(index: "CocoIndex") -> None:
    """Refuse what no pose of 17 joints is, naming the first such annotation."""
    import numpy as np

    columns = index.columns
    if len(index.categories) != 1:
        names = ", ".join(category.name for category in index.categories[:5])
        raise DataError(f"{index.path} has categories {names}, not person alone: fetch the file again")
    numbers = np.diff(columns["joint_ends"])
    _refuse(
        index, np.not_equal(numbers, 3 * len(JOINTS)), f"keypoints must be x, y and visibility of {len(JOINTS)} joints"
    )
    seen = columns["joints"].reshape(-1, len(JOINTS), 3)[:, :, 2]
    _refuse(index, np.logical_not(np.isin(seen, (0, 1, 2))).any(axis=1), "the visibility of a joint must be 0, 1 or 2")
    differs = np.not_equal(columns["labelled"], (seen > 0).sum(axis=1))
    _refuse(index, differs, "num_keypoints is not the number of joints with visibility 1 or 2")


def _refuse(index: "CocoIndex", bad: "NDArray[np.bool_] | np.bool_", complaint: str) -> None:
    if bad.any():
        number = index.columns["id"][bad.argmax()]
        raise DataError(f"{index.path}: annotation {number}: {complaint} ({bad.sum()} such); fetch the file again")


_CARD = (
    "Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv:1405.0312; keypoints of 2017, val2017: "
    "5,000 photos, 6,352 people with labelled joints. Licence: CC BY 4.0 (annotations); photos keep their Flickr "
    "licences."
)

BENCHMARKS = [
    Benchmark(
        name=BY_IMAGE,
        splits={SPLIT: PUBLISHED[BY_IMAGE]},
        open=open_images,
        files=files,
        card=_CARD,
        found=found_images,
        where=PUBLISHER,
    ),
    Benchmark(
        name=BY_PERSON,
        splits={SPLIT: PUBLISHED[BY_PERSON]},
        open=open_persons,
        files=files,
        card=f"{_CARD} Boxes are the annotated ones.",
        found=found_persons,
        where=PUBLISHER,
    ),
]
