"""COCO average precision and recall of boxes (`bbox`) and masks (`segm`).

Protocols coco-bbox/1 and coco-segm/1 equal pycocotools 2.0.11 to the last bit. A single image has no AP: its row is a
`Matches`, arrays of matched detections, and `aggregate` turns the rows of any images into figures, in row order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from metrics.ap_rows import categories_of, from_rows
from metrics.base import Card, Metric, Row, Scorer, ScoreReport
from metrics.coco_eval import ALL, LARGE, MEDIUM, SMALL, Figure, Rules, accumulate, figures
from metrics.coco_files import Kind, read_truth
from metrics.coco_masks import run_sums
from metrics.coco_options import CLASS_AGNOSTIC, COMMON, MAX_DETS, Options, parse
from metrics.coco_overlap import BoxOverlap, MaskOverlap
from metrics.coco_results import read_results
from metrics.coco_score import Plan, report
from metrics.matching import Detections, Matches, Overlap, Truth, join, match

AREAS = {"all": ALL, "small": SMALL, "medium": MEDIUM, "large": LARGE}
RULES = Rules(AREAS, (1, 10, 100))


def wanted(max_dets: tuple[int, ...]) -> dict[str, Figure]:
    """List the twelve COCO figures; `ap` always reads 100 detections, as the official summary does."""
    first, second, last = max_dets
    return {
        "ap": Figure("precision", None, "all", 100),
        "ap50": Figure("precision", 0.5, "all", last),
        "ap75": Figure("precision", 0.75, "all", last),
        **{f"ap_{size}": Figure("precision", None, size, last) for size in ("small", "medium", "large")},
        "ar1": Figure("recall", None, "all", first),
        "ar10": Figure("recall", None, "all", second),
        "ar100": Figure("recall", None, "all", last),
        **{f"ar_{size}": Figure("recall", None, size, last) for size in ("small", "medium", "large")},
    }


@dataclass(frozen=True)
class Objects:
    """Objects of one image: annotated ones, or found ones with scores.

    Attributes:
        category: int [N], index of the category.
        box_xywh: float [N, 4] pixels; read when `masks` is None.
        masks: N compressed RLEs, to compare masks instead of boxes.
        area: float [N] square pixels; None takes the box area or the mask area.
        score: float [N], for found objects.
        crowd: bool [N], for annotated objects; None means no crowd.
    """

    category: np.ndarray
    box_xywh: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    masks: list[dict[str, Any]] | None = None
    area: np.ndarray | None = None
    score: np.ndarray | None = None
    crowd: np.ndarray | None = None

    def areas(self) -> np.ndarray:
        """Return the given areas or those of the shapes: float [N]."""
        if self.area is not None:
            return np.asarray(self.area, dtype=np.float64)
        if self.masks is None:
            return np.asarray(self.box_xywh[:, 2] * self.box_xywh[:, 3], dtype=np.float64)
        return run_sums([mask["counts"] for mask in self.masks])[1].astype(np.float64)


def measure_image(found: Objects, true: Objects) -> Matches:
    """Match the objects found in one image to its annotated ones.

    Args:
        found: with scores, best first where scores tie.
        true: with areas as annotated.

    Returns:
        The row of this image for `aggregate`.

    Raises:
        ValueError: the found objects have no scores, which AP needs.
    """
    if found.score is None:
        raise ValueError("AP ranks objects by score: give every found object a score")
    crowd = np.zeros(len(true.category), dtype=bool) if true.crowd is None else np.asarray(true.crowd, dtype=bool)
    none_true, none_found = np.zeros(len(true.category), dtype=bool), np.zeros(len(found.category), dtype=bool)
    target = Truth(none_true.astype(np.int64), np.asarray(true.category), true.areas(), crowd, crowd, none_true)
    score = np.asarray(found.score, dtype=np.float64)
    answer = Detections(
        none_found.astype(np.int64), np.asarray(found.category), score, found.areas(), none_found, none_found
    )
    overlap: Overlap = BoxOverlap(np.asarray(found.box_xywh), np.asarray(true.box_xywh), crowd)
    if found.masks is not None and true.masks is not None:
        overlap = MaskOverlap(found.masks, true.masks, crowd)
    return match(target, answer, RULES.ranges(), RULES.max_dets[-1], overlap)


def aggregate(rows: Sequence[Matches], categories: int) -> dict[str, float | None]:
    """Turn rows of images into the twelve figures; a row given twice counts twice, as a bootstrap needs.

    Args:
        rows: in image order, which breaks ties between equal scores.
        categories: number of categories K.
    """
    return figures(wanted(RULES.max_dets), accumulate(join(rows), RULES, categories))


def aggregate_rows(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows of `metrics.ap_rows` into the twelve figures, NaN where no object counts.

    Where rows say that answers were refused for want of scores, `unscored` is their number.
    """
    matches = from_rows(rows, len(AREAS))
    found = figures(wanted(RULES.max_dets), accumulate(matches, RULES, categories_of(matches)))
    return {**{key: np.nan if value is None else value for key, value in found.items()}, **unscored(rows)}


def unscored(rows: Sequence[Row]) -> dict[str, float]:
    """Count the answers that were refused for want of scores; no key where there are none."""
    count = sum(row.get("unscored", 0) for row in rows)
    return {"unscored": float(count)} if count else {}


def score(kind: Kind, targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a COCO results file.

    Raises:
        DataError: a file breaks its format or an option cannot be used.
    """
    chosen = parse(options, Options())
    truth = read_truth(targets, kind)
    results = read_results(predictions, truth, chosen.score_source, chosen.result_area)
    return report(truth, results, chosen, Options(), Plan(_figures(chosen), Rules(AREAS, chosen.max_dets)))


def _figures(options: Options) -> dict[str, Figure]:
    """Add AP at the last limit where 100 is not among the limits, since `ap` is undefined there."""
    figures_wanted = wanted(options.max_dets)
    if 100 not in options.max_dets:
        last = options.max_dets[-1]
        figures_wanted[f"ap@{last}dets"] = Figure("precision", None, "all", last)
    return figures_wanted


KEYS = {
    "ap": "mean precision over IoU .50:.05:.95, 101 recall levels and categories, 100 detections",
    "ap50": "the same at IoU 0.5",
    "ap75": "the same at IoU 0.75",
    "ap_small": "AP of objects up to 32 x 32 pixels of area",
    "ap_medium": "AP of objects from 32 x 32 to 96 x 96 pixels",
    "ap_large": "AP of objects from 96 x 96 pixels",
    "ar1": "highest recall with 1 detection per image and category, mean over IoU and categories",
    "ar10": "the same with 10 detections",
    "ar100": "the same with 100 detections",
    "ar_small": "AR at the last limit, small objects",
    "ar_medium": "AR at the last limit, medium objects",
    "ar_large": "AR at the last limit, large objects",
}
BOUNDS = {"ar1": (0.0, None), "ar10": (0.0, None)}
"""One or ten answers cannot find all objects of a crowded image, so the truth itself has no fixed score there."""
EDGE_RULES = (
    "n is the number of images; missing counts images with objects and no result, whose objects stay unfound",
    "a figure without any object to find is None (pycocotools prints -1); averages skip it; a category with objects "
    "and no results has AP 0",
    "detections go by score, ties in file order; the last limit applies per image and category",
    "a detection takes the free object of highest IoU >= threshold, the later one on a tie; ignored objects only then",
    "crowds are ignored, may match many times, and their IoU is intersection over the detection's area",
    "size ranges read the annotated area and include both limits: 1024 is small and medium; detections outside the "
    "range that match nothing are ignored there",
    "boxes are continuous [x, y, width, height] without +1; zero-size boxes match nothing",
    "malformed results (negative side, mask of another size) are false positives in every size range and are counted",
    "unknown categories are left out and counted; unknown images, NaN, duplicate annotation ids are refused",
    "annotation id 0 never registers a match in pycocotools: kept, noted, mended by id_zero=fixed",
    "results without scores are refused unless score_source is declared",
    "where results hold a bbox, areas come from it even for masks, as in pycocotools; result_area=shape mends it",
    "ap reads the limit 100 only: with other limits it is None, and ap@Ndets is printed beside it",
)


def _card(shape: str) -> Card:
    return Card(
        definition=f"Average precision and recall of {shape}: area under the interpolated precision-recall curve of "
        "each category at ten IoU thresholds, averaged",
        source="pycocotools 2.0.11 COCOeval; Lin et al., Microsoft COCO, ECCV 2014",
        edge_rules=EDGE_RULES,
        keys=KEYS,
        bounds=BOUNDS,
    )


UNSCORED = "answers that were refused because an object has no score; shown where there are any"


def ap_metric(name: str, protocol: str, aggregate: Callable[[Sequence[Row]], dict[str, float]], card: Card) -> Metric:
    """Build a metric of tasks over rows of `metrics.ap_rows`; AP is no mean over images."""
    told = replace(
        card,
        keys={**card.keys, "unscored": UNSCORED},
        bounds={**card.bounds, "unscored": (0.0, 0.0)},
        units={**card.units, "unscored": "answers"},
    )
    return Metric(
        name=name, kind="detection", protocol=protocol, aggregate=aggregate, headline="ap", card=told, additive=False
    )


BBOX = ap_metric("bbox", "coco-bbox/1", aggregate_rows, _card("boxes"))
SEGM = ap_metric("segm", "coco-segm/1", aggregate_rows, _card("masks"))
METRICS = [BBOX, SEGM]


def _score_boxes(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    return score("bbox", targets, predictions, options)


def _score_masks(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    return score("segm", targets, predictions, options)


SCORERS = [
    Scorer(
        name="bbox",
        score=_score_boxes,
        targets="COCO instances JSON",
        predictions="COCO results JSON: [{image_id, category_id, bbox: [x, y, width, height], score}, …]",
        card=_card("boxes"),
        protocol="coco-bbox/1",
        headline="ap",
        options={**COMMON, **CLASS_AGNOSTIC, **MAX_DETS},
    ),
    Scorer(
        name="segm",
        score=_score_masks,
        targets="COCO instances JSON with polygons or RLE",
        predictions="COCO results JSON: [{image_id, category_id, segmentation: RLE, score}, …]",
        card=_card("masks"),
        protocol="coco-segm/1",
        headline="ap",
        options={**COMMON, **CLASS_AGNOSTIC, **MAX_DETS},
    ),
]
