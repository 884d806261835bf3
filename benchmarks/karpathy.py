"""COCO captions by Karpathy's split: `dataset_coco.json` as published, photos of COCO train2014 and val2014.

    <root>/karpathy/dataset_coco.json     {"images": [{cocoid, split, filepath, filename, sentences: [{raw, …}]}]}
    <root>/images/val2014/COCO_val2014_<12 digits>.jpg      (or images/mscoco/images/…; val and test are of val2014)

One sample a photo, in the order of the file; its references are the `raw` sentences in their order.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import collector_paused, parse_json, plain_name, read_bytes
from benchmarks.photos import folder_of, sized
from benchmarks.schema import Benchmark, Sample, Split, TextTarget

NAME = "coco_captions/karpathy"
READER = "karpathy/1"
"""Part of every cache key: changes whenever the same file would yield another index."""
FILE = Path("karpathy", "dataset_coco.json")
SPLITS: Mapping[str, int] = {"val": 5_000, "test": 5_000}
IMAGE_FOLDERS = ("images/val2014", "images/mscoco/images/val2014")


@dataclass(frozen=True)
class Captioned:
    """One photo with its references."""

    image_id: int
    name: str
    references: tuple[str, ...]


def open_split(root: Path, split: str, origin: str) -> Split:
    """Open one split.

    Raises:
        DataError: the file or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    if split not in SPLITS:
        raise unknown(f"split of {NAME}", split, SPLITS)
    records = _index(root / FILE)[split]
    if not records:
        raise DataError(f"{root / FILE}: holds no photo of split {split}: fetch the whole file")
    photos = sized(root, IMAGE_FOLDERS, (record.name for record in records), "COCO val2014")
    samples = tuple(
        Sample(
            id=f"{NAME}/{split}/image-{record.image_id}",
            image=photos[record.name],
            image_id=str(record.image_id),
            question="",
            target=TextTarget(record.references),
        )
        for record in records
    )
    return Split(
        benchmark=NAME,
        name=split,
        origin=cast(Literal["official", "sample"], origin),
        expected=SPLITS[split] if origin == "official" else None,
        fingerprint=_fingerprint(split, records),
        samples=samples,
    )


def found(root: Path) -> dict[str, int]:
    """Count the photos of each split in the file.

    Raises:
        DataError: the file is missing or broken.
    """
    return {split: len(records) for split, records in _index(root / FILE).items() if records}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders that the captions need, in reading order."""
    return (root / FILE, folder_of(root, IMAGE_FOLDERS) or root / IMAGE_FOLDERS[0])


def _index(path: Path) -> dict[str, list[Captioned]]:
    """Read val and test from the cache or from the file."""
    cached = index_cache.load(index_cache.key((READER, index_cache.digest_file(path))))
    if not isinstance(cached, dict):
        data = read_bytes(path)
        with collector_paused():
            cached = _parse(parse_json(data, path), path)
        index_cache.store(index_cache.key((READER, index_cache.digest_bytes(data))), cached)
    return {split: [Captioned(i, name, tuple(texts)) for i, name, texts in cached[split]] for split in SPLITS}


def _parse(content: Any, path: Path) -> dict[str, list[list[Any]]]:
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise DataError(f"{path}: 'images' must be a list: fetch Karpathy's dataset_coco.json again")
    index: dict[str, list[list[Any]]] = {split: [] for split in SPLITS}
    for place, image in enumerate(images):
        if not isinstance(image, dict):
            raise DataError(f"{path}: images[{place}] must be an object: fetch the file again")
        if image.get("split") in index:
            index[image["split"]].append(_record(image, f"{path}: images[{place}]"))
    for records in index.values():
        twice = [number for number, count in Counter(record[0] for record in records).items() if count > 1]
        if twice:
            raise DataError(f"{path}: cocoid {twice[0]} comes twice: fetch the file again")
    return index


def _record(image: Mapping[str, Any], place: str) -> list[Any]:
    number, sentences = image.get("cocoid"), image.get("sentences")
    texts = [each.get("raw") if isinstance(each, dict) else None for each in sentences or []]
    if type(number) is not int or not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise DataError(f"{place} needs cocoid (a whole number) and sentences with a raw text: fetch the file again")
    return [number, plain_name(image.get("filename"), place), texts]


def _fingerprint(split: str, records: list[Captioned]) -> str:
    """SHA-256 over ids and references, in order."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps([NAME, split, record.image_id, record.name, record.references]).encode() + b"\n")
    return digest.hexdigest()


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=SPLITS,
        open=open_split,
        files=files,
        card="Chen et al., Microsoft COCO Captions, arXiv:1504.00325; split by Karpathy and Fei-Fei, CVPR 2015, "
        "arXiv:1412.2306. Licence: CC BY 4.0 (captions); photos keep their Flickr licences.",
        found=found,
        where="cs.stanford.edu/people/karpathy/deepimagesent (caption_datasets.zip); cocodataset.org (val2014 photos)",
    )
]
