"""LVIS average precision (`lvis`): COCO's matching under federated annotation.

An image is annotated exhaustively for its positive categories, known to lack its negative ones, and silent about the
rest: results of categories in neither list are left out, and unmatched results of categories that are not exhaustively
annotated are ignored. Protocols lvis-bbox/1 and lvis-segm/1 equal lvis-api 0.5.3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from metrics.ap_rows import categories_of, from_rows
from metrics.base import Card, Row, Scorer, ScoreReport
from metrics.coco_eval import Curves, Figure, Rules, accumulate, figures, per_class
from metrics.coco_files import Kind, TruthFile, read_truth
from metrics.coco_options import COMMON, Options, parse
from metrics.coco_results import ResultsFile, read_results
from metrics.coco_score import Selection, evaluate, notes, select, unanswered
from metrics.detection import AREAS, ap_metric, unscored
from metrics.errors import DataError
from metrics.matching import Bools, Ints
from metrics.options import choice

MAX_DETS = 300
RULES = Rules(AREAS, (MAX_DETS,))
SIZES = ("small", "medium", "large")
WANTED = {
    "ap": Figure("precision", None, "all", MAX_DETS),
    "ap50": Figure("precision", 0.5, "all", MAX_DETS),
    "ap75": Figure("precision", 0.75, "all", MAX_DETS),
    **{f"ap_{size}": Figure("precision", None, size, MAX_DETS) for size in SIZES},
}
RECALL = {
    "ar": Figure("recall", None, "all", MAX_DETS),
    **{f"ar_{size}": Figure("recall", None, size, MAX_DETS) for size in SIZES},
}
FREQUENCIES = {"r": "apr", "c": "apc", "f": "apf"}


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a results file against LVIS annotations.

    Raises:
        DataError: a file breaks its format or an option cannot be used.
    """
    kind = cast(Kind, choice(options, "type", ("bbox", "segm"), "segm"))
    base = Options(max_dets=(MAX_DETS,))
    chosen = parse(options, base)
    truth = _prepared(read_truth(targets, kind))
    results = read_results(predictions, truth, chosen.score_source, chosen.result_area, MAX_DETS)
    judged = _judged(truth, results)
    lenient = _member(results.image, results.category, truth, "not_exhaustive_category_ids")[judged]
    selection = select(truth, results.take(judged), chosen)
    found = replace(selection.found, lenient=lenient[selection.results])
    target = replace(selection.truth, ignored=truth.annotations.ignored[selection.objects])
    selection = replace(selection, truth=target, found=found)
    _, curves = evaluate(selection, RULES)
    return ScoreReport(
        metric="lvis",
        protocol=f"lvis-{kind}/1{chosen.variant(base)}",
        n=selection.images,
        missing=unanswered(selection.truth, selection.found),
        malformed=int(selection.found.unusable.sum()),
        metrics={**figures(WANTED, curves), **_by_frequency(truth, selection, curves), **figures(RECALL, curves)},
        per_class=per_class({**WANTED, **RECALL}, curves, selection.names) if chosen.per_class else None,
        notes=(*results.notes, *_left_out(len(results.image) - len(judged)), *notes(selection, truth, chosen)),
    )


def aggregate_rows(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows of `metrics.ap_rows` into figures, NaN where no object counts.

    Rows also hold `true_frequency`, for each object the place of its category's frequency among r, c and f.
    """
    matches = from_rows(rows, len(AREAS))
    curves = accumulate(matches, RULES, categories_of(matches))
    often = {c: f for row in rows for c, f in zip(row["true_category"], row["true_frequency"], strict=True)}
    groups = {
        key: WANTED["ap"].of(curves, np.array(sorted(c for c in often if often[c] == place), dtype=np.int64))
        for place, key in enumerate(FREQUENCIES.values())
    }
    found = {**figures(WANTED, curves), **groups, **figures(RECALL, curves)}
    return {**{key: np.nan if value is None else value for key, value in found.items()}, **unscored(rows)}


def _left_out(count: int) -> tuple[str, ...]:
    why = "categories that their image says nothing about, or of area 0"
    return (f"{count} results of {why}: left out, as the protocol asks",) if count else ()


def _prepared(truth: TruthFile) -> TruthFile:
    """Apply what LVIS reads differently: no crowds, an `ignore` field, and no objects of area 0."""
    own = truth.annotations.take(np.flatnonzero(truth.annotations.area > 0))
    for key in ("neg_category_ids", "not_exhaustive_category_ids"):
        for image, record in truth.image_records.items():
            listed = record.get(key)
            if not isinstance(listed, list) or not all(isinstance(value, int | str) for value in listed):
                raise DataError(f"{truth.path}: image {image!r} has no list {key} of ids: pass LVIS annotations")
    for category, record in truth.category_records.items():
        if str(record.get("frequency")) not in FREQUENCIES:
            raise DataError(f"{truth.path}: category {category!r} needs a frequency r, c or f: pass LVIS annotations")
    return replace(truth, annotations=replace(own, crowd=np.zeros_like(own.crowd)))


def _judged(truth: TruthFile, results: ResultsFile) -> Ints:
    """Return the places of results whose category is annotated, present or absent, in their image."""
    own, stride = truth.annotations, len(truth.categories)
    present = np.isin(results.image * stride + results.category, own.image * stride + own.category)
    absent = _member(results.image, results.category, truth, "neg_category_ids")
    # lvis-api asks for areas strictly between 0 and infinity, for results as for objects.
    return np.flatnonzero((present | absent) & ((results.area > 0) | results.malformed))


def _member(image: Ints, category: Ints, truth: TruthFile, key: str) -> Bools:
    """Tell which (image, category) pairs are listed under a key of the image's record: bool [D]."""
    index = truth.category_index()
    stride = len(truth.categories)
    listed = [
        place * stride + index[value]
        for place, record in enumerate(truth.image_records.values())
        for value in record[key]
        if value in index
    ]
    return np.isin(image * stride + category, np.array(listed, dtype=np.int64))


def _by_frequency(truth: TruthFile, selection: Selection, curves: Curves) -> dict[str, float | None]:
    """Read AP over rare (in fewer than 10 training images), common (10 to 100) and frequent categories."""
    place = {name: k for k, name in enumerate(selection.names)}
    groups: dict[str, list[int]] = {letter: [] for letter in FREQUENCIES}
    records: list[Mapping[str, Any]] = list(truth.category_records.values())
    for name, record in zip(truth.names, records, strict=True):
        if name in place:
            groups[record["frequency"]].append(place[name])
    return {
        FREQUENCIES[letter]: WANTED["ap"].of(curves, np.array(places, dtype=np.int64))
        for letter, places in groups.items()
    }


CARD = Card(
    definition="COCO average precision with federated annotation, at most 300 results per image, also by how often a "
    "category occurs in training",
    source="lvis-api 0.5.3 LVISEval; Gupta et al., LVIS, CVPR 2019",
    edge_rules=(
        "n is the number of images; missing counts images with objects that count and no judged result",
        "the best 300 results of an image are kept, over all categories together; ties in file order",
        "results of categories in neither the positive nor the negative list of their image are left out, and counted",
        "unmatched results of not exhaustively annotated categories are ignored",
        "there are no crowds; an `ignore` field of an object is honoured",
        "objects and results of area 0 are left out, as lvis-api leaves them out",
        "matching, size ranges, annotation id 0, malformed results and None are as in bbox and segm",
    ),
    keys={
        "ap": "mean precision over IoU .50:.05:.95, recall levels and categories",
        "ap50": "AP at IoU 0.5",
        "ap75": "AP at IoU 0.75",
        "ap_small": "AP of objects up to 32 x 32 pixels of area",
        "ap_medium": "AP of objects from 32 x 32 to 96 x 96 pixels",
        "ap_large": "AP of objects from 96 x 96 pixels",
        "apr": "AP over rare categories",
        "apc": "AP over common categories",
        "apf": "AP over frequent categories",
        "ar": "highest recall, mean over IoU and categories",
        "ar_small": "AR of small objects",
        "ar_medium": "AR of medium objects",
        "ar_large": "AR of large objects",
    },
)

LVIS = ap_metric("lvis", "lvis-segm/1", aggregate_rows, CARD)
LVIS_BBOX = ap_metric("lvis_bbox", "lvis-bbox/1", aggregate_rows, CARD)
METRICS = [LVIS, LVIS_BBOX]

SCORERS = [
    Scorer(
        name="lvis",
        score=score,
        targets="LVIS JSON (images with neg_category_ids and not_exhaustive_category_ids, categories with frequency)",
        predictions="LVIS results JSON: [{image_id, category_id, bbox or segmentation, score}, …]",
        card=CARD,
        protocol="lvis-segm/1",
        headline="ap",
        options={**COMMON, "type": "segm (default) or bbox"},
    )
]
