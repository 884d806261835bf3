"""COCO-Interactive: segment the object of COCO val2017 that a point, a scribble, a box or a rough mask marks.

    <root>/coco_interactive/coco_interactive_val_psalm.json     (or coco/, or the root itself)
    <root>/coco/val2017/<12 digits>.jpg                         (or the other places of COCO photos)

The file is the list that PSALM publishes (build_COCO_Interactivate.py): a record per photo with `image` (file name),
`image_info` (COCO's image record) and `anns`, COCO's annotations with four prompts each as compressed RLE:
`point_visual_prompt_mask`, `scribble_…`, `box_…` and `mask_…`. Each kind of prompt is a split, each object a sample.
Every part of an object has a pixel (point), a rectangle whose sides are off by up to 5 % (box) and a wavy line that may
leave it (scribble); the mask prompt is the object's mask, blurred.

As in PSALM's evaluation, groups (iscrowd) are not asked, nor are objects whose prompt of the kind is empty, because
every part has 5 pixels or fewer. Their number stands in the notes. COCO val2017 has 36,335 objects that are no groups
(the count that Detectron2 prints for it); what the file lacks of them makes a split incomplete. How many objects PSALM
was scored on per prompt is not published.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from benchmarks import index_cache
from benchmarks.coco import photo_folders
from benchmarks.errors import DataError, unknown
from benchmarks.files import parse_json, plain_name, read_bytes
from benchmarks.geometry import middles, union_rle, xywh_to_xyxy
from benchmarks.photos import folder_of, require
from benchmarks.run_lengths import covered_pixels
from benchmarks.schema import Benchmark, ImageRef, Origin, Region, Rle, Sample, Split, Target

READER = "coco_interactive/1"
NAME = "coco_interactive/val2017"
FILE = "coco_interactive_val_psalm.json"
PLACES = (f"coco_interactive/{FILE}", f"coco/{FILE}", FILE)
OBJECTS = 36_335
Kind = Literal["point", "scribble", "box", "mask"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SMALL, MEDIUM = 32**2, 96**2
"""Upper ends of COCO's ranges of areas, in square pixels."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One object with one prompt, ready for the index cache.

    Attributes:
        number: id of the annotation.
        image_id, file_name, height, width: its photo.
        box_xywh, area: as annotated.
        target: the counts of its mask.
        prompt: the counts of its prompt's mask.
        points_xy: middles of the prompt's pixels, row by row, for a point; empty for the others.
    """

    number: int
    image_id: int
    file_name: str
    height: int
    width: int
    box_xywh: Sequence[float]
    area: float
    target: str
    prompt: str
    points_xy: Sequence[Sequence[float]] = ()

    def rle(self, counts: str) -> Rle:
        """A mask of the photo's size."""
        return {"size": [self.height, self.width], "counts": counts}


@dataclass(frozen=True, slots=True)
class _Found:
    """What a file holds for one kind of prompt, and how many objects it does not ask about."""

    marked: list[Marked]
    without_prompt: int
    groups: int


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the objects with one kind of prompt.

    Raises:
        DataError: the file or a photo is missing, or a record is broken.
        UnknownName: there is no such kind of prompt.
    """
    if split not in KINDS:
        raise unknown(f"split of {NAME}", split, KINDS)
    kind: Kind = split
    found = _index(root)[kind]
    names = list(dict.fromkeys(each.file_name for each in found.marked))
    folder = require(root, photo_folders("val2017"), names, "COCO val2017")
    return Split(
        benchmark=NAME,
        name=split,
        origin=origin,
        expected=OBJECTS - found.without_prompt if origin == "official" else None,
        fingerprint=_fingerprint(kind, found.marked),
        samples=tuple(_sample(kind, each, folder) for each in found.marked),
        notes=tuple(_notes(kind, found)),
    )


def found(root: Path) -> dict[str, int]:
    """Count the objects with each kind of prompt.

    Raises:
        DataError: the file is missing or broken.
    """
    return {kind: len(each.marked) for kind, each in _index(root).items()}


def files(root: Path) -> tuple[Path, ...]:
    """The file of prompts and the folder of photos."""
    folders = photo_folders("val2017")
    return (_path(root), folder_of(root, folders) or root / folders[0])


def _path(root: Path) -> Path:
    return next((root / place for place in PLACES if (root / place).is_file()), root / PLACES[0])


def _notes(kind: Kind, found: _Found) -> Iterator[str]:
    if found.groups:
        yield f"{found.groups} groups (iscrowd) are not asked, as PSALM leaves them out"
    if found.without_prompt:
        yield f"{found.without_prompt} objects have an empty {kind} prompt and are not asked, as PSALM leaves them out"


def _sample(kind: Kind, marked: Marked, folder: Path) -> Sample:
    return Sample(
        id=f"{NAME}/{kind}/annotation-{marked.number}",
        image=ImageRef(folder / marked.file_name, (marked.height, marked.width)),
        image_id=str(marked.image_id),
        question="",
        target=Target(xywh_to_xyxy(marked.box_xywh), marked.rle(marked.target)),
        tags={"size": "small" if marked.area < SMALL else "medium" if marked.area < MEDIUM else "large"},
        regions=(_region(kind, marked),),
    )


def _region(kind: Kind, marked: Marked) -> Region:
    from pycocotools import mask as coco_mask

    rle = marked.rle(marked.prompt)
    if kind == "box":
        return Region(kind, box_xyxy=xywh_to_xyxy(coco_mask.toBbox(dict(rle)).tolist()), mask_rle=rle)
    return Region(kind, points_xy=tuple((x, y) for x, y in marked.points_xy), mask_rle=rle)


def _index(root: Path) -> dict[Kind, _Found]:
    """Read all four kinds from the cache, or from the file, which is parsed once for all of them."""
    path = _path(root)
    digest = index_cache.digest_file(path)
    cached = {kind: index_cache.load(_entry(kind, digest)) for kind in KINDS}
    if all(isinstance(each, dict) for each in cached.values()):
        return {
            kind: _Found([Marked(*row) for row in each["marked"]], each["without_prompt"], each["groups"])
            for kind, each in cached.items()
        }
    data = read_bytes(path)
    index = _parse(parse_json(data, path), path)
    digest = index_cache.digest_bytes(data)
    for kind, each in index.items():
        rows = [[getattr(one, name) for name in Marked.__slots__] for one in each.marked]
        facts = {"without_prompt": each.without_prompt, "groups": each.groups}
        index_cache.store(_entry(kind, digest), {"marked": rows, **facts})
    return index


def _entry(kind: Kind, digest: str) -> str:
    return index_cache.key((READER, kind, digest))


def _parse(content: Any, path: Path) -> dict[Kind, _Found]:
    if not isinstance(content, list) or not content:
        raise DataError(f"{path}: must be a list with a record for each photo: fetch the file again")
    found: dict[Kind, list[Marked]] = {kind: [] for kind in KINDS}
    objects = groups = 0
    images: set[int] = set()
    numbers: set[int] = set()
    for place, record in enumerate(content):
        photo, annotations = _photo(record, f"{path}: [{place}]", images)
        for annotation in annotations:
            number = _number(annotation, photo, f"{path}: [{place}]", numbers)
            if annotation["iscrowd"]:
                groups += 1
                continue
            objects += 1
            for kind, marked in _marked(annotation, photo, f"{path}: annotation {number}"):
                found[kind].append(marked)
    return {kind: _Found(marked, objects - len(marked), groups) for kind, marked in found.items()}


_Photo = tuple[int, str, int, int]
"""(image id, file name, height, width)"""


def _photo(record: Any, place: str, seen: set[int]) -> tuple[_Photo, list[Any]]:
    info, annotations = (record.get(key) if isinstance(record, dict) else None for key in ("image_info", "anns"))
    fields = info if isinstance(info, dict) else {}
    number, height, width = (fields.get(key) for key in ("id", "height", "width"))
    if type(number) is not int or type(height) is not int or type(width) is not int or min(height, width) < 1:
        raise DataError(f"{place} needs image_info with id, height and width: fetch the file again")
    if not isinstance(annotations, list):
        raise DataError(f"{place} needs anns, a list of annotations: fetch the file again")
    if number in seen:
        raise DataError(f"{place}: image {number} comes twice: fetch the file again")
    seen.add(number)
    return (number, plain_name(record.get("image"), place), height, width), annotations


def _number(annotation: Any, photo: _Photo, place: str, seen: set[int]) -> int:
    """Check the fields of an annotation that are no masks; return its id."""
    fields = annotation if isinstance(annotation, dict) else {}
    number, box, area = fields.get("id"), fields.get("bbox"), fields.get("area")
    if type(number) is not int or fields.get("iscrowd") not in (0, 1) or not _are_numbers([area]):
        raise DataError(f"{place}: an annotation needs id, area and iscrowd (0 or 1): fetch the file again")
    if number in seen:
        raise DataError(f"{place}: annotation {number} comes twice: fetch the file again")
    seen.add(number)
    if fields.get("image_id", photo[0]) != photo[0]:
        raise DataError(f"{place}: annotation {number} is of image {fields['image_id']}: fetch the file again")
    if not isinstance(box, list) or len(box) != 4 or not _are_numbers(box) or min(box[2:]) < 0:
        raise DataError(f"{place}: annotation {number}: bbox must be x, y, width, height: fetch the file again")
    return number


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(type(value) in (int, float) for value in values)


def _marked(annotation: dict[str, Any], photo: _Photo, place: str) -> Iterator[tuple[Kind, Marked]]:
    """Yield an object with every prompt that has a pixel."""
    target = _rle(annotation, "segmentation", photo, place)
    for kind in KINDS:
        prompt = _rle(annotation, f"{kind}_visual_prompt_mask", photo, place)
        if not (pixels := _area(prompt)):
            continue
        if not _area(target):
            raise DataError(f"{place} has a {kind} prompt but its segmentation covers no pixel: fetch the file again")
        box, area = annotation["bbox"], annotation["area"]
        yield (
            kind,
            Marked(
                annotation["id"],
                *photo,
                box,
                area,
                target["counts"],
                prompt["counts"],
                _points(prompt, pixels) if kind == "point" else (),
            ),
        )


def _rle(annotation: dict[str, Any], key: str, photo: _Photo, place: str) -> Rle:
    """Check a mask. Compressed ones are kept as they are, which spares decoding some 150,000 of them."""
    shape, size_hw = annotation.get(key), photo[2:]
    counts = shape.get("counts") if isinstance(shape, dict) else None
    try:
        if isinstance(shape, dict) and isinstance(counts, str) and shape.get("size") == list(size_hw):
            if (covered := covered_pixels(counts)) != size_hw[0] * size_hw[1]:
                raise ValueError(f"the RLE's runs cover {covered} of {size_hw[0] * size_hw[1]} pixels")
            return {"size": list(size_hw), "counts": counts}
        return union_rle(shape, size_hw, empty=True)
    except ValueError as error:
        raise DataError(f"{place}: {key}: {error}: fetch the file again") from None


def _points(prompt: Rle, pixels: int) -> list[tuple[float, float]]:
    """Middles of the pixels of a prompt; where it is a single one, its box tells which without drawing the mask."""
    if pixels > 1:
        return middles(prompt)
    from pycocotools import mask as coco_mask

    x, y, _, _ = coco_mask.toBbox(dict(prompt)).tolist()
    return [(x + 0.5, y + 0.5)]


def _area(rle: Rle) -> int:
    from pycocotools import mask as coco_mask

    return int(coco_mask.area(dict(rle)))


def _fingerprint(kind: Kind, marked: Sequence[Marked]) -> str:
    """SHA-256 over ids, prompts and masks, in order."""
    digest = hashlib.sha256()
    for each in marked:
        facts = [kind, each.number, each.image_id, each.file_name, each.height, each.width, each.target, each.prompt]
        digest.update(json.dumps(facts).encode() + b"\n")
    return digest.hexdigest()


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=dict.fromkeys(KINDS, 0),
        open=open_split,
        files=files,
        card=(
            "Zhang et al., PSALM: Pixelwise SegmentAtion with Large Multi-Modal Model, ECCV 2024, arXiv:2403.14598. "
            "Licence: that of COCO's annotations (CC BY 4.0); photos keep their Flickr licences."
        ),
        found=found,
        where="github.com/zamling/PSALM (docs/DATASET.md, PSALM_data.zip); cocodataset.org (val2017 photos)",
    )
]
