"""GranD-f, the grounded captions (GCG) of GLaMM, in its official layout: COCO masks beside a caption per photo.

    <root>/GranDf/annotations/val_test/{val,test}_gcg_coco_mask_gt.json       images, annotations with masks
    <root>/GranDf/annotations/val_test/{val,test}_gcg_coco_caption_gt.json    annotations {image_id, caption, labels}
    <root>/GranDf_HA_images/val_test/<image id>.jpg                           or the file_name that an image states

One sample a photo, in the order of the mask file. Label k of the caption names mask k of the photo. The paper publishes
2.5K photos for val and 5K for test (arXiv:2311.03356, section 4.5) and nobody the exact numbers: a file whose count
rounds to that counts as whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import collector_paused, parse_json, plain_name, read_bytes
from benchmarks.geometry import union_rle
from benchmarks.photos import folder_of, sized
from benchmarks.run_lengths import covered_pixels
from benchmarks.schema import Benchmark, Origin, Rle, Sample, Split, Truth
from benchmarks.splits import build_split

NAME = "grandf"
SPLITS: Mapping[str, int] = {"val": 2_500, "test": 5_000}
ROUNDED_TO = {"val": 100, "test": 1_000}
"""What the published counts are rounded to."""
READER = "grandf/1"
"""Part of every cache key: changes whenever the same files would yield another index."""
ANNOTATIONS = Path("GranDf", "annotations", "val_test")
IMAGE_FOLDERS = ("GranDf_HA_images/val_test",)
Entry = tuple[str, str, int, int, str, list[str], list[str]]
"""(image id, file name, height, width, caption, labels, RLE counts) of a photo."""


@dataclass(frozen=True, slots=True)
class GroundedTarget(Truth):
    """A caption and the objects its phrases name.

    Attributes:
        caption: as annotated.
        labels: the phrase of each object.
        masks: of each object, in the same order.
    """

    caption: str
    labels: tuple[str, ...]
    masks: tuple[Rle, ...]


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Raises:
        DataError: files or photos are missing, contradict each other, or a record is broken.
        UnknownName: no such split.
    """
    if split not in SPLITS:
        raise unknown(f"split of {NAME}", split, SPLITS)
    index = _index(root, split)
    photos = sized(root, IMAGE_FOLDERS, [entry[1] for entry in index], "GranD-f")
    samples = []
    for image_id, name, height, width, caption, labels, counts in index:
        if photos[name].size_hw != (height, width):
            there = "{1}x{0}".format(*photos[name].size_hw)
            raise DataError(
                f"{photos[name].path} is {there} but image '{image_id}' of {_paths(root, split)[0]} says "
                f"{width}x{height}: fetch the original file"
            )
        masks = tuple({"size": [height, width], "counts": each} for each in counts)
        target = GroundedTarget(caption, tuple(labels), masks)
        samples.append(Sample(f"{NAME}/{split}/{image_id}", photos[name], image_id, "", target))
    return build_split(NAME, split, origin, _expected(split, len(index)), samples, index)


def found(root: Path) -> dict[str, int]:
    """Count the photos of every split whose mask file is here.

    Raises:
        DataError: there is none, or a file is broken.
    """
    here = [split for split in SPLITS if _paths(root, split)[0].is_file()]
    if not here:
        raise DataError(f"{root / ANNOTATIONS} holds no {_paths(root, 'val')[0].name}: put the val_test files there")
    return {split: len(_index(root, split)) for split in here}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders in reading order."""
    photos = folder_of(root, IMAGE_FOLDERS) or root / IMAGE_FOLDERS[0]
    return (*(path for split in SPLITS for path in _paths(root, split)), photos)


def _paths(root: Path, split: str) -> tuple[Path, Path]:
    """The mask file and the caption file."""
    folder = root / ANNOTATIONS
    return folder / f"{split}_gcg_coco_mask_gt.json", folder / f"{split}_gcg_coco_caption_gt.json"


def _expected(split: str, count: int) -> int:
    return count if round(count / ROUNDED_TO[split]) * ROUNDED_TO[split] == SPLITS[split] else SPLITS[split]


def _index(root: Path, split: str) -> list[Entry]:
    paths = _paths(root, split)
    cached = index_cache.load(index_cache.key((READER, *(index_cache.digest_file(path) for path in paths))))
    if isinstance(cached, list):
        return cast(list[Entry], cached)
    data = [read_bytes(path) for path in paths]
    with collector_paused():
        masks, captions = (parse_json(each, path) for each, path in zip(data, paths, strict=True))
        index = _join(_photos(masks, paths[0]), _captions(captions, paths[1]), paths)
    index_cache.store(index_cache.key((READER, *map(index_cache.digest_bytes, data))), index)
    return index


def _records(content: Any, key: str, path: Path) -> list[dict[str, Any]]:
    records = content.get(key) if isinstance(content, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{path}: '{key}' must be a list of records: fetch the file again")
    return records


def _id(record: Mapping[str, Any], key: str, place: str) -> str:
    """An image id, which is a number or a plain name."""
    value = record.get(key)
    return plain_name(str(value) if type(value) is int else value, f"{place}: {key}")


def _photos(content: Any, path: Path) -> dict[str, tuple[str, int, int, list[str]]]:
    """Image id -> (file name, height, width, RLE counts)."""
    photos: dict[str, tuple[str, int, int, list[str]]] = {}
    for number, record in enumerate(_records(content, "images", path)):
        place = f"{path}: images[{number}]"
        image_id, size_hw = _id(record, "id", place), (record.get("height"), record.get("width"))
        if not all(type(side) is int and side > 0 for side in size_hw):
            raise DataError(f"{place} needs height and width: fetch the file again")
        if image_id in photos:
            raise DataError(f"{path}: image '{image_id}' is listed twice: fetch the file again")
        name = plain_name(record.get("file_name", f"{image_id}.jpg"), place)
        photos[image_id] = (name, cast(int, size_hw[0]), cast(int, size_hw[1]), [])
    seen: set[Any] = set()
    for number, record in enumerate(_records(content, "annotations", path)):
        place = f"{path}: annotations[{number}]"
        image_id, own = _id(record, "image_id", place), record.get("id")
        if type(own) not in (int, str) or own in seen:
            raise DataError(f"{place}: id {own!r} is no id or comes twice: fetch the file again")
        seen.add(own)
        if image_id not in photos:
            raise DataError(f"{place}: image '{image_id}' is not listed: fetch the file again")
        _, height, width, counts = photos[image_id]
        counts.append(_counts(record.get("segmentation"), (height, width), place))
    return photos


def _counts(segmentation: Any, size_hw: tuple[int, int], place: str) -> str:
    """Compressed run lengths of a mask, of polygons too; one that covers no pixel stays."""
    try:
        counts = segmentation.get("counts") if isinstance(segmentation, dict) else None
        if not isinstance(counts, str):
            return str(union_rle(segmentation, size_hw)["counts"])
        covered = covered_pixels(counts)
        if segmentation.get("size") != list(size_hw) or covered != size_hw[0] * size_hw[1]:
            raise ValueError(f"the RLE is for {segmentation.get('size')} and covers {covered} pixels")
    except (ValueError, OverflowError) as error:
        size = f"{size_hw[1]}x{size_hw[0]}"
        raise DataError(f"{place}: its mask does not fit the image of {size} ({error}): fetch the file again") from None
    return counts


def _captions(content: Any, path: Path) -> dict[str, tuple[str, list[str]]]:
    """Image id -> (caption, labels)."""
    found: dict[str, tuple[str, list[str]]] = {}
    for number, record in enumerate(_records(content, "annotations", path)):
        place = f"{path}: annotations[{number}]"
        image_id, caption, labels = _id(record, "image_id", place), record.get("caption"), record.get("labels")
        texts = [caption, *labels] if isinstance(labels, list) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise DataError(f"{place} needs a caption and a list of labels: fetch the file again")
        if image_id in found:
            raise DataError(f"{path}: image '{image_id}' has two captions: fetch the file again")
        found[image_id] = (str(caption), list(labels or ()))
    return found


def _join(
    photos: Mapping[str, tuple[str, int, int, list[str]]],
    captions: Mapping[str, tuple[str, list[str]]],
    paths: tuple[Path, Path],
) -> list[Entry]:
    if odd := sorted(set(photos) ^ set(captions)):
        raise DataError(
            f"{paths[0]} and {paths[1].name} hold different images (first: '{odd[0]}'): fetch both of one release"
        )
    if not photos:
        raise DataError(f"{paths[0]} lists no image: fetch the file again")
    index = []
    for image_id, (name, height, width, counts) in photos.items():
        caption, labels = captions[image_id]
        if len(labels) != len(counts):
            raise DataError(
                f"{paths[1]}: image '{image_id}' has {len(labels)} labels but {len(counts)} masks in {paths[0].name}: "
                "fetch both of one release"
            )
        index.append((image_id, name, height, width, caption, labels, counts))
    return index


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=SPLITS,
        open=open_split,
        files=files,
        card=(
            "Rasheed et al., GLaMM: Pixel Grounding Large Multimodal Model, CVPR 2024, arXiv:2311.03356. "
            "Licence: Apache-2.0 (annotations); photos are of SA-1B and keep its licence."
        ),
        found=found,
        where="github.com/mbzuai-oryx/groundingLMM (docs/datasets.md links GranD-f and GranDf_HA_images)",
    )
]
