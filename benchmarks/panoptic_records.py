"""Checks a COCO panoptic JSON file and keeps what its readers need, in the order of `annotations`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from benchmarks.errors import DataError
from benchmarks.files import plain_name

Index = dict[str, list[Any]]
"""`categories`: [id, name, is thing]; `images`: [image id, photo, height, width, PNG, [segment id, category id, area,
crowd] of every segment]."""


def build_index(content: Any, path: Path) -> Index:
    """Join annotations with their images.

    Args:
        content: the parsed file.
        path: for error texts.

    Raises:
        DataError: a record is broken, comes twice, or refers to an image or category that is not listed.
    """
    categories = read_categories(records(content, "categories", path), path)
    images = read_images(records(content, "images", path), path)
    known = {number for number, *_ in categories}
    found: dict[int | str, list[Any]] = {}
    for place, record in enumerate(records(content, "annotations", path)):
        at = f"{path}: annotations[{place}]"
        if not isinstance(record, dict) or not isinstance(record.get("segments_info"), list):
            raise DataError(f"{at} needs image_id, file_name and segments_info: fetch the file again")
        image_id = record.get("image_id")
        if type(image_id) not in (int, str) or image_id not in images:
            raise DataError(f"{at}: image {image_id!r} is not listed under images: fetch the file again")
        if image_id in found:
            raise DataError(f"{at}: image {image_id!r} is annotated twice: fetch the file again")
        at = f"{path}: image {image_id}"
        png = plain_name(record.get("file_name"), at)
        found[image_id] = [image_id, *images[image_id], png, _segments(record["segments_info"], known, at)]
    if bare := [image_id for image_id in images if image_id not in found]:
        raise DataError(f"{path}: image {bare[0]!r} ({len(bare)} such) has no annotation: fetch the file again")
    return {"categories": categories, "images": list(found.values())}


def read_categories(listed: Sequence[Any], path: Path) -> list[Any]:
    """Check categories: [id, name, is thing] of each; names lose blanks at their ends, of which ADE20K has one.

    Raises:
        DataError: a record lacks id, name or isthing, or an id or a name comes twice.
    """
    found = []
    for place, record in enumerate(listed):
        values = [record.get(key) if isinstance(record, dict) else None for key in ("id", "name", "isthing")]
        number, name, thing = values
        if type(number) is not int or not isinstance(name, str) or not name.strip() or thing not in (0, 1):
            raise DataError(f"{path}: categories[{place}] needs id, name and isthing (0 or 1): fetch the file again")
        found.append([number, name.strip(), int(thing)])
    for column, what in ((0, "id"), (1, "name")):
        values = [each[column] for each in found]
        if twice := [value for value in values if values.count(value) > 1]:
            raise DataError(f"{path}: two categories have the {what} {twice[0]!r}: fetch the file again")
    return found


def read_images(listed: Sequence[Any], path: Path) -> dict[int | str, tuple[str, int, int]]:
    """Check images: image id -> photo, height and width, in the order of the file.

    Raises:
        DataError: a record lacks id, file_name, height or width, or an id comes twice.
    """
    found: dict[int | str, tuple[str, int, int]] = {}
    for place, record in enumerate(listed):
        at = f"{path}: images[{place}]"
        content: Mapping[str, Any] = record if isinstance(record, dict) else {}
        image_id, height, width = (content.get(key) for key in ("id", "height", "width"))
        sizes_fit = all(type(side) is int and side > 0 for side in (height, width))
        if not isinstance(image_id, int | str) or isinstance(image_id, bool) or not sizes_fit:
            raise DataError(f"{at} needs id, height and width: fetch the file again")
        if image_id in found:
            raise DataError(f"{at}: image {image_id!r} is listed twice: fetch the file again")
        if isinstance(image_id, str):
            plain_name(image_id, at)
        found[image_id] = (plain_name(content.get("file_name"), at), cast(int, height), cast(int, width))
    return found


def _segments(listed: Sequence[Any], categories: set[int], at: str) -> list[list[Any]]:
    found: dict[int, list[Any]] = {}
    for record in listed:
        number, category, area, crowd = _segment(record, at)
        if number in found:
            raise DataError(f"{at}: segment {number} is listed twice: fetch the file again")
        if category not in categories:
            raise DataError(
                f"{at}: segment {number} has category {category}, which is not listed: fetch the file again"
            )
        found[number] = [number, category, area, int(crowd)]
    return list(found.values())


def _segment(record: Any, at: str) -> tuple[int, int, float, int]:
    content: Mapping[str, Any] = record if isinstance(record, dict) else {}
    number, category, area, crowd = (content.get(key) for key in ("id", "category_id", "area", "iscrowd"))
    if type(number) is not int or not 0 < number < 1 << 24 or type(category) is not int:
        raise DataError(f"{at}: a segment has id {number!r} and category {category!r}: fetch the file again")
    if isinstance(area, bool) or not isinstance(area, int | float) or area < 0 or crowd not in (0, 1):
        raise DataError(f"{at}: segment {number} needs an area and iscrowd (0 or 1): fetch the file again")
    return number, category, area, crowd


def records(content: Any, key: str, path: Path) -> list[Any]:
    """Return one of the lists of a file.

    Raises:
        DataError: there is no such list, or it is empty.
    """
    found = content.get(key) if isinstance(content, dict) else None
    if not isinstance(found, list) or not found:
        raise DataError(f"{path}: '{key}' must be a list with records: fetch the file again")
    return found
