"""Panoptic truths in the COCO panoptic format, and COCO's semantic truth that is taken from them.

    <root>/coco/annotations/panoptic_val2017.json      its PNGs in annotations/panoptic_val2017 or coco/panoptic_val2017
    <root>/coco/val2017/<12 digits>.jpg
    <root>/ADEChallengeData2016/ade20k_panoptic_val.json, ade20k_panoptic_val/*.png, images/validation/*.jpg
    <root>/cityscapes/gtFine/cityscapes_panoptic_val.json, gtFine/cityscapes_panoptic_val/*_panoptic.png
    <root>/cityscapes/leftImg8bit/val/<city>/<image>_leftImg8bit.png

A PNG holds a segment id per pixel (R + 256 G + 65536 B, 0 = void), the JSON says what every segment is. ADE20K's files
are those of `prepare_ade20k_pan_seg.py` (Mask2Former) out of the challenge's annotations and annotations_instance,
Cityscapes' those of `createPanopticImgs.py` (cityscapesScripts), with the official label ids as category ids.

Samples keep the order of `annotations`. COCO's train2017 (118,287 photos), whose files lie beside those of val2017, is
for those who name it. Counts: COCO val2017 5,000 photos, 80 things and 53 stuff (cocodataset.org,
panoptic task); ADE20K 2,000, 100 things and 50 stuff (sceneparsing.csail.mit.edu, its README; Mask2Former's list of
instance classes); Cityscapes 500, 8 things and 11 stuff (README and labels.py of cityscapesScripts).

COCO semantic: every segment, crowds too, gives its pixels its category; void is ignored. These are the labels of
Mask2Former's `prepare_coco_semantic_annos_from_panoptic_annos.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import ade20k, cityscapes, index_cache, label_maps, photos
from benchmarks.errors import DataError, unknown
from benchmarks.files import parse_json, read_bytes
from benchmarks.panoptic_records import Index, build_index
from benchmarks.panoptic_target import PanopticTarget, TrueSegment, semantic_labels
from benchmarks.schema import Benchmark, ImageRef, Origin, Sample, Split
from benchmarks.truth import Category, MapTarget

READER = "panoptic/1"
"""Part of every cache key: changes whenever the same files would yield another index."""


@dataclass(frozen=True)
class Source:
    """Where the files of one benchmark lie.

    Attributes:
        name: of the benchmark.
        split: the only one.
        json: path of the JSON file below the root.
        folders: folders below the root that may hold its PNGs.
        photos: folders below the root that may hold the photos.
        photo: (image id, recorded file name) -> path of the photo below that folder.
        published: number of images.
        publisher: who has the files, for error texts.
        train: the files of the training split, for those who name it; None where they are not read.
    """

    name: str
    split: str
    json: str
    folders: tuple[str, ...]
    photos: tuple[str, ...]
    photo: Callable[[int | str, str], str]
    published: int
    publisher: str
    train: "Source | None" = None


def open_split(source: Source, semantic: str, root: Path, split: str, origin: Origin) -> Split:
    """Open the split that models are evaluated on.

    Args:
        source: which files.
        semantic: name of the semantic benchmark to make of it; empty for the panoptic one.
        root: data root.
        split: that of the source, or its training split.
        origin: "official" or "sample".

    Raises:
        DataError: files or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    name = semantic or source.name
    known = {each.split: each for each in (source, source.train) if each is not None}
    if split not in known:
        raise unknown(f"split of {name}", split, known)
    source = known[split]
    index = _index(source, root)
    pngs = _pngs(source, root, index)
    pictures = _pictures(source, root, index)
    categories = tuple(Category(number, text, bool(thing)) for number, text, thing in index["categories"])
    names = tuple(category.name for category in categories)
    samples = []
    for (image_id, _, *_, png, segments), picture in zip(index["images"], pictures, strict=True):
        told = tuple(TrueSegment(number, category, area, bool(crowd)) for number, category, area, crowd in segments)
        target = PanopticTarget(pngs[png], picture.size_hw, told, categories)
        samples.append(
            Sample(
                id=f"{name}/{split}/{_readable(image_id)}",
                image=picture,
                image_id=str(image_id),
                question="",
                target=MapTarget(partial(semantic_labels, target), categories) if semantic else target,
                categories=names,
            )
        )
    return Split(
        benchmark=name,
        name=split,
        origin=origin,
        expected=source.published if origin == "official" else None,
        fingerprint=index_cache.key(
            (name, repr(index), label_maps.digest([pngs[each[4]] for each in index["images"]]))
        ),
        samples=tuple(samples),
    )


def found(source: Source, root: Path) -> dict[str, int]:
    """Count the images.

    Raises:
        DataError: the JSON file is missing or broken.
    """
    return {source.split: len(_index(source, root)["images"])}


def files(source: Source, root: Path) -> tuple[Path, ...]:
    """Files and folders of a benchmark, in reading order."""
    folders = (photos.folder_of(root, places) or root / places[0] for places in (source.folders, source.photos))
    return (root / source.json, *folders)


def _index(source: Source, root: Path) -> Index:
    path = root / source.json
    if not path.is_file():
        raise DataError(f"{path} is missing: put it there; it comes from {source.publisher}")
    cached = index_cache.load(index_cache.key((READER, index_cache.digest_file(path))))
    if isinstance(cached, dict):
        return cached
    data = read_bytes(path)
    index = build_index(parse_json(data, path), path)
    index_cache.store(index_cache.key((READER, index_cache.digest_bytes(data))), index)
    return index


def _pngs(source: Source, root: Path, index: Index) -> dict[str, Path]:
    folder = photos.folder_of(root, source.folders) or root / source.folders[0]
    return label_maps.find(folder, [each[4] for each in index["images"]], source.json)


def _pictures(source: Source, root: Path, index: Index) -> list[ImageRef]:
    """Find every photo; those of one folder by one listing."""
    paths = [Path(source.photo(image_id, name)) for image_id, name, *_ in index["images"]]
    below: dict[str, list[str]] = {}
    for path in paths:
        below.setdefault(str(path.parent), []).append(path.name)
    folders = {
        parent: photos.require(
            root, [f"{place}/{parent}".removesuffix("/.") for place in source.photos], names, source.publisher
        )
        for parent, names in below.items()
    }
    sizes = [(height, width) for _, _, height, width, *_ in index["images"]]
    return [ImageRef(folders[str(path.parent)] / path.name, size) for path, size in zip(paths, sizes, strict=True)]


def _readable(image_id: int | str) -> str:
    return f"image-{image_id:012d}" if isinstance(image_id, int) else image_id


def _of_city(image_id: int | str, name: str) -> str:
    """Cityscapes keeps photos by city; the JSON records another name than the photo has."""
    return f"{str(image_id).split('_')[0]}/{image_id}_leftImg8bit.png"


def _coco(split: str, published: int, train: Source | None = None) -> Source:
    return Source(
        name="coco/panoptic",
        split=split,
        json=f"coco/annotations/panoptic_{split}.json",
        folders=(f"coco/annotations/panoptic_{split}", f"coco/panoptic_{split}"),
        photos=(f"coco/{split}", f"images/{split}"),
        photo=lambda image_id, name: name,
        published=published,
        publisher=f"cocodataset.org (panoptic_annotations_trainval2017.zip, {split} photos)",
        train=train,
    )


COCO = _coco("val2017", 5_000, _coco("train2017", 118_287))
ADE20K = Source(
    name="ade20k/panoptic",
    split="val",
    json="ADEChallengeData2016/ade20k_panoptic_val.json",
    folders=("ADEChallengeData2016/ade20k_panoptic_val",),
    photos=(ade20k.PHOTOS,),
    photo=lambda image_id, name: name,
    published=ade20k.SOURCE.published,
    publisher=(
        "sceneparsing.csail.mit.edu (ADEChallengeData2016.zip, annotations_instance.tar), turned into panoptic files "
        "by prepare_ade20k_pan_seg.py of github.com/facebookresearch/Mask2Former"
    ),
)
CITYSCAPES = Source(
    name="cityscapes/panoptic",
    split="val",
    json="cityscapes/gtFine/cityscapes_panoptic_val.json",
    folders=("cityscapes/gtFine/cityscapes_panoptic_val",),
    photos=(cityscapes.PHOTOS,),
    photo=_of_city,
    published=cityscapes.SOURCE.published,
    publisher=(
        "cityscapes-dataset.com (gtFine, leftImg8bit; needs a login), turned into panoptic files by "
        "csCreatePanopticImgs of github.com/mcordts/cityscapesScripts"
    ),
)
COCO_CARD = (
    "Kirillov et al., Panoptic Segmentation, CVPR 2019, arXiv:1801.00868; Lin et al., Microsoft COCO, ECCV 2014, "
    "arXiv:1405.0312. Licence: annotations CC BY 4.0; photos keep their Flickr licences."
)


def _benchmark(source: Source, card: str, semantic: str = "") -> Benchmark:
    return Benchmark(
        name=semantic or source.name,
        splits={source.split: source.published},
        open=partial(open_split, source, semantic),
        files=partial(files, source),
        card=card,
        found=partial(found, source),
        where=source.publisher,
    )


BENCHMARKS = [
    _benchmark(COCO, COCO_CARD),
    _benchmark(COCO, COCO_CARD, semantic="coco/semantic"),
    _benchmark(ADE20K, f"{ade20k.CARD} Segments were painted over each other: a perfect answer scores below 1."),
    _benchmark(CITYSCAPES, cityscapes.CARD),
]
