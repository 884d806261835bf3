"""Captions by Karpathy's splits: `dataset_coco.json` and `dataset_flickr30k.json` as published, and their photos.

    <root>/karpathy/dataset_coco.json     {"images": [{cocoid, split, filepath, filename, sentences: [{raw, …}]}]}
    <root>/images/val2014/COCO_val2014_<12 digits>.jpg      (or images/mscoco/images/…; val and test are of val2014)
    <root>/karpathy/dataset_flickr30k.json  (or flickr30k/…)      {"images": [{split, filename, sentences: [{raw, …}]}]}
    <root>/flickr30k/flickr30k-images/<Flickr's number>.jpg  (or images/flickr30k-images/…)

One sample a photo, in the order of the file; its references are the `raw` sentences in their order. COCO's photos are
numbered by cocoid, Flickr30k's by Flickr, which is how their files are named.
Counts: 5,000 and 5,000 of COCO, 1,014 and 1,000 of Flickr30k, those of the published files (Karpathy and Fei-Fei write
5,000 and 1,000 for each; validation of Flickr30k holds 14 more).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import plain_name
from benchmarks.text_source import Record, TextSource, benchmark_of, objects, unique

SPLITS = ("val", "test")
IMAGE_FOLDERS = ("images/val2014", "images/mscoco/images/val2014")
FLICKR_FOLDERS = ("flickr30k/flickr30k-images", "flickr30k/flickr30k_images", "images/flickr30k-images")
_SPLIT_BY = "split by Karpathy and Fei-Fei, CVPR 2015, arXiv:1412.2306"
_ZIP = "cs.stanford.edu/people/karpathy/deepimagesent (caption_datasets.zip)"
Number = Callable[[Mapping[str, Any], str], str]
"""(image record, its place) -> the number that its dataset gives it."""


def parse(number: Number, contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read val and test.

    Raises:
        DataError: a record is broken or a photo comes twice.
    """
    [content], [path] = contents, paths
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise DataError(f"{path}: 'images' must be a list: fetch Karpathy's {path.name} again")
    found: dict[str, list[Record]] = {split: [] for split in SPLITS}
    for place, image in enumerate(objects(images, f"{path}: images")):
        if image.get("split") in found:
            found[image["split"]].append(_record(number, image, f"{path}: images[{place}]"))
    return {split: unique(records, path) for split, records in found.items()}


def _record(number: Number, image: Mapping[str, Any], place: str) -> Record:
    sentences = image.get("sentences")
    texts: list[Any] = [each.get("raw") if isinstance(each, dict) else None for each in sentences or []]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise DataError(f"{place} needs sentences with a raw text: fetch the file again")
    own = number(image, place)
    return Record(f"image-{own}", plain_name(image.get("filename"), place), own, "", texts)


def _cocoid(image: Mapping[str, Any], place: str) -> str:
    number = image.get("cocoid")
    if type(number) is not int:
        raise DataError(f"{place} needs cocoid (a whole number): fetch the file again")
    return str(number)


def _flickr_number(image: Mapping[str, Any], place: str) -> str:
    return Path(plain_name(image.get("filename"), place)).stem


def _files(*places: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    return dict.fromkeys(SPLITS, (places,))


COCO = TextSource(
    name="coco_captions/karpathy",
    reader="karpathy/2",
    published={"val": 5_000, "test": 5_000},
    files=_files("karpathy/dataset_coco.json"),
    folders=IMAGE_FOLDERS,
    publisher="COCO val2014",
    parse=partial(parse, _cocoid),
)
FLICKR30K = TextSource(
    name="flickr30k/karpathy",
    reader="karpathy/2",
    published={"val": 1_014, "test": 1_000},
    files=_files("karpathy/dataset_flickr30k.json", "flickr30k/dataset_flickr30k.json"),
    folders=FLICKR_FOLDERS,
    publisher="Flickr30k",
    parse=partial(parse, _flickr_number),
)
BENCHMARKS = [
    benchmark_of(
        COCO,
        f"Chen et al., Microsoft COCO Captions, arXiv:1504.00325; {_SPLIT_BY}. Licence: CC BY 4.0 (captions); photos "
        "keep their Flickr licences.",
        f"{_ZIP}; cocodataset.org (val2014 photos)",
    ),
    benchmark_of(
        FLICKR30K,
        "Young et al., From Image Descriptions to Visual Denotations, TACL 2014, no arXiv version; "
        f"{_SPLIT_BY}. Licence: research use, photos keep their Flickr licences.",
        f"{_ZIP}; shannon.cs.illinois.edu/DenotationGraph (photos, by a form)",
    ),
]
