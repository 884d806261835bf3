"""RefCOCO, RefCOCO+ and RefCOCOg in the layout of the official refer tool. One sample per (ref, sentence).

    <root>/refcoco/refs(unc).p        <root>/refcoco/instances.json       (the same for refcoco+)
    <root>/refcocog/refs(umd).p  refs(google).p                <root>/refcocog/instances.json
    <root>/images/train2014/COCO_train2014_<12 digits>.jpg  or  <root>/images/mscoco/images/train2014/…

A refs file is a pickled list of {ref_id, ann_id, category_id, image_id, file_name, split, sent_ids, sentences}, each
sentence {sent_id, sent, raw, tokens}, and "kind" in the sample world, which becomes a tag. `sent` is the expression.
The photo's name is the one in instances.json: the refs' `file_name` has the object's number appended. Boxes are xywh.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import collector_paused, parse_json, parse_pickle, read_bytes
from benchmarks.photos import folder_of, require
from benchmarks.refcoco_records import Annotations, Index, build_index, check_refs, count_sentences, join
from benchmarks.schema import Benchmark, ImageRef, Origin, Sample, Split, Target

READER = "refcoco/1"
"""Part of every cache key: changes whenever the same files would yield another index."""
IMAGE_FOLDERS = ("images/train2014", "images/mscoco/images/train2014")
_MODELING_CONTEXT = "Yu et al., Modeling Context in Referring Expressions, ECCV 2016, arXiv:1608.00272"
_LICENCE = "Licence: refs Apache-2.0 (refer), instances CC BY 4.0 (COCO); photos keep their Flickr licences."


@dataclass(frozen=True)
class Source:
    """Which files make a benchmark: folder under the root, and the partition in the refs file's name."""

    folder: str
    partition: str

    @property
    def name(self) -> str:
        """Name with partition, for example `refcocog/umd`."""
        return f"{self.folder}/{self.partition}"

    def refs_path(self, root: Path) -> Path:
        """The pickled refs of this partition."""
        return root / self.folder / f"refs({self.partition}).p"

    def instances_path(self, root: Path) -> Path:
        """The COCO instances that the refs point into."""
        return root / self.folder / "instances.json"


def open_split(source: Source, published: Mapping[str, int], root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Args:
        source: which files.
        published: official split -> number of expressions.
        root: data root.
        split: official name, or any other name that the refs file holds (the sample world's `shifted`).
        origin: "official" or "sample".

    Raises:
        DataError: files or photos are missing, or a record is broken.
        UnknownName: no such split, neither published nor in the file.
    """
    counts = found(source, published, root)
    if split not in counts:
        if split not in published:
            raise unknown(f"split of {source.name}", split, {*published, *counts})
        raise DataError(
            f"{source.refs_path(root)}: holds no expression of split {split}, only of {', '.join(counts) or 'none'}; "
            f"choose one of those or fetch the whole file"
        )
    index, fingerprint = _index(source, root, split)
    return Split(
        benchmark=source.name,
        name=split,
        origin=origin,
        expected=published.get(split) if origin == "official" else None,
        fingerprint=fingerprint,
        samples=_samples(index, source.name, split, _photos(index, root)),
    )


def found(source: Source, published: Mapping[str, int], root: Path) -> dict[str, int]:
    """Count the expressions of every split in the refs file: official splits in official order, then others.

    Raises:
        DataError: the root or the refs file is missing or unreadable.
    """
    _require_root(root)
    path = source.refs_path(root)
    entry = index_cache.key((READER, "splits", index_cache.digest_file(path)))
    counts = index_cache.load(entry)
    if not isinstance(counts, dict):
        data = read_bytes(path)
        counts = count_sentences(check_refs(parse_pickle(data, path), path))
        index_cache.store(index_cache.key((READER, "splits", index_cache.digest_bytes(data))), counts)
    order = [*published, *(name for name in counts if name not in published)]
    return {name: counts[name] for name in order if counts.get(name)}


def files(source: Source, root: Path) -> tuple[Path, ...]:
    """Files and folders of a benchmark, in reading order."""
    photos = folder_of(root, IMAGE_FOLDERS) or root / IMAGE_FOLDERS[0]
    return (source.refs_path(root), source.instances_path(root), photos)


def _require_root(root: Path) -> None:
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"data root {root} {what}: point --data-root at the folder that holds refcoco/ and images/")


def _index(source: Source, root: Path, split: str) -> tuple[Index, str]:
    """One split's index and fingerprint, from the cache or from the files."""
    paths = (source.refs_path(root), source.instances_path(root))
    cached = index_cache.load(_entry(source, split, tuple(index_cache.digest_file(path) for path in paths)))
    if isinstance(cached, dict):
        return cached["index"], cached["fingerprint"]
    with collector_paused():
        annotations, digests = _parse(paths)
        chosen = _build(source, split, annotations, digests)
        _build_others(source, split, annotations, digests)
    return chosen


def _entry(source: Source, split: str, digests: tuple[str, ...]) -> str:
    return index_cache.key((READER, source.name, split, *digests))


def _parse(paths: tuple[Path, Path]) -> tuple[Annotations, tuple[str, ...]]:
    """Parse both files; the digests are of the very bytes that were parsed."""
    refs_path, instances_path = paths
    data = read_bytes(refs_path)
    refs = check_refs(parse_pickle(data, refs_path), refs_path)
    refs_digest = index_cache.digest_bytes(data)
    data = read_bytes(instances_path)
    annotations = join(refs, refs_path, parse_json(data, instances_path), instances_path)
    return annotations, (refs_digest, index_cache.digest_bytes(data))


def _build(source: Source, split: str, annotations: Annotations, digests: tuple[str, ...]) -> tuple[Index, str]:
    index = build_index(annotations, split)
    fingerprint = _fingerprint(index, source.name, split)
    index_cache.store(_entry(source, split, digests), {"index": index, "fingerprint": fingerprint})
    return index, fingerprint


def _build_others(source: Source, split: str, annotations: Annotations, digests: tuple[str, ...]) -> None:
    """Index the other evaluation splits while the files are parsed; parsing costs far more than a split does."""
    for other in count_sentences(annotations.refs):
        if other not in (split, "train"):
            try:
                _build(source, other, annotations, digests)
            except DataError:
                continue  # it stands in the way of nobody until that split is opened, which then says so


def _fingerprint(index: Index, benchmark: str, split: str) -> str:
    """SHA-256 over ids, questions and targets, in order."""
    digest = hashlib.sha256()
    for row, sent_id, text, _ in index["sentences"]:
        ref_id, image_row, box, counts = index["objects"][row]
        _, image_id, height, width = index["images"][image_row]
        line = [_sample_id(benchmark, split, ref_id, sent_id), image_id, text, box, [height, width], counts]
        digest.update(json.dumps(line).encode() + b"\n")
    return digest.hexdigest()


def _sample_id(benchmark: str, split: str, ref_id: int, sent_id: int) -> str:
    return f"{benchmark}/{split}/ref-{ref_id}/sent-{sent_id}"


def _samples(index: Index, benchmark: str, split: str, photos: list[ImageRef]) -> tuple[Sample, ...]:
    targets = [
        Target(box_xyxy=tuple(box), mask_rle={"size": list(photos[image_row].size_hw), "counts": counts})
        for _, image_row, box, counts in index["objects"]
    ]
    samples = []
    for row, sent_id, text, kind in index["sentences"]:
        ref_id, image_row = index["objects"][row][:2]
        samples.append(
            Sample(
                id=_sample_id(benchmark, split, ref_id, sent_id),
                image=photos[image_row],
                image_id=str(index["images"][image_row][1]),
                question=text,
                target=targets[row],
                tags={} if kind is None else {"kind": kind},
            )
        )
    return tuple(samples)


def _photos(index: Index, root: Path) -> list[ImageRef]:
    """Find every photo of the split, by one listing of the folder.

    Raises:
        DataError: the folder or any photo is missing: a benchmark with holes would give another number.
    """
    folder = require(root, IMAGE_FOLDERS, [name for name, *_ in index["images"]], "COCO train2014")
    return [ImageRef(folder / name, (height, width)) for name, _, height, width in index["images"]]


def _benchmark(folder: str, partition: str, splits: dict[str, int], paper: str) -> Benchmark:
    source = Source(folder, partition)
    return Benchmark(
        name=source.name,
        splits=splits,
        open=partial(open_split, source, splits),
        files=partial(files, source),
        card=f"{paper}. {_LICENCE}",
        found=partial(found, source, splits),
        where=f"github.com/lichengunc/refer ({folder}.zip); cocodataset.org (train2014 photos)",
    )


BENCHMARKS = [
    _benchmark("refcoco", "unc", {"train": 120_624, "val": 10_834, "testA": 5_657, "testB": 5_095}, _MODELING_CONTEXT),
    _benchmark("refcoco+", "unc", {"train": 120_191, "val": 10_758, "testA": 5_726, "testB": 4_889}, _MODELING_CONTEXT),
    _benchmark(
        "refcocog", "umd", {"train": 80_512, "val": 4_896, "test": 9_602},
        "Mao et al., CVPR 2016, arXiv:1511.02283; split by Nagaraja et al., ECCV 2016, arXiv:1608.00525",
    ),
    _benchmark(
        "refcocog", "google", {"train": 85_474, "val": 9_536},
        "Mao et al., Generation and Comprehension of Unambiguous Object Descriptions, CVPR 2016, arXiv:1511.02283",
    ),
]  # fmt: skip
