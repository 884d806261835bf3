"""Records of a COCO annotation file (instances, person_keypoints, LVIS), checked and turned into columns.

The columns are flat NumPy arrays, so that they can be mapped from the cache. Images are sorted by id, the order in
which the official evaluators break ties; annotations keep the order of the file. What is broken is named, none dropped.
"""

from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from benchmarks.column_cache import Columns
from benchmarks.errors import DataError
from benchmarks.files import plain_name
from benchmarks.geometry import MIN_POLYGON, union_rle

REACH = 2
"""How far polygons may leave their image, in sides of it: the rasteriser's memory grows with coordinates."""
IMAGE_LISTS = ("neg_category_ids", "not_exhaustive_category_ids")
"""What LVIS says of each image beside its objects."""


class CocoColumns:
    """Collects the records of one file.

    Columns (I images, N annotations, R rings of polygons):
        image_id int [I], size_hw int [I, 2], file_name text [I], which may begin with one folder;
        id, image, category int [N], the latter two as places among images and categories;
        box_xywh float [N, 4], area float [N], crowd bool [N];
        ring_of, int [N + 1] where each annotation's rings begin; ring_xy, int [R + 1] where each ring begins in xy;
        rle_ends int [N + 1] and rle bytes, compressed masks; an annotation with neither rings nor RLE has no mask;
        joint_ends int [N + 1] and joints float, x, y, visibility of every joint; labelled int [N], the number of them
        that the file records (num_keypoints), -1 where it records none;
        order int [N], annotations by image, and first int [I + 1], where each image begins in it;
        for LVIS `neg_category_ids` and `not_exhaustive_category_ids` with their `_ends`, int.
    """

    def __init__(self, content: Any, path: Path) -> None:
        self._path = path
        self.categories = _categories(_records(content, "categories", path), path)
        self._image_columns = _images(_records(content, "images", path), path)
        self._image_rows = {number: row for row, number in enumerate(self._image_columns["image_id"].tolist())}
        self._category_rows = {number: row for row, (number, *_) in enumerate(self.categories)}
        self._numbers: dict[str, list[NDArray[Any]]] = {}
        self._rings, self._ring_lengths = array("q"), array("q")
        self._xy, self._joints = array("d"), array("d")
        self._rle, self._rle_ends = bytearray(), array("q", [0])
        self._joint_ends = array("q", [0])
        self._labelled = array("q")
        if not isinstance(content.get("annotations"), list):
            raise DataError(f"{path}: 'annotations' must be a list with records: fetch the file again")

    def add(self, records: list[Any]) -> None:
        """Take the next annotations.

        Raises:
            DataError: a record lacks a field, or one has a wrong type or value.
        """
        if not records:
            return
        for place, record in enumerate(records):
            if not isinstance(record, dict):
                seen = sum(len(each) for each in self._numbers.get("id", ())) + place
                raise DataError(f"{self._path}: annotations[{seen}] is no record: fetch the file again")
        at = _Place(self._path, "annotation", records)
        batch = {
            "id": at.whole("id"),
            "image": at.rows("image_id", self._image_rows, "image"),
            "category": at.rows("category_id", self._category_rows, "category"),
            "box_xywh": at.floats("bbox", 4),
            "area": at.floats("area"),
            "crowd": at.whole("iscrowd", 0),
        }
        at.refuse(batch["box_xywh"][:, 2:].min(axis=1) < 0, "bbox has a negative side; it is x, y, width, height")
        at.refuse(batch["area"] < 0, "area is negative")
        at.refuse((batch["crowd"] != 0) & (batch["crowd"] != 1), "iscrowd must be 0 or 1")
        for name, column in batch.items():
            self._numbers.setdefault(name, []).append(column)
        shapes = [record.get("segmentation") for record in records]
        if set(map(type, shapes)) == {list} and not any("keypoints" in record for record in records):
            self._add_polygons(records, shapes)
        else:
            for record, row in zip(records, batch["image"].tolist(), strict=True):
                self._add_shape(record, row)

    def finish(self) -> Columns:
        """Check what concerns all records together and return the columns.

        Raises:
            DataError: an annotation id comes twice, or a polygon is broken.
        """
        columns = {name: np.concatenate(parts) for name, parts in self._numbers.items()} or _nothing()
        columns["crowd"] = columns["crowd"].astype(bool)
        _refuse_repeats(columns["id"], self._path, "annotation")
        columns |= self._image_columns
        columns["order"] = np.argsort(columns["image"], kind="stable")
        images = np.arange(len(columns["image_id"]) + 1)
        columns["first"] = np.searchsorted(columns["image"][columns["order"]], images)
        columns |= {
            "ring_of": np.concatenate(([0], np.cumsum(np.frombuffer(self._rings, dtype=np.int64)))),
            "ring_xy": np.concatenate(([0], np.cumsum(np.frombuffer(self._ring_lengths, dtype=np.int64)))),
            "xy": np.frombuffer(self._xy, dtype=np.float64),
            "rle": np.frombuffer(bytes(self._rle), dtype=np.uint8),
            "rle_ends": np.frombuffer(self._rle_ends, dtype=np.int64),
            "joints": np.frombuffer(self._joints, dtype=np.float64),
            "joint_ends": np.frombuffer(self._joint_ends, dtype=np.int64),
            "labelled": np.frombuffer(self._labelled, dtype=np.int64),
        }
        self._check_rings(columns)
        return columns

    def _add_polygons(self, records: list[dict[str, Any]], shapes: list[list[Any]]) -> None:
        """Take the polygons of annotations that have nothing else: the usual case, and most of the work."""
        append, lengths = self._xy.fromlist, []
        for record, shape in zip(records, shapes, strict=True):
            try:
                for ring in shape:
                    append(ring)
                    lengths.append(len(ring))
            except TypeError:
                self._fail(record, "a polygon is no list of numbers")
        self._ring_lengths.extend(lengths)
        self._rings.extend(map(len, shapes))
        for ends, filled in ((self._rle_ends, self._rle), (self._joint_ends, self._joints)):
            ends.extend([len(filled)] * len(records))
        self._labelled.extend([record.get("num_keypoints", -1) for record in records])

    def _add_shape(self, record: dict[str, Any], image: int) -> None:
        """Take the segmentation and the joints of one annotation; polygons are checked at the end, all together."""
        shape, rings = record.get("segmentation"), 0
        try:
            if isinstance(shape, list):
                for ring in shape:
                    self._xy.fromlist(ring)
                    self._ring_lengths.append(len(ring))
                rings = len(shape)
            elif shape is not None:
                size_hw = self._image_columns["size_hw"][image].tolist()
                self._rle += union_rle(shape, tuple(size_hw), empty=True)["counts"].encode()
            self._joints.fromlist(record.get("keypoints", []))
            self._labelled.append(record.get("num_keypoints", -1))
        except (TypeError, OverflowError):
            self._fail(record, "a polygon, its keypoints or their number are no numbers")
        except ValueError as error:
            self._fail(record, str(error))
        self._rings.append(rings)
        self._rle_ends.append(len(self._rle))
        self._joint_ends.append(len(self._joints))
        if (len(self._joints) - self._joint_ends[-2]) % 3:
            self._fail(record, "keypoints must be x, y and visibility of every joint")

    def _check_rings(self, columns: Columns) -> None:
        """Find polygons that are too short, not finite, or far outside their image."""
        lengths = np.diff(columns["ring_xy"])
        if not len(lengths):
            return
        owner = np.repeat(np.arange(len(columns["id"])), np.diff(columns["ring_of"]))
        short = (lengths < MIN_POLYGON) | (lengths % 2 == 1)
        if short.any():
            ring = int(np.argmax(short))
            self._fail_at(columns, owner[ring], f"a polygon has {lengths[ring]} coordinates; it needs an even number, "
                          f"{MIN_POLYGON} or more")  # fmt: skip
        starts = columns["ring_xy"][:-1]
        farthest = np.maximum(np.maximum.reduceat(columns["xy"], starts), -np.minimum.reduceat(columns["xy"], starts))
        limit = REACH * columns["size_hw"].max(axis=1)[columns["image"][owner]]
        if (bad := ~(farthest <= limit)).any():
            ring = int(np.argmax(bad))
            self._fail_at(columns, owner[ring], f"a polygon reaches {farthest[ring]} px, far outside its image")

    def _fail_at(self, columns: Columns, row: int, complaint: str) -> NoReturn:
        self._fail({"id": int(columns["id"][row])}, complaint)

    def _fail(self, record: dict[str, Any], complaint: str) -> NoReturn:
        raise DataError(f"{self._path}: annotation {record.get('id')!r}: {complaint}; correct the record")


class _Place:
    """Some records of one list, and how to name them in an error."""

    def __init__(self, path: Path, what: str, records: Sequence[dict[str, Any]]) -> None:
        self._path, self._what, self._records = path, what, records

    def whole(self, key: str, default: int | None = None) -> NDArray[np.int64]:
        """A column of whole numbers."""
        values = [record.get(key, default) for record in self._records]
        if set(map(type, values)) != {int}:
            self._fail(values, lambda value: type(value) is int, f"{key} must be a whole number")
        try:
            return np.array(values, dtype=np.int64)
        except OverflowError:
            self._fail(values, lambda value: abs(value) < 1 << 63, f"{key} is too large a number")

    def floats(self, key: str, width: int | None = None) -> NDArray[np.float64]:
        """A column of finite numbers, or of lists of `width` of them."""
        values = [record.get(key) for record in self._records]
        wanted = "a finite number" if width is None else f"{width} finite numbers"
        column = _numeric(values)
        shape = (len(values),) if width is None else (len(values), width)
        if column is None or column.shape != shape or not np.isfinite(column).all():
            self._fail(values, lambda value: _is_numeric(value, shape[1:]), f"{key} must be {wanted}")
        return column.astype(np.float64)

    def rows(self, key: str, rows: dict[int, int], what: str) -> NDArray[np.int64]:
        """A column of ids, as places in the list that they point into."""
        numbers = self.whole(key).tolist()
        try:
            return np.array([rows[number] for number in numbers], dtype=np.int64)
        except KeyError:
            self._fail(numbers, rows.__contains__, f"{key} is of no {what} that the file lists")

    def refuse(self, bad: Any, complaint: str) -> None:
        """Name the first record that is marked bad: bool [N]."""
        if bad.any():
            self._fail(bad.tolist(), lambda value: not value, complaint, show=False)

    def _fail(self, values: list[Any], fine: Callable[[Any], bool], complaint: str, show: bool = True) -> NoReturn:
        place = next(place for place, value in enumerate(values) if not fine(value))
        name, got = self._records[place].get("id", f"in place {place} of its list"), f", got {values[place]!r}"
        raise DataError(f"{self._path}: {self._what} {name}: {complaint}{got if show else ''}; correct the record")


def _numeric(value: Any) -> NDArray[Any] | None:
    try:
        column = np.array(value)
    except (ValueError, OverflowError):
        return None
    return column if column.dtype.kind in "iuf" else None


def _is_numeric(value: Any, shape: tuple[int, ...]) -> bool:
    column = _numeric(value)
    return column is not None and column.shape == shape and bool(np.isfinite(column).all())


def _records(content: Any, key: str, path: Path) -> list[dict[str, Any]]:
    records = content.get(key) if isinstance(content, dict) else None
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{path}: '{key}' must be a list with records: fetch the file again")
    return records


def _categories(records: list[dict[str, Any]], path: Path) -> list[list[Any]]:
    """[id, name, frequency or ""] of every category, by id."""
    numbers = _Place(path, "category", records).whole("id")
    _refuse_repeats(numbers, path, "category")
    found = []
    for number, record in zip(numbers.tolist(), records, strict=True):
        name, frequency = record.get("name"), record.get("frequency", "")
        if not isinstance(name, str) or not name.strip() or not isinstance(frequency, str):
            raise DataError(f"{path}: category {number} needs a name; correct the record")
        found.append([number, name, frequency])
    names = [name for _, name, _ in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{path}: two categories have the name {twice[0]!r}; correct the record")
    return sorted(found)


def _images(records: list[dict[str, Any]], path: Path) -> Columns:
    at = _Place(path, "image", records)
    numbers = at.whole("id")
    _refuse_repeats(numbers, path, "image")
    sizes = np.column_stack([at.whole("height"), at.whole("width")])
    at.refuse(sizes.min(axis=1) < 1, "has no pixels")
    names = [_photo(record, f"{path}: image {record['id']}") for record in records]
    order = np.argsort(numbers)
    columns = {"image_id": numbers[order], "size_hw": sizes[order], "file_name": np.array(names)[order]}
    for key in IMAGE_LISTS if any(key in records[0] for key in IMAGE_LISTS) else ():
        lists = [_ids(records[place], key, path) for place in order.tolist()]
        columns[key] = np.array([number for each in lists for number in each], dtype=np.int64)
        columns[f"{key}_ends"] = np.array([0, *accumulate(map(len, lists))])
    return columns


def _photo(record: dict[str, Any], place: str) -> str:
    """The photo's name, or as in LVIS, which records only its address, the last folder and the name of that."""
    if "file_name" in record or not isinstance(record.get("coco_url"), str):
        return plain_name(record.get("file_name"), place)
    return "/".join(plain_name(part, place) for part in record["coco_url"].split("/")[-2:])


def _ids(record: dict[str, Any], key: str, path: Path) -> list[int]:
    values = record.get(key)
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise DataError(f"{path}: image {record['id']}: {key} must be a list of category ids; correct the record")
    return values


def _refuse_repeats(numbers: NDArray[np.int64], path: Path, what: str) -> None:
    ordered = np.sort(numbers)
    if len(twice := ordered[1:][np.diff(ordered) == 0]):
        raise DataError(f"{path}: {what} {twice[0]} is listed twice; remove one of the records")


def _nothing() -> Columns:
    whole = {name: np.zeros(0, dtype=np.int64) for name in ("id", "image", "category", "crowd")}
    return {**whole, "box_xywh": np.zeros((0, 4)), "area": np.zeros(0)}
