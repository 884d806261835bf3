"""Samples over a COCO annotation file: one per image, by image id, built when they are looked at."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from benchmarks.photos import folder_of, require
from benchmarks.schema import ImageRef, Origin, Sample, Split, Truth

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    from benchmarks.coco_index import CocoIndex

PUBLISHER = "cocodataset.org"


@dataclass(frozen=True)
class ImageSamples(Sequence[Sample]):
    """The samples of a split: each holds its id, its photo and a truth that reads the file's columns when asked.

    Attributes:
        name: what ids begin with, benchmark and split.
        file: the annotation file.
        rows: images of the file, in the order of the samples.
        photos: the photo of each of these images.
        target: row -> truth.
        categories: names of all categories.
    """

    name: str
    file: "CocoIndex"
    rows: Sequence[int]
    photos: Sequence[Path]
    target: Callable[[int], Truth]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Sample: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Sample, ...]: ...

    def __getitem__(self, place: int | slice) -> Sample | tuple[Sample, ...]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        row = self.rows[place]
        image_id = self.file.image_ids[row]
        return Sample(
            id=f"{self.name}/image-{image_id:012d}",
            image=ImageRef(self.photos[place], self.file.size_hw(row)),
            image_id=str(image_id),
            question="",
            target=self.target(row),
            categories=self.categories,
        )


def photo_paths(root: Path, folders: Sequence[str], names: Iterable[str], publisher: str = PUBLISHER) -> list[Path]:
    """Find photos by their recorded names; a folder in a name (LVIS) takes the place of the last part of `folders`.

    Args:
        root: data root.
        folders: places below it that may hold the photos, `coco/val2017` before `images/val2017`.
        names: plain names or `folder/name`.
        publisher: where to get them, for error texts.

    Raises:
        DataError: a folder or a photo is missing.
    """
    split = [name.rpartition("/")[::2] for name in names]
    homes: dict[str, Path] = {}
    for inner in dict.fromkeys(inner for inner, _ in split):
        places = [str(Path(folder).parent / inner) if inner else folder for folder in folders]
        homes[inner] = require(root, places, [name for each, name in split if each == inner], publisher)
    return [homes[inner] / name for inner, name in split]


def first_folder(root: Path, folders: Sequence[str]) -> Path:
    """The folder of photos that is there, or where the first would be: for `data status`."""
    return folder_of(root, folders) or root / folders[0]


def notes(index: "CocoIndex") -> tuple[str, ...]:
    """What a reader of numbers must know about a file."""
    flat = index.flat_boxes
    return (f"{index.path.name}: {flat} objects have a box without area; they count and cannot be found",) * bool(flat)


def build(samples: ImageSamples, benchmark: str, split: str, origin: Origin, expected: int | None) -> Split:
    """Wrap samples as a split whose fingerprint covers its ids and every column of the annotation file."""
    seen = hashlib.sha256(f"{samples.name} {samples.file.digest}\n".encode())
    seen.update(",".join(str(samples.file.image_ids[row]) for row in samples.rows).encode())
    return Split(
        benchmark=benchmark,
        name=split,
        origin=origin,
        expected=expected if origin == "official" else None,
        fingerprint=seen.hexdigest(),
        samples=samples,
        notes=notes(samples.file),
    )
