"""ReasonSeg in its official layout: a photo and a JSON of the same name, in one folder per split.

    <root>/ReasonSeg/val/*.jpg *.json       <root>/ReasonSeg/test/*.jpg *.json      (or reason_seg/ReasonSeg/…)

Each JSON holds `text` (one instruction or more, of which LISA's evaluation asks the first), `is_sentence` (tag `query`:
long or short) and `shapes`, polygons with a `label`. As LISA draws them: corners are cut to whole pixels; polygons go
from the largest to the smallest, so that a smaller one lies on top; a label with "ignore" in it marks pixels that are
not scored, "flag" is no region, any other is the target. A file without shapes (two of the published test files) asks
for something that is not there. Text that is not UTF-8 is read as Windows-1252, as LISA does.

The truth is uint8 [H, W]: 0 nothing, 1 target, 255 not scored. Counts: README of the LISA repository (239 train, 200
val, 779 test; train is not read here).
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import DataError, unknown
from benchmarks.files import list_names, parse_json, read_bytes
from benchmarks.photos import folder_of, sized
from benchmarks.polygons import Point, fill
from benchmarks.schema import Benchmark, Origin, Sample, Split
from benchmarks.splits import build_split
from benchmarks.truth import MapTarget

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

NAME = "reasonseg"
SPLITS = {"val": 200, "test": 779}
FOLDERS = ("ReasonSeg", "reason_seg/ReasonSeg")
TARGET, NOT_SCORED = 1, 255
_FARTHEST = 1_000_000
"""No photo is wider: a corner beyond is a mistake, and would overflow where edges are followed."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One polygon: its corners in whole pixels, and whether it marks the target or what is not scored."""

    corners: tuple[Point, ...]
    ignored: bool


@dataclass(frozen=True, slots=True)
class Record:
    """What one JSON says."""

    stem: str
    texts: tuple[str, ...]
    is_sentence: bool
    shapes: tuple[Shape, ...]


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Raises:
        DataError: the folder, a photo or a JSON is missing, or a record is broken.
        UnknownName: no such split.
    """
    if split not in SPLITS:
        raise unknown(f"split of {NAME}", split, SPLITS)
    names = _json_names(root, split)
    place = _place(root, split)
    records = [_read(root / place / name) for name in names]
    _refuse_lonely_photos(root / place, {record.stem for record in records})
    photos = sized(root, (place,), [f"{record.stem}.jpg" for record in records], "ReasonSeg")
    samples = tuple(
        Sample(
            id=f"{NAME}/{split}/{record.stem}",
            image=photo,
            image_id=record.stem,
            question=record.texts[0],
            target=MapTarget(partial(draw, record.shapes, photo.size_hw)),
            tags={"query": "long" if record.is_sentence else "short"},
        )
        for record, photo in zip(records, photos.values(), strict=True)
    )
    facts = ([each.stem, each.texts, each.is_sentence, [astuple(shape) for shape in each.shapes]] for each in records)
    return build_split(NAME, split, origin, SPLITS[split], samples, facts)


def found(root: Path) -> dict[str, int]:
    """Count the JSON files of each split that is here.

    Raises:
        DataError: there is no split.
    """
    counts = {split: len(_json_names(root, split)) for split in SPLITS if (root / _place(root, split)).is_dir()}
    if not counts:
        raise DataError(f"{root} holds neither {' nor '.join(_place(root, split) for split in SPLITS)}: put one there")
    return counts


def files(root: Path) -> tuple[Path, ...]:
    """The folder of each split."""
    return tuple(root / _place(root, split) for split in SPLITS)


def draw(shapes: Sequence[Shape], size_hw: tuple[int, int]) -> "NDArray[np.uint8]":
    """Draw polygons from the largest to the smallest: uint8 [H, W], 0 nothing, 1 target, 255 not scored.

    Of equal ones the later is drawn first, as LISA's reversed order has it.
    """
    import numpy as np

    canvas: NDArray[np.uint8] = np.zeros(size_hw, dtype=np.uint8)
    masks = [fill(shape.corners, size_hw) for shape in shapes]
    for _, place in sorted(((int(mask.sum()), place) for place, mask in enumerate(masks)), reverse=True):
        canvas[masks[place]] = NOT_SCORED if shapes[place].ignored else TARGET
    return canvas


def _place(root: Path, split: str) -> str:
    """Folder of a split, relative to the root."""
    folder = folder_of(root, FOLDERS) or root / FOLDERS[0]
    return f"{folder.relative_to(root).as_posix()}/{split}"


def _json_names(root: Path, split: str) -> list[str]:
    folder = root / _place(root, split)
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: put the photos and JSON files of ReasonSeg's split {split} there")
    names = sorted(name for name in list_names(folder) if name.endswith(".json") and not name.startswith("."))
    if not names:
        raise DataError(f"{folder} holds no JSON: put the photos and JSON files of ReasonSeg's split {split} there")
    return names


def _refuse_lonely_photos(folder: Path, stems: set[str]) -> None:
    photos = sorted(name for name in list_names(folder) if name.endswith(".jpg") and not name.startswith("."))
    if lonely := [name for name in photos if name.removesuffix(".jpg") not in stems]:
        raise DataError(f"{folder}: {len(lonely)} photos have no JSON (first: {lonely[0]}): fetch the split again")


def _read(path: Path) -> Record:
    data = read_bytes(path)
    try:
        content = parse_json(data.decode("utf-8").encode(), path)
    except UnicodeDecodeError:
        content = parse_json(_windows_text(data, path).encode(), path)
    record = content if isinstance(content, dict) else {}
    texts, is_sentence, shapes = record.get("text"), record.get("is_sentence"), record.get("shapes", [])
    if (
        not isinstance(texts, list)
        or not all(isinstance(text, str) for text in texts)
        or not "".join(texts[:1]).strip()
    ):
        raise DataError(f"{path}: text must be a list that begins with an instruction: fetch the file again")
    if not isinstance(is_sentence, bool) or not isinstance(shapes, list):
        raise DataError(f"{path} needs is_sentence (true or false) and a list of shapes: fetch the file again")
    drawn = [_shape(shape, f"{path}: shapes[{place}]") for place, shape in enumerate(shapes)]
    return Record(path.stem, tuple(texts), is_sentence, tuple(shape for shape in drawn if shape is not None))


def _windows_text(data: bytes, path: Path) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is neither UTF-8 nor Windows-1252: fetch the file again") from None


def _shape(shape: Any, place: str) -> Shape | None:
    """Read one polygon; None for a deprecated flag."""
    label, points = (shape.get(key) if isinstance(shape, dict) else None for key in ("label", "points"))
    if not isinstance(label, str) or not isinstance(points, list) or not points:
        raise DataError(f"{place} needs a label and points: fetch the file again")
    if label.lower() == "flag":
        return None
    return Shape(tuple(_corner(point, place) for point in points), "ignore" in label.lower())


def _corner(point: Any, place: str) -> Point:
    fine = isinstance(point, list) and len(point) == 2
    if not fine or not all(type(value) in (int, float) and math.isfinite(value) for value in point):
        raise DataError(f"{place}: a point must be [x, y], got {point!r}: fetch the file again")
    if max(map(abs, point)) > _FARTHEST:
        raise DataError(f"{place}: point {point} is on no photo: fetch the file again")
    return int(point[0]), int(point[1])


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=SPLITS,
        open=open_split,
        files=files,
        card=(
            "Lai et al., LISA: Reasoning Segmentation via Large Language Model, CVPR 2024, arXiv:2308.00692. "
            "Licence: none stated for the annotations; photos are of OpenImages and ScanNet and keep their licences."
        ),
        found=found,
        where="github.com/dvlab-research/LISA (section Dataset)",
    )
]
