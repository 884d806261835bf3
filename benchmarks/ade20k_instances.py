"""ADE20K instances: every object of a scene with its mask and one of 100 classes.

    <root>/ADEChallengeData2016/ade20k_instance_val.json
    <root>/ADEChallengeData2016/images/validation/ADE_val_<8 digits>.jpg

The JSON has COCO's form with names as image ids. It is what `prepare_ade20k_ins_seg.py` (Mask2Former) makes out of the
challenge's annotations_instance; that repository publishes AP on it. One sample per listed image, also where nothing is
annotated, in the order of the file. Counts: 2,000 photos (`benchmarks.ade20k`) and 100 classes (the list of instance
classes beside the script).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import index_cache, photos
from benchmarks.ade20k import CARD, FOLDER, PHOTOS, SOURCE
from benchmarks.errors import DataError, unknown
from benchmarks.files import parse_json, read_bytes
from benchmarks.geometry import union_rle, xywh_to_xyxy
from benchmarks.panoptic_records import read_images, records
from benchmarks.schema import Benchmark, ImageRef, Origin, Sample, Split
from benchmarks.truth import Category, ObjectsTarget, TrueObject

NAME = "ade20k/instance"
READER = "ade20k instances/1"
"""Part of every cache key: changes whenever the same file would yield another index."""
PUBLISHER = (
    "sceneparsing.csail.mit.edu (ADEChallengeData2016.zip, annotations_instance.tar), turned into COCO's form by "
    "prepare_ade20k_ins_seg.py of github.com/facebookresearch/Mask2Former"
)
Index = dict[str, list[Any]]
"""`categories`: [id, name]; `images`: [id, photo, height, width, objects: [id, category, box, area, crowd, counts]]."""


def annotations(root: Path) -> Path:
    """The annotation file."""
    return root / FOLDER / "ade20k_instance_val.json"


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split val.

    Raises:
        DataError: the file or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    if split != SOURCE.split:
        raise unknown(f"split of {NAME}", split, [SOURCE.split])
    index = _index(root)
    folder = photos.require(root, (PHOTOS,), [each[1] for each in index["images"]], PUBLISHER)
    categories = tuple(Category(number, name) for number, name in index["categories"])
    names = tuple(category.name for category in categories)
    samples = tuple(
        Sample(
            id=f"{NAME}/{split}/{image_id}",
            image=ImageRef(folder / photo, (height, width)),
            image_id=str(image_id),
            question="",
            target=ObjectsTarget(tuple(_object(each, (height, width)) for each in objects), categories),
            categories=names,
        )
        for image_id, photo, height, width, objects in index["images"]
    )
    return Split(
        benchmark=NAME,
        name=split,
        origin=origin,
        expected=SOURCE.published if origin == "official" else None,
        fingerprint=index_cache.key((NAME, repr(index))),
        samples=samples,
    )


def found(root: Path) -> dict[str, int]:
    """Count the images.

    Raises:
        DataError: the file is missing or broken.
    """
    return {SOURCE.split: len(_index(root)["images"])}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders of the benchmark, in reading order."""
    return (annotations(root), root / PHOTOS)


def _index(root: Path) -> Index:
    path = annotations(root)
    if not path.is_file():
        raise DataError(f"{path} is missing: put it there; it comes from {PUBLISHER}")
    cached = index_cache.load(index_cache.key((READER, index_cache.digest_file(path))))
    if isinstance(cached, dict):
        return cached
    data = read_bytes(path)
    index = _build(parse_json(data, path), path)
    index_cache.store(index_cache.key((READER, index_cache.digest_bytes(data))), index)
    return index


def _build(content: Any, path: Path) -> Index:
    categories = [_category(record, path) for record in records(content, "categories", path)]
    if len(dict(categories)) < len(categories) or len({name for _, name in categories}) < len(categories):
        raise DataError(f"{path}: two categories have one id or one name: fetch the file again")
    images = read_images(records(content, "images", path), path)
    objects: dict[int | str, list[Any]] = {image_id: [] for image_id in images}
    seen: set[int] = set()
    for record in records(content, "annotations", path):
        number, image_id = (record.get(key) if isinstance(record, dict) else None for key in ("id", "image_id"))
        at = f"{path}: annotation {number}"
        if type(number) is not int or number in seen:
            raise DataError(f"{at} comes twice or has no number: fetch the file again")
        if type(image_id) not in (int, str) or image_id not in images:
            raise DataError(f"{at}: image {image_id!r} is not listed under images: fetch the file again")
        seen.add(number)
        objects[image_id].append(_annotation(record, images[image_id][1:], dict(categories), at))
    return {
        "categories": [list(each) for each in categories],
        "images": [[image_id, *facts, objects[image_id]] for image_id, facts in images.items()],
    }


def _category(record: Any, path: Path) -> tuple[int, str]:
    number, name = (record.get(key) if isinstance(record, dict) else None for key in ("id", "name"))
    if type(number) is not int or not isinstance(name, str) or not name.strip():
        raise DataError(f"{path}: a category needs id and name, got {record!r}: fetch the file again")
    return number, name.strip()


def _annotation(record: dict[str, Any], size_hw: tuple[int, int], categories: dict[int, str], at: str) -> list[Any]:
    category, box, area, crowd = (record.get(key) for key in ("category_id", "bbox", "area", "iscrowd"))
    if category not in categories:
        raise DataError(f"{at}: category {category!r} is not listed: fetch the file again")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, [*box, area])) or crowd not in (0, 1):
        raise DataError(f"{at} needs bbox (four numbers), area and iscrowd (0 or 1): fetch the file again")
    try:
        rle = union_rle(record.get("segmentation"), size_hw, empty=True)
    except ValueError as error:
        raise DataError(f"{at}: {error}; fetch the file again") from None
    return [record["id"], category, list(xywh_to_xyxy(box)), area, crowd, rle["counts"]]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(entry: Sequence[Any], size_hw: tuple[int, int]) -> TrueObject:
    number, category, box, area, crowd, counts = entry
    mask = {"size": list(size_hw), "counts": counts}
    return TrueObject(number, category, tuple(box), float(area), mask, bool(crowd))


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits={SOURCE.split: SOURCE.published},
        open=open_split,
        files=files,
        card=CARD,
        found=found,
        where=PUBLISHER,
    )
]
