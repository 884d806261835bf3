"""Benchmarks whose truth is text: annotation files that name photos, questions and answers, one sample a record.

A reader describes its files as a `TextSource` with a function that turns their content into records; opening, caching,
counting and the fingerprint are the same for all. Sizes of photos are read from their headers where no file records
them, or where nothing in the photo is located and the recorded size is that of another copy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import collector_paused, parse_json, read_bytes
from benchmarks.photos import folder_of, sized
from benchmarks.regions import point
from benchmarks.schema import Benchmark, ImageRef, Origin, Region, Sample, Split, TextTarget
from benchmarks.splits import build_split


@dataclass(frozen=True, slots=True)
class Record:
    """One sample as its annotation file gives it, ready for the index cache.

    Attributes:
        key: last part of the sample's id, a kind and the file's own number: `question-12`, `image-7`.
        photo: plain file name.
        image_id: groups records of one picture.
        question: as annotated, empty where the whole picture is described.
        answers: every accepted answer or reference, in file order.
        tags: facts to slice by.
        box_xyxy: the region that is asked about, four numbers in pixels; empty for none.
        point_xy: likewise a point, two numbers in pixels; it must lie on the photo.
    """

    key: str
    photo: str
    image_id: str
    question: str
    answers: Sequence[str]
    tags: Mapping[str, str] = field(default_factory=dict)
    box_xyxy: Sequence[float] = ()
    point_xy: Sequence[float] = ()

    def row(self) -> list[Any]:
        """Its fields in order, for JSON."""
        told = [self.key, self.photo, self.image_id, self.question, self.answers, self.tags, self.box_xyxy]
        return [*told, self.point_xy] if self.point_xy else told


Parse = Callable[[Sequence[Any], Sequence[Path]], Mapping[str, list[Record]]]
"""(contents of the files of a split, their paths) -> records by split; they may hold other splits as well."""
Shown = ImageRef | tuple[ImageRef, ...]
"""A photo, or the frames of a video in time order."""
Find = Callable[[Path, Iterable[str]], Mapping[str, Shown]]
"""(data root, names) -> photos or videos. Raises DataError where one is missing or no image."""


@dataclass(frozen=True)
class TextSource:
    """Which files make a benchmark, and how they are read.

    Attributes:
        name: with partition, for example `gqa/balanced`.
        reader: part of every cache key, changes whenever the same files would yield other records.
        published: official split -> number of samples, 0 where none is published.
        files: split -> its annotation files, each as the places below the data root where it may lie.
        folders: where the photos may lie; the first folder that exists holds them.
        publisher: whose photos they are, for error texts.
        parse: reads the records.
        find: finds photos that do not all lie in one of the folders, or videos.
    """

    name: str
    reader: str
    published: Mapping[str, int]
    files: Mapping[str, tuple[tuple[str, ...], ...]]
    folders: tuple[str, ...]
    publisher: str
    parse: Parse
    find: Find | None = None

    def paths(self, root: Path, split: str) -> tuple[Path, ...]:
        """The annotation files of a split: where they are, or else where they should be."""
        return tuple(_place(root, places) for places in self.files[split])

    def shown(self, root: Path, names: Iterable[str]) -> Mapping[str, Shown]:
        """Find photos or videos by name.

        Raises:
            DataError: one is missing or no image.
        """
        return self.find(root, names) if self.find else sized(root, self.folders, names, self.publisher)


def benchmark_of(source: TextSource, card: str, where: str) -> Benchmark:
    """Build the benchmark that reads a source."""
    return Benchmark(
        name=source.name,
        splits=source.published,
        open=partial(open_split, source),
        files=partial(files, source),
        card=card,
        found=partial(found, source),
        where=where,
    )


def open_split(source: TextSource, root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Raises:
        DataError: files or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    if split not in source.published:
        raise unknown(f"split of {source.name}", split, source.published)
    records = read(source, root, split)
    if not records:
        raise DataError(f"{source.paths(root, split)[0]}: holds nothing of split {split}: fetch the whole file")
    shown = source.shown(root, (record.photo for record in records))
    return build_split(
        source.name,
        split,
        origin,
        published=source.published[split],
        samples=(_sample(source, split, record, shown[record.photo]) for record in records),
        facts=(record.row() for record in records),
    )


def found(source: TextSource, root: Path) -> dict[str, int]:
    """Count the records of every split whose annotation files are here.

    Raises:
        DataError: a file is broken, or no split has all of its files.
    """
    here = [split for split in source.published if all(path.is_file() for path in source.paths(root, split))]
    if not here:
        missing = next(path for path in source.paths(root, next(iter(source.published))) if not path.is_file())
        raise DataError(f"{missing} is missing: put it there or point --data-root at the folder that has it")
    counts = {split: len(read(source, root, split)) for split in here}
    return {split: count for split, count in counts.items() if count}


def files(source: TextSource, root: Path) -> tuple[Path, ...]:
    """Files and folders that a benchmark needs, in reading order."""
    annotations = dict.fromkeys(path for split in source.published for path in source.paths(root, split))
    return (*annotations, folder_of(root, source.folders) or root / source.folders[0])


def read(source: TextSource, root: Path, split: str) -> list[Record]:
    """Read the records of a split from the cache or from its files.

    Raises:
        DataError: a file is missing or broken.
    """
    paths = source.paths(root, split)
    cached = index_cache.load(_entry(source, split, [index_cache.digest_file(path) for path in paths]))
    if isinstance(cached, list):
        return [Record(*row) for row in cached]
    data = [read_bytes(path) for path in paths]
    with collector_paused():
        contents = [parse_json(each, path) if path.suffix == ".json" else each for each, path in _pairs(data, paths)]
        by_split = source.parse(contents, paths)
    digests = [index_cache.digest_bytes(each) for each in data]
    for name, records in by_split.items():
        index_cache.store(_entry(source, name, digests), [record.row() for record in records])
    return list(by_split.get(split, ()))


def listed(content: Any, key: str, path: Path) -> list[Mapping[str, Any]]:
    """Take the list of objects under a key.

    Raises:
        DataError: it is absent, empty, or holds something else than objects.
    """
    records = content.get(key) if isinstance(content, dict) else None
    if not isinstance(records, list) or not records:
        raise DataError(f"{path}: '{key}' must be a list with records: fetch the file again")
    return objects(records, f"{path}: {key}")


def objects(records: list[Any], place: str) -> list[Mapping[str, Any]]:
    """Check that every entry of a list is an object.

    Raises:
        DataError: one is not.
    """
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"{place}[{number}] must be an object: fetch the file again")
    return records


def text(record: Mapping[str, Any], key: str, place: str) -> str:
    """Take a text that is not blank.

    Raises:
        DataError: it is absent, blank or no text.
    """
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{place}: {key} must be a text, got {value!r}: fetch the file again")
    return value


def whole(record: Mapping[str, Any], key: str, place: str) -> int:
    """Take a whole number.

    Raises:
        DataError: it is absent or no whole number.
    """
    value = record.get(key)
    if type(value) is not int:
        raise DataError(f"{place}: {key} must be a whole number, got {value!r}: fetch the file again")
    return value


def texts(values: Any, what: str, place: str) -> list[str]:
    """Check a list of texts: at least one, none blank.

    Raises:
        DataError: it is not that.
    """
    if not isinstance(values, list) or not values or not all(isinstance(each, str) and each.strip() for each in values):
        raise DataError(f"{place}: {what} must be a list of texts, at least one: fetch the file again")
    return values


def unique(records: Sequence[Record], path: Path) -> list[Record]:
    """Check that no key comes twice.

    Raises:
        DataError: one does.
    """
    seen: set[str] = set()
    for record in records:
        if record.key in seen:
            raise DataError(f"{path}: {record.key.replace('-', ' ', 1)} comes twice: fetch the file again")
        seen.add(record.key)
    return list(records)


def _sample(source: TextSource, split: str, record: Record, shown: Shown) -> Sample:
    photo, frames = (shown[0], shown) if isinstance(shown, tuple) else (shown, ())
    return Sample(
        id=f"{source.name}/{split}/{record.key}",
        image=photo,
        image_id=record.image_id,
        question=record.question,
        target=TextTarget(tuple(record.answers)),
        tags=record.tags,
        regions=tuple(_regions(record, photo)),
        frames=frames,
    )


def _regions(record: Record, photo: ImageRef) -> Iterator[Region]:
    if record.box_xyxy:
        x1, y1, x2, y2 = record.box_xyxy
        yield Region("box", box_xyxy=(x1, y1, x2, y2))
    if record.point_xy:
        yield point(record.point_xy, photo.size_hw, f"{record.key} on {record.photo}")


def _place(root: Path, places: Sequence[str]) -> Path:
    return next((root / place for place in places if (root / place).is_file()), root / places[0])


def _pairs(data: Sequence[bytes], paths: Sequence[Path]) -> Iterable[tuple[bytes, Path]]:
    return zip(data, paths, strict=True)


def _entry(source: TextSource, split: str, digests: Sequence[str]) -> str:
    return index_cache.key((source.reader, source.name, split, *digests))
