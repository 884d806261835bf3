"""gRefCOCO in its official layout: expressions with one, several or no targets. One sample per (ref, sentence).

    <root>/grefcoco/grefs(unc).json        <root>/grefcoco/instances.json
    <root>/images/train2014/COCO_train2014_<12 digits>.jpg  or  <root>/images/mscoco/images/train2014/…

grefs(unc).json is a list of the refer tool's records whose ann_id is a list of annotations, [-1] where the expression
has no target; no_target, where it is there, says the same. The target is the union of the annotations without crowds,
as ReLA's loader takes it, with the box around it. The official file also holds refs without sentences: no samples.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import collector_paused, parse_json, read_bytes
from benchmarks.geometry import union_rle, xywh_to_xyxy
from benchmarks.photos import folder_of, sized
from benchmarks.refcoco import IMAGE_FOLDERS
from benchmarks.refcoco_records import Annotations, Index, Record, build_index, check_refs, count_sentences, join
from benchmarks.schema import Benchmark, ImageRef, Origin, Rle, Sample, Split, Target

NAME = "grefcoco/unc"
FOLDER = "grefcoco"
SPLITS = {"testA": 19_200, "testB": 16_063}
"""Expressions in the released file. Those of train and val are not established: such a split has no expected count."""
READER = "grefcoco/1"
"""Part of every cache key: changes whenever the same files would yield another index."""
_ABSENT: tuple[list[int], ...] = ([-1], [])
_CORNER = {"bbox": [0, 0, 1, 1], "segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]]}
"""A stand-in annotation that fits into every image."""


def has_target(sample: Sample) -> bool:
    """Whether anything in the picture is meant; true for every sample of a benchmark that does not ask about none."""
    return sample.tags.get("targets") != "none"


def refs_path(root: Path) -> Path:
    """The file of expressions."""
    return root / FOLDER / "grefs(unc).json"


def instances_path(root: Path) -> Path:
    """The COCO instances that the expressions point into."""
    return root / FOLDER / "instances.json"


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Args:
        root: data root.
        split: official name, or any other name that the file holds (the sample world's `shifted`).
        origin: "official" or "sample".

    Raises:
        DataError: files or photos are missing, or a record is broken.
        UnknownName: no such split, neither published nor in the file.
    """
    counts = found(root)
    if split not in counts:
        if split not in SPLITS:
            raise unknown(f"split of {NAME}", split, {*SPLITS, *counts})
        raise DataError(
            f"{refs_path(root)}: holds no expression of split {split}, only of {', '.join(counts) or 'none'}; "
            "choose one of those or fetch the whole file"
        )
    index = _index(root, split)
    return Split(
        benchmark=NAME,
        name=split,
        origin=origin,
        expected=SPLITS.get(split) if origin == "official" else None,
        fingerprint=_fingerprint(index, split),
        samples=tuple(_samples(index, split, _photos(index, root))),
    )


def found(root: Path) -> dict[str, int]:
    """Count the expressions of every split in the file: those with a published count first.

    Raises:
        DataError: the file is missing or unreadable.
    """
    path = refs_path(root)
    counts = index_cache.load(_entry("splits", index_cache.digest_file(path)))
    if not isinstance(counts, dict):
        data = read_bytes(path)
        counts = count_sentences(check_refs(parse_json(data, path), path))
        index_cache.store(_entry("splits", index_cache.digest_bytes(data)), counts)
    order = [*SPLITS, *(name for name in counts if name not in SPLITS)]
    return {name: counts[name] for name in order if counts.get(name)}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders that gRefCOCO needs, in reading order."""
    return (refs_path(root), instances_path(root), folder_of(root, IMAGE_FOLDERS) or root / IMAGE_FOLDERS[0])


def _entry(what: str, *digests: str) -> str:
    return index_cache.key((READER, what, *digests))


def _index(root: Path, split: str) -> Index:
    """One split's images, objects [ref id, image row, targets, box, RLE counts] and sentences; cached."""
    paths = (refs_path(root), instances_path(root))
    cached = index_cache.load(_entry(f"split {split}", *(index_cache.digest_file(path) for path in paths)))
    if isinstance(cached, dict):
        return cached
    contents = [read_bytes(path) for path in paths]
    with collector_paused():
        refs, instances = (parse_json(data, path) for data, path in zip(contents, paths, strict=True))
        index = _build(join(check_refs(refs, paths[0]), paths[0], instances, paths[1]), split)
    index_cache.store(_entry(f"split {split}", *(index_cache.digest_bytes(data) for data in contents)), index)
    return index


def _build(annotations: Annotations, split: str) -> Index:
    """Check and join the records of one split.

    Ids, images and sentences are those of the refer tool, so its index is built, with a stand-in for the annotation;
    what is really meant, which may be nothing or several, then takes its place.
    """
    refs = [record for record in annotations.refs if record["split"] == split and record["sentences"]]
    index = build_index(
        Annotations(
            [{**record, "ann_id": row} for row, record in enumerate(refs)],
            annotations.refs_path,
            annotations.images,
            {row: {"image_id": record.get("image_id"), **_CORNER} for row, record in enumerate(refs)},
            annotations.instances_path,
        ),
        split,
    )
    masks: dict[int, Rle] = {}
    for record, entry in zip(refs, index["objects"], strict=True):
        height, width = index["images"][entry[1]][2:]
        entry[2:] = _truth(record, annotations, (height, width), masks)
    return index


def _truth(record: Record, annotations: Annotations, size_hw: tuple[int, int], masks: dict[int, Rle]) -> list[Any]:
    """How many are meant ("none", "one", "many"), the box around them and their joint mask."""
    from pycocotools import mask as coco_mask

    meant = _meant(record, annotations)
    for ann_id in meant:
        if ann_id not in masks:
            masks[ann_id] = _mask(annotations, ann_id, record["ref_id"], size_hw)
    chosen = [dict(masks[ann_id]) for ann_id in meant if not annotations.instances[ann_id].get("iscrowd")]
    if not chosen:
        chosen = [coco_mask.frPyObjects({"size": list(size_hw), "counts": [size_hw[0] * size_hw[1]]}, *size_hw)]
    joint = coco_mask.merge(chosen)
    targets = "none" if not meant else "one" if len(meant) == 1 else "many"
    return [targets, list(xywh_to_xyxy(coco_mask.toBbox(joint).tolist())), joint["counts"].decode("ascii")]


def _meant(record: Record, annotations: Annotations) -> list[int]:
    """The annotations that a ref means, each once; empty where it has no target."""
    place, ann_id = f"{annotations.refs_path}: ref {record['ref_id']}", record.get("ann_id")
    named: list[Any] = ann_id if isinstance(ann_id, list) else [ann_id]
    if not all(type(each) is int for each in named):
        raise DataError(f"{place}: ann_id must be a list of whole numbers, got {ann_id!r}; correct the record")
    flag = record.get("no_target", named in _ABSENT)
    if flag is not (named in _ABSENT):
        raise DataError(f"{place}: no_target is {flag!r} but ann_id is {ann_id!r}; correct the record")
    if flag:
        return []
    other, remedy = annotations.instances_path, "fetch both files of one release"
    for each in named:
        if each not in annotations.instances:
            raise DataError(f"{place}: annotation {each} is not in {other}; {remedy}")
        theirs = annotations.instances[each].get("image_id")
        if theirs != record["image_id"]:
            raise DataError(
                f"{place}: is on image {record['image_id']} but annotation {each} of {other} on {theirs}; {remedy}"
            )
    return list(dict.fromkeys(named))


def _mask(annotations: Annotations, ann_id: int, ref_id: int, size_hw: tuple[int, int]) -> Rle:
    try:
        return union_rle(annotations.instances[ann_id].get("segmentation"), size_hw)
    except ValueError as error:
        place = f"{annotations.instances_path}: annotation {ann_id} (ref {ref_id})"
        raise DataError(f"{place}: {error}; correct the record") from None


def _photos(index: Index, root: Path) -> list[ImageRef]:
    """Find every photo of the split; each must have the size of its record."""
    names = [name for name, *_ in index["images"]]
    photos = sized(root, IMAGE_FOLDERS, names, "COCO train2014")
    for name, image_id, height, width in index["images"]:
        if photos[name].size_hw != (height, width):
            there = "{1}x{0}".format(*photos[name].size_hw)
            raise DataError(
                f"{photos[name].path} is {there} but image {image_id} of {instances_path(root)} says {width}x{height}: "
                "fetch the original file"
            )
    return [photos[name] for name in names]


def _sample_id(split: str, ref_id: int, sent_id: int) -> str:
    return f"{NAME}/{split}/ref-{ref_id}/sent-{sent_id}"


def _samples(index: Index, split: str, photos: Sequence[ImageRef]) -> Iterator[Sample]:
    truths = [
        Target(box_xyxy=tuple(box), mask_rle={"size": list(photos[image_row].size_hw), "counts": counts})
        for _, image_row, _, box, counts in index["objects"]
    ]
    for row, sent_id, text, _ in index["sentences"]:
        ref_id, image_row, targets = index["objects"][row][:3]
        yield Sample(
            id=_sample_id(split, ref_id, sent_id),
            image=photos[image_row],
            image_id=str(index["images"][image_row][1]),
            question=text,
            target=truths[row],
            tags={"targets": targets},
        )


def _fingerprint(index: Index, split: str) -> str:
    """SHA-256 over ids, questions and targets, in order."""
    digest = hashlib.sha256()
    for row, sent_id, text, _ in index["sentences"]:
        ref_id, image_row, *truth = index["objects"][row]
        line = [_sample_id(split, ref_id, sent_id), *index["images"][image_row][1:], text, *truth]
        digest.update(json.dumps(line).encode() + b"\n")
    return digest.hexdigest()


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=SPLITS,
        open=open_split,
        files=files,
        card=(
            "Liu et al., GRES: Generalized Referring Expression Segmentation, CVPR 2023, arXiv:2306.00968. "
            "Licence: expressions CC BY-NC-SA 4.0, instances CC BY 4.0 (COCO); photos keep their Flickr licences."
        ),
        found=found,
        where="github.com/henghuiding/gRefCOCO; cocodataset.org (train2014 photos)",
    )
]
