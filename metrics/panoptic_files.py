"""Score panoptic predictions from the official COCO panoptic format: a JSON file and a folder of PNGs.

`X.json` goes with the folder `X` unless options name others. Images are independent, so they may be
measured by several processes; rows come back in the order of the target JSON either way.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from metrics.base import Row, Scorer, ScoreReport
from metrics.errors import DataError
from metrics.json_files import load_json
from metrics.options import choice_int
from metrics.panoptic import CARD, PANOPTIC, PanopticMap, Segment, aggregate, category_counts, measure, quality
from metrics.panoptic_png import read_ids

CHUNK = 16
HEAP_BYTES = 1 << 24


@dataclass(frozen=True)
class PanopticFile:
    """A panoptic JSON file and its folder of PNGs.

    Attributes:
        path: the JSON file.
        folder: where the PNGs that it names lie.
        annotations: image id -> its entry, in file order.
        categories: entries of `categories`; empty where the file has none (predictions need none).
    """

    path: Path
    folder: Path
    annotations: Mapping[int | str, Mapping[str, Any]]
    categories: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class _Job:
    """One image to measure: entries of its target and prediction, and where their files are."""

    image_id: int | str
    target: Mapping[str, Any]
    pred: Mapping[str, Any] | None
    target_file: tuple[Path, Path]
    pred_file: tuple[Path, Path]
    things: Mapping[int, bool]


def read_file(path: Path, folder: Path | None = None) -> PanopticFile:
    """Read and check a panoptic JSON file; the PNGs are read later, one at a time.

    Raises:
        DataError: file or folder is missing, or the JSON is not of the panoptic form.
    """
    content = load_json(path)
    entries = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise DataError(f"{path} has no list 'annotations': it should be a COCO panoptic file, not a results list")
    folder = folder or path.with_suffix("")
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: the PNGs of {path.name} belong there (or name it by an option)")
    annotations: dict[int | str, Mapping[str, Any]] = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not {"image_id", "file_name", "segments_info"} <= set(entry):
            raise DataError(f"{path}: annotations[{number}] needs image_id, file_name and segments_info")
        if entry["image_id"] in annotations:
            raise DataError(f"{path}: image {entry['image_id']} has two entries in annotations: keep one")
        annotations[entry["image_id"]] = entry
    categories = content.get("categories", [])
    return PanopticFile(path, folder, annotations, tuple(categories if isinstance(categories, list) else ()))


def thing_flags(file: PanopticFile) -> dict[int, bool]:
    """Category id -> whether it is a thing, from the target JSON.

    Raises:
        DataError: there are no categories, or one lacks `id` or `isthing`, or an id occurs twice.
    """
    flags: dict[int, bool] = {}
    for number, category in enumerate(file.categories):
        if not isinstance(category, dict) or "id" not in category or "isthing" not in category:
            raise DataError(f"{file.path}: categories[{number}] needs id and isthing (0 or 1)")
        if category["id"] in flags:
            raise DataError(f"{file.path}: category id {category['id']} is listed twice: keep one entry")
        flags[category["id"]] = category["isthing"] == 1
    if not flags:
        raise DataError(f"{file.path} has no categories: panoptic targets must list them, with isthing")
    return flags


def measure_files(targets: PanopticFile, predictions: PanopticFile, workers: int = 1) -> Iterator[Row]:
    """Measure every image of the targets, in file order; an image without prediction misses all its targets.

    Args:
        workers: processes to use; more than one starts them afresh, so scripts need an `if __name__` guard.
    """
    things = thing_flags(targets)
    jobs = [
        _Job(i, entry, predictions.annotations.get(i), (targets.path, targets.folder),
             (predictions.path, predictions.folder), things)
        for i, entry in targets.annotations.items()
    ]
    if workers <= 1 or len(jobs) <= CHUNK:
        _keep_heap()
        yield from map(_measure_job, jobs)
        return
    processes = min(workers, math.ceil(len(jobs) / CHUNK))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_keep_heap) as pool:
        yield from pool.map(_measure_job, jobs, chunksize=CHUNK)


def read_prediction(file: PanopticFile, image_id: int | str) -> PanopticMap:
    """Decode the prediction of one image that the file lists.

    Raises:
        DataError: its PNG is missing or damaged, or a segment is broken.
    """
    return _open(file.annotations[image_id], image_id, (file.path, file.folder), is_target=False)


def _keep_heap() -> None:
    """Allocate and free one large block: glibc then keeps freed image buffers instead of returning their pages.

    Page faults on buffers of about a megabyte otherwise cost as much as counting the pixels.
    """
    np.empty(HEAP_BYTES, np.uint8)


def _measure_job(job: _Job) -> Row:
    target = _open(job.target, job.image_id, job.target_file, is_target=True)
    pred = None if job.pred is None else _open(job.pred, job.image_id, job.pred_file, is_target=False)
    return measure(pred, target, job.things)


def _open(entry: Mapping[str, Any], image_id: int | str, file: tuple[Path, Path], is_target: bool) -> PanopticMap:
    path, folder = file
    source = f"{path}: image {image_id}"
    if not isinstance(entry["segments_info"], list):
        raise DataError(f"{source}: segments_info must be a list")
    segments = tuple(_segment(info, source, is_target) for info in entry["segments_info"])
    return PanopticMap(read_ids(folder / str(entry["file_name"])), segments, source)


def _segment(info: Any, source: str, is_target: bool) -> Segment:
    needed = ("id", "category_id", "area", "iscrowd") if is_target else ("id", "category_id")
    for key in needed:
        value = info.get(key) if isinstance(info, dict) else None
        if not isinstance(value, int) and not (key == "area" and isinstance(value, float) and value >= 0):
            raise DataError(f"{source}: a segment has {key} {value!r}: each needs whole numbers {', '.join(needed)}")
    if not is_target:
        return Segment(info["id"], info["category_id"])
    return Segment(info["id"], info["category_id"], info["area"], info["iscrowd"] == 1)


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a panoptic prediction JSON (with its PNG folder) against the target JSON.

    Raises:
        DataError: naming file, image and segment, and what to do.
    """
    truth = read_file(targets, _folder(options, "gt_folder"))
    answer = read_file(predictions, _folder(options, "pred_folder"))
    if not truth.annotations:
        raise DataError(f"{targets} lists no image: there is nothing to score")
    rows = list(measure_files(truth, answer, choice_int(options, "workers", 1)))
    missing = [i for i in truth.annotations if i not in answer.annotations]
    return ScoreReport(
        metric="panoptic",
        protocol=PANOPTIC.protocol,
        n=len(rows),
        missing=len(missing),
        malformed=0,
        metrics={key: None if value != value else value for key, value in aggregate(rows).items()},
        per_class=per_class(truth, rows),
        notes=_notes(truth, answer, rows, missing),
    )


def per_class(targets: PanopticFile, rows: Sequence[Row]) -> dict[str, dict[str, float | None]]:
    """Scores and counts of every category by name (by id where names repeat); zeros where it never occurs."""
    counts = {category: values for (_, category), values in category_counts(rows).items()}
    names = [str(c.get("name", c["id"])) for c in targets.categories]
    table: dict[str, dict[str, float | None]] = {}
    for name, category in zip(names, targets.categories, strict=True):
        own = counts.get(category["id"], {"tp": 0.0, "fp": 0.0, "fn": 0.0, "iou": 0.0})
        pq, sq, rq = quality(own)
        label = name if names.count(name) == 1 else str(category["id"])
        table[label] = {"pq": pq, "sq": sq, "rq": rq, **own}
    return table


def _notes(
    targets: PanopticFile, predictions: PanopticFile, rows: Sequence[Row], missing: Sequence[int | str]
) -> tuple[str, ...]:
    notes = []
    if missing:
        notes.append(f"{len(missing)} images have no prediction (first: {missing[0]}): their segments count as missed")
    extra = [i for i in predictions.annotations if i not in targets.annotations]
    if extra:
        notes.append(f"{len(extra)} predicted images are not in {targets.path.name} (first: {extra[0]}): not scored")
    unlisted = sum(row.get("unlisted", 0) > 0 for row in rows)
    if unlisted:
        notes.append(f"{unlisted} target PNGs hold ids that {targets.path.name} does not list: not void, no segment")
    differ = sum(int(row.get("area_differs", 0)) for row in rows)
    if differ:
        notes.append(f"{differ} targets record another area than they have pixels: the recorded one is used")
    return tuple(notes)


def _folder(options: Mapping[str, str], key: str) -> Path | None:
    return Path(options[key]) if options.get(key) else None


SCORERS = [
    Scorer(
        name="panoptic",
        score=score,
        targets="COCO panoptic JSON, with its PNGs in the folder of the same name without .json",
        predictions="COCO panoptic JSON with annotations[image_id, file_name, segments_info[id, category_id]] and PNGs",
        card=CARD,
        options={
            "gt_folder": "folder of the target PNGs; default: the target JSON without .json",
            "pred_folder": "folder of the predicted PNGs; default: the prediction JSON without .json",
            "workers": "processes that decode and measure; default 1",
        },
    )
]
