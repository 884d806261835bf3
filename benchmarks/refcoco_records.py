"""Records of the refer tool's files, checked and joined: refs (who is meant) with COCO instances (where it is).

The result is a small JSON-able index of one split: distinct images, one object per ref, one row per sentence. All that
a sample needs is in it, so that it can be cached; nothing of the original files is kept.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import plain_name
from benchmarks.geometry import union_rle, xywh_to_xyxy

BOX_SLACK_PX = 1.0
"""Official boxes were rounded to 0.01 px and may end a hair outside; more than this is another image's box."""
Record = Mapping[str, Any]
Index = dict[str, list[Any]]
"""{"images": [[file name, id, H, W]], "objects": [[ref id, image row, box xyxy, RLE counts]],
"sentences": [[object row, sent id, text, kind or None]]}"""


@dataclass(frozen=True)
class Annotations:
    """Both files of one dataset, parsed.

    Attributes:
        refs: records of the refs file, in file order.
        refs_path: the refs file, for error texts.
        images: image id -> record of instances.json.
        instances: annotation id -> record of instances.json.
        instances_path: instances.json, for error texts.
    """

    refs: Sequence[Record]
    refs_path: Path
    images: Mapping[int, Record]
    instances: Mapping[int, Record]
    instances_path: Path


def check_refs(parsed: Any, path: Path) -> list[Record]:
    """Check that a refs file is a list of records that each have a split and sentences."""
    if not isinstance(parsed, list) or not all(isinstance(record, dict) for record in parsed):
        raise DataError(f"{path}: must hold a list of ref records; fetch the file again")
    for row, record in enumerate(parsed):
        if not isinstance(record.get("split"), str) or not isinstance(record.get("sentences"), list):
            name = record.get("ref_id", f"in row {row}")
            raise DataError(f"{path}: ref {name}: needs a split name and a list of sentences; correct the record")
    return parsed


def join(refs: Sequence[Record], refs_path: Path, instances: Any, instances_path: Path) -> Annotations:
    """Index the records of a parsed instances.json by id."""
    tables = []
    for name in ("images", "annotations"):
        records = instances.get(name) if isinstance(instances, dict) else None
        if not isinstance(records, list) or not all(isinstance(record, dict) and "id" in record for record in records):
            raise DataError(f'{instances_path}: "{name}" must be a list of records with an id; fetch the file again')
        try:
            tables.append({record["id"]: record for record in records})
        except TypeError:
            raise DataError(f'{instances_path}: an id in "{name}" is not a number; fetch the file again') from None
    return Annotations(refs, refs_path, tables[0], tables[1], instances_path)


def count_sentences(refs: Iterable[Record]) -> dict[str, int]:
    """Count expressions by split, in order of first appearance."""
    counts: dict[str, int] = {}
    for record in refs:
        counts[record["split"]] = counts.get(record["split"], 0) + len(record["sentences"])
    return counts


def build_index(annotations: Annotations, split: str) -> Index:
    """Check and join the records of one split.

    Raises:
        DataError: a record is broken or contradicts another; the text names file, ref and remedy.
    """
    index: Index = {"images": [], "objects": [], "sentences": []}
    image_rows: dict[int, int] = {}
    seen: set[int] = set()
    for record in annotations.refs:
        if record["split"] != split:
            continue
        ref_id = _whole(record, "ref_id", f"{annotations.refs_path}: ref {record.get('ref_id')!r}")
        place = f"{annotations.refs_path}: ref {ref_id}"
        if ref_id in seen:
            raise DataError(f"{place}: appears twice in split {split}; remove one")
        seen.add(ref_id)
        image_id, image, instance = _look_up(record, annotations, place)
        if image_id not in image_rows:
            image_rows[image_id] = len(index["images"])
            index["images"].append(_image_row(image_id, image, f"{annotations.instances_path}: image {image_id}"))
        size_hw = tuple(index["images"][image_rows[image_id]][2:])
        where = f"{annotations.instances_path}: annotation {record['ann_id']} (ref {ref_id})"
        index["objects"].append([ref_id, image_rows[image_id], *_truth(instance, size_hw, where)])
        object_row = len(index["objects"]) - 1
        index["sentences"].extend([object_row, *row] for row in _sentence_rows(record["sentences"], place))
    return index


def _look_up(record: Record, annotations: Annotations, place: str) -> tuple[int, Record, Record]:
    image_id, ann_id = _whole(record, "image_id", place), _whole(record, "ann_id", place)
    other, remedy = annotations.instances_path, "fetch both files of one release"
    for kind, wanted, table in (("image", image_id, annotations.images), ("annotation", ann_id, annotations.instances)):
        if wanted not in table:
            raise DataError(f"{place}: {kind} {wanted} is not in {other}; {remedy}")
    instance = annotations.instances[ann_id]
    if instance.get("image_id") != image_id:
        theirs = instance.get("image_id")
        raise DataError(f"{place}: is on image {image_id} but annotation {ann_id} of {other} on {theirs}; {remedy}")
    return image_id, annotations.images[image_id], instance


def _image_row(image_id: int, image: Record, place: str) -> list[Any]:
    height, width = _whole(image, "height", place), _whole(image, "width", place)
    if height < 1 or width < 1:
        raise DataError(f"{place}: is {width}x{height} pixels; correct the record")
    return [plain_name(image.get("file_name"), place), image_id, height, width]


def _truth(instance: Record, size_hw: Any, place: str) -> list[Any]:
    box = instance.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        raise DataError(f"{place}: bbox must be four numbers x, y, width, height, got {box!r}; correct the record")
    x1, y1, x2, y2 = xywh_to_xyxy(box)
    height, width = size_hw
    if x2 <= x1 or y2 <= y1:
        raise DataError(f"{place}: bbox has no area ({box[2]} x {box[3]} px); correct the record")
    if min(x1, y1) < -BOX_SLACK_PX or x2 > width + BOX_SLACK_PX or y2 > height + BOX_SLACK_PX:
        raise DataError(
            f"{place}: box {x1:g}, {y1:g}, {x2:g}, {y2:g} leaves the image of {width}x{height} px; "
            "fetch the original file or correct the record"
        )
    try:
        rle = union_rle(instance.get("segmentation"), size_hw)
    except ValueError as error:
        raise DataError(f"{place}: {error}; correct the record") from None
    return [[x1, y1, x2, y2], rle["counts"]]


def _sentence_rows(sentences: Sequence[Any], place: str) -> Iterable[list[Any]]:
    seen: set[int] = set()
    for sentence in sentences:
        if not isinstance(sentence, dict):
            raise DataError(f"{place}: a sentence is not a record; correct the record")
        sent_id = _whole(sentence, "sent_id", place)
        if sent_id in seen:
            raise DataError(f"{place}: sentence {sent_id} appears twice; remove one")
        seen.add(sent_id)
        text, kind = sentence.get("sent"), sentence.get("kind")
        if not isinstance(text, str) or not _is_text(text) or not text.strip():
            raise DataError(f"{place}: sentence {sent_id} is empty or not text; correct the record")
        if kind is not None and not _is_text(kind):
            raise DataError(f"{place}: sentence {sent_id} has a kind that is not text; correct the record")
        yield [sent_id, text, kind]


def _whole(record: Record, field: str, place: str) -> int:
    value = record.get(field)
    if type(value) is not int:
        raise DataError(f"{place}: {field} must be a whole number, got {value!r}; correct the record")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    """Whether it is text that UTF-8 can carry (a lone surrogate cannot)."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:
        return False
