"""COCO results files: a JSON array of {image_id, category_id, score} with bbox, segmentation or keypoints.

What pycocotools does in silence is counted here: results of unknown categories are left out, and where the first entry
holds a box, every area (which decides what a size range ignores) comes from the boxes, even when masks are compared.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metrics.coco_columns import Describe, column, lookup, numbers
from metrics.coco_files import Kind, TruthFile
from metrics.coco_masks import Masks, Rle, read_masks
from metrics.errors import DataError
from metrics.json_files import load_json, objects
from metrics.matching import Bools, Floats, Ints

ScoreSource = Literal["score", "constant", "order"]
AreaSource = Literal["official", "shape"]

FIELDS = {"bbox": "bbox", "segm": "segmentation", "keypoints": "keypoints"}
"""What each kind compares."""

NO_SCORES = (
    "average precision ranks answers by confidence, so it is refused without scores; if the model gives none, declare "
    "score_source=constant (all equal) or score_source=order (earlier entries rank higher)"
)


@dataclass(frozen=True)
class ResultsFile:
    """Results of known categories as columns, in file order.

    Attributes:
        path: where they were read.
        image: int [D], index into the images of the truth.
        category: int [D], index into its categories.
        score: float [D].
        area: float [D] square pixels.
        box_xywh: float [D, 4]; zeros unless boxes are compared.
        rles: list [D] of compressed RLE; empty unless masks are compared.
        joints_xy: float [D, K, 2]; K is 0 unless poses are compared.
        malformed: bool [D], a box with negative width or height, or a mask of another size than its image.
        notes: what a reader must know about this file.
    """

    path: Path
    image: Ints
    category: Ints
    score: Floats
    area: Floats
    box_xywh: Floats
    rles: list[Rle]
    joints_xy: Floats
    malformed: Bools
    notes: tuple[str, ...]

    def take(self, places: Ints) -> "ResultsFile":
        """Keep the results at some places, in their order."""
        names = ("image", "category", "score", "area", "box_xywh", "joints_xy", "malformed")
        columns: dict[str, Any] = {name: getattr(self, name)[places] for name in names}
        return replace(self, rles=[self.rles[i] for i in places.tolist()] if self.rles else [], **columns)


def read_results(
    path: Path,
    truth: TruthFile,
    scores: ScoreSource = "score",
    area: AreaSource = "official",
    per_image: int | None = None,
) -> ResultsFile:
    """Read a results file against its truth.

    Args:
        path: JSON array of results.
        truth: the annotation file, which also says what is compared.
        scores: "score" reads the field; "constant" and "order" replace it.
        area: "official" takes areas as pycocotools does (from boxes where the first entry has one); "shape" from what
            is compared.
        per_image: results kept per image, best scores first, before categories are looked at; None keeps all.

    Raises:
        DataError: the file is unreadable or an entry breaks the format, has no score or names an unknown image.
    """
    rows = _rows(path)
    describe_any = _describer(path, range(len(rows)), rows)
    image = _images(rows, truth, describe_any)
    named = column(rows, "category_id", describe_any)
    score = _scores(rows, scores, describe_any)
    fits = _best(image, score, per_image)
    categories = truth.category_index()
    known = _known(named, categories)
    unknown = Counter(str(named[i]) for i in np.flatnonzero(~known).tolist())
    kept = np.flatnonzero(fits & known)
    mine = [rows[i] for i in kept.tolist()]
    category = np.array([categories[row["category_id"]] for row in mine], dtype=np.int64)
    lead = _lead(rows[0], path) if rows else "bbox"
    shapes = _Shapes(mine, truth, image[kept], _describer(path, kept.tolist(), mine), lead)
    results = ResultsFile(
        path, image[kept], category, score[kept], shapes.areas(area), shapes.compared("bbox"),
        shapes.masks.rles if truth.kind == "segm" else [], shapes.compared("keypoints"), shapes.malformed,
        _unknown_note(unknown, path) + _limit_note(fits, per_image) + (_lead_note(lead, truth, area) if rows else ()),
    )  # fmt: skip
    return replace(results, notes=results.notes + _repeat_note(results))


def _rows(path: Path) -> list[dict[str, Any]]:
    """Read the array of results."""
    content = load_json(path)
    if not isinstance(content, list):
        raise DataError(f"{path} must be a JSON array of results, not {type(content).__name__}: write a list")
    return objects(content, path, "the results")


def _describer(path: Path, positions: Any, rows: list[dict[str, Any]]) -> Describe:
    return lambda i: f"{path}: result {positions[i]} (image_id {rows[i].get('image_id')!r})"


def _images(rows: list[dict[str, Any]], truth: TruthFile, describe: Describe) -> Ints:
    """Find the image of every result; results of images that the truth lacks are refused."""
    complaint = f"an image_id that {truth.path} lacks: remove it or pass the matching annotation file"
    return lookup(column(rows, "image_id", describe), truth.image_index(), describe, complaint)


def _best(image: Ints, score: Floats, per_image: int | None) -> Bools:
    """Mark the best results of every image, ties in file order: bool [D]."""
    if per_image is None:
        return np.ones(len(image), dtype=bool)
    order = np.lexsort((-score, image))
    ordered = image[order]
    best = np.zeros(len(image), dtype=bool)
    best[order] = np.arange(len(image)) - np.searchsorted(ordered, ordered) < per_image
    return best


def _known(named: list[Any], categories: Mapping[Any, int]) -> Bools:
    """Mark the results whose category exists: bool [D]."""
    try:
        return np.array([value in categories for value in named], dtype=bool)
    except TypeError:
        return np.array([isinstance(v, int | str | float) and v in categories for v in named], dtype=bool)


def _scores(rows: list[dict[str, Any]], source: ScoreSource, describe: Describe) -> Floats:
    """Read or replace the scores."""
    if source == "constant":
        return np.ones(len(rows))
    if source == "order":
        return np.arange(len(rows), 0, -1, dtype=np.float64)
    absent = [i for i, row in enumerate(rows) if row.get("score") is None]
    if absent:
        raise DataError(f"{describe(absent[0])} has no score ({len(absent)} of {len(rows)} results): {NO_SCORES}")
    return numbers([row["score"] for row in rows], None, "score", describe, np.inf)


def _lead(first: Mapping[str, Any], path: Path) -> str:
    """Tell which field of the first entry decides how the official tool reads all entries."""
    if first.get("bbox", []) != []:
        return "bbox"
    for key in ("segmentation", "keypoints"):
        if key in first:
            return key
    raise DataError(f"{path}: result 0 has neither bbox, segmentation nor keypoints: add what is to be compared")


@dataclass(frozen=True)
class _Shapes:
    """The shapes of results, read once where they are needed: what is compared, and what gives areas."""

    rows: list[dict[str, Any]]
    truth: TruthFile
    image: Ints
    describe: Describe
    lead: str

    @cached_property
    def boxes(self) -> Floats:
        """Boxes, or those of the shapes where the first entry has none, as the official tool does: float [D, 4]."""
        if self.lead == "segmentation":
            return self.masks.boxes_xywh()
        if self.lead == "keypoints":
            return self._extent()
        return numbers(column(self.rows, "bbox", self.describe), 4, "bbox", self.describe)

    @cached_property
    def masks(self) -> Masks:
        """Masks of all results."""
        size_hw = self.truth.size_hw[self.image]
        if (size_hw < 0).any():
            raise DataError(f"{self.truth.path}: masks need the height and width of every image: add them")
        return read_masks(column(self.rows, "segmentation", self.describe), size_hw, self.describe)

    @cached_property
    def joints(self) -> Floats:
        """Poses with the number of joints of the truth: float [D, K, 2]."""
        poses = column(self.rows, "keypoints", self.describe)
        joints = self.truth.annotations.keypoints.shape[1]
        width = joints * 3 if joints else len(poses[0]) if poses and isinstance(poses[0], list) else 3
        numbered = numbers(poses, width, "keypoints", self.describe).reshape(len(self.rows), width // 3, 3)
        return np.ascontiguousarray(numbered[:, :, :2])

    def compared(self, kind: Kind) -> Floats:
        """Boxes [D, 4] or joints [D, K, 2] where this kind is compared, zeros or nothing elsewhere."""
        if self.truth.kind == kind:
            return self.boxes if kind == "bbox" else self.joints
        return np.zeros((len(self.rows), 4) if kind == "bbox" else (len(self.rows), 0, 2))

    @property
    def malformed(self) -> Bools:
        """Results that cannot match anything: bool [D]."""
        if self.truth.kind == "bbox":
            return np.asarray(self.boxes[:, 2:].min(axis=1) < 0)
        return self.masks.odd if self.truth.kind == "segm" else np.zeros(len(self.rows), dtype=bool)

    def areas(self, source: AreaSource) -> Floats:
        """Compute the area of every result: float [D]."""
        lead = self.lead if source == "official" else FIELDS[self.truth.kind]
        if lead == "segmentation":
            return self.masks.area
        boxes = self._extent() if lead == "keypoints" else self.boxes
        return np.asarray(boxes[:, 2] * boxes[:, 3])

    def _extent(self) -> Floats:
        """Find the box around all joints of every pose, whatever their visibility: float [D, 4] xywh."""
        if not len(self.joints):
            return np.zeros((0, 4))
        low, high = self.joints.min(axis=1), self.joints.max(axis=1)
        return np.concatenate((low, high - low), axis=1)


def _unknown_note(unknown: Counter[str], path: Path) -> tuple[str, ...]:
    if not unknown:
        return ()
    ids = ", ".join(sorted(unknown)[:5]) + (", …" if len(unknown) > 5 else "")
    return (f"{unknown.total()} results of {path.name} name a category that the truth lacks ({ids}): left out",)


def _limit_note(fits: Bools, per_image: int | None) -> tuple[str, ...]:
    over = int((~fits).sum())
    return (f"{over} results beyond the best {per_image} of their image: left out",) if over else ()


def _lead_note(lead: str, truth: TruthFile, area: AreaSource) -> tuple[str, ...]:
    if lead == "bbox" and truth.kind != "bbox" and area == "official":
        return ("results hold boxes too: areas come from the boxes, as in pycocotools (result_area=shape mends it)",)
    return ()


def _repeat_note(results: ResultsFile) -> tuple[str, ...]:
    """Count results that repeat an earlier one; masks are told apart by a 64-bit hash of their runs."""
    runs = np.array([hash(mask["counts"]) for mask in results.rles], dtype=np.int64).view(np.float64)
    count, joints = results.joints_xy.shape[:2]
    poses = results.joints_xy.reshape(count, joints * 2)
    shape = runs if results.rles else np.column_stack((results.box_xywh, poses))
    table = np.column_stack((results.image, results.category, results.score, shape))
    rows = table.view(f"V{table.shape[1] * table.itemsize}").ravel().tolist()
    repeats = count - len(set(rows))
    return (f"{repeats} results repeat an earlier one exactly and count as false positives",) if repeats else ()
