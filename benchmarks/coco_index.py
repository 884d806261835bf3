"""A COCO annotation file, opened: cold it is parsed piece by piece, warm its columns are mapped from the cache.

Objects are built when they are looked at and masks are drawn when they are needed, so that opening a file costs what
reading it costs and processes share one copy. Readers of other benchmarks that use COCO's files build on `CocoIndex`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from benchmarks import column_cache, index_cache
from benchmarks.coco_records import CocoColumns
from benchmarks.column_cache import Columns
from benchmarks.files import read_bytes
from benchmarks.geometry import xywh_to_xyxy
from benchmarks.record_files import read_records
from benchmarks.schema import Rle
from benchmarks.truth import Category, ObjectsTarget, TrueObject

READER = "coco/2"
"""Part of every cache key: changes whenever the same file would yield other columns."""


class PolygonMask(Mapping[str, Any]):
    """A compressed COCO RLE, {"size", "counts"}, that is drawn from its polygons on the first look at its counts."""

    __slots__ = ("_counts", "_rings", "_size")

    def __init__(self, rings: list[NDArray[np.float64]], size_hw: tuple[int, int]) -> None:
        self._rings, self._size = rings, size_hw
        self._counts: str | None = None

    def __getitem__(self, key: str) -> Any:
        if key == "size":
            return list(self._size)
        if key != "counts":
            raise KeyError(key)
        if self._counts is None:
            polygons = [ring.tolist() for ring in self._rings]
            self._counts = coco_mask.merge(coco_mask.frPyObjects(polygons, *self._size))["counts"].decode("ascii")
        return self._counts

    def __iter__(self) -> Iterator[str]:
        return iter(("size", "counts"))

    def __len__(self) -> int:
        return 2


@dataclass(frozen=True)
class CocoIndex:
    """An annotation file as columns, see `benchmarks.coco_records.CocoColumns` for each.

    Attributes:
        path: the file.
        columns: name -> array, mapped read-only or in memory.
        categories: by id; `frequency` is set in LVIS only.
        digest: SHA-256 over the columns, for the fingerprint of a split.
    """

    path: Path
    columns: Columns
    categories: tuple[Category, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.columns["image_id"])

    @cached_property
    def image_ids(self) -> list[int]:
        """Ids of the images, ascending; a place in this list is an image's row."""
        ids: list[int] = self.columns["image_id"].tolist()
        return ids

    @cached_property
    def file_names(self) -> list[str]:
        """The photo of every row: a plain name, or `folder/name` where the file records addresses only (LVIS)."""
        names: list[str] = self.columns["file_name"].tolist()
        return names

    @property
    def flat_boxes(self) -> int:
        """Objects whose box has no area: they are kept, and no box can find them."""
        return int((self.columns["box_xywh"][:, 2:] == 0).any(axis=1).sum())

    def size_hw(self, row: int) -> tuple[int, int]:
        """Height and width of an image."""
        height, width = self.columns["size_hw"][row].tolist()
        return height, width

    def listed(self, key: str, row: int) -> tuple[int, ...]:
        """What LVIS lists for an image under `neg_category_ids` or `not_exhaustive_category_ids`."""
        first, last = self.columns[f"{key}_ends"][row : row + 2]
        return tuple(self.columns[key][first:last].tolist())

    def objects(self, row: int) -> tuple[TrueObject, ...]:
        """The annotated objects of an image, in the order of the file."""
        first, last = self.columns["first"][row : row + 2]
        size_hw = self.size_hw(row)
        return tuple(self._object(place, size_hw) for place in self.columns["order"][first:last].tolist())

    def _object(self, place: int, size_hw: tuple[int, int]) -> TrueObject:
        columns = self.columns
        joints = columns["joints"][columns["joint_ends"][place] : columns["joint_ends"][place + 1]].reshape(-1, 3)
        return TrueObject(
            id=int(columns["id"][place]),
            category_id=self.categories[columns["category"][place]].id,
            box_xyxy=xywh_to_xyxy(columns["box_xywh"][place].tolist()),
            area=float(columns["area"][place]),
            mask_rle=self._mask(place, size_hw),
            crowd=bool(columns["crowd"][place]),
            keypoints=tuple((x, y, int(seen)) for x, y, seen in joints.tolist()),
        )

    def _mask(self, place: int, size_hw: tuple[int, int]) -> Rle | None:
        columns = self.columns
        text = columns["rle"][columns["rle_ends"][place] : columns["rle_ends"][place + 1]]
        if len(text):
            return {"size": list(size_hw), "counts": text.tobytes().decode("ascii")}
        first, last = columns["ring_of"][place : place + 2].tolist()
        if first == last:
            return None
        ends = columns["ring_xy"][first : last + 1].tolist()
        return PolygonMask([columns["xy"][a:b] for a, b in pairwise(ends)], size_hw)


class IndexedObjects(ObjectsTarget):
    """The objects of one image, built from the index whenever they are asked for, so that a sample stays small."""

    __slots__ = ("_index", "_row")

    def __init__(self, index: CocoIndex, row: int) -> None:
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_row", row)
        object.__setattr__(self, "categories", index.categories)

    @property
    def objects(self) -> tuple[TrueObject, ...]:
        """The annotated objects, in the order of the file."""
        objects: tuple[TrueObject, ...] = self._index.objects(self._row)  # type: ignore[attr-defined]
        return objects


def open_index(path: Path) -> CocoIndex:
    """Open an annotation file: instances, person_keypoints or LVIS.

    Raises:
        DataError: the file is missing or broken, or a record contradicts another; the text names file and record.
    """
    digest, data = index_cache.digest_and_bytes(path)
    known = column_cache.load(index_cache.key((READER, digest)))
    if known is None:
        if data is None:  # the digest was remembered, so these bytes may be others
            data = read_bytes(path)
            digest = index_cache.digest_bytes(data)
        collector = read_records(data, path, "annotations", lambda content: CocoColumns(content, path))
        columns = collector.finish()
        known = columns, {"categories": collector.categories, "digest": _digest(columns)}
        column_cache.store(index_cache.key((READER, digest)), *known)
    columns, facts = known
    categories = tuple(Category(number, name, frequency=frequency) for number, name, frequency in facts["categories"])
    return CocoIndex(path, columns, categories, facts["digest"])


def _digest(columns: Columns) -> str:
    state = hashlib.sha256()
    for name, column in sorted(columns.items()):
        state.update(f"{name} {column.dtype.str} {column.shape}\n".encode())
        state.update(np.ascontiguousarray(column).data if column.size else b"")
    return state.hexdigest()
