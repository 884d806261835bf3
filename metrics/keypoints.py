"""COCO average precision and recall of poses by object keypoint similarity (`keypoints`).

Protocol coco-keypoints/1 equals pycocotools 2.0.11. The row of one image is a `Matches`; see `metrics.detection`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from metrics.base import Card, Metric, Row, Scorer, ScoreReport
from metrics.coco_eval import ALL, LARGE, MEDIUM, Figure, Rules, accumulate, figures
from metrics.coco_files import TruthFile, read_truth
from metrics.coco_options import COMMON, Options, parse
from metrics.coco_overlap import COCO_SIGMAS, KeypointOverlap
from metrics.coco_results import read_results
from metrics.coco_score import Plan, report
from metrics.detection import unscored
from metrics.errors import DataError
from metrics.match_rows import from_rows
from metrics.matching import Bools, Detections, Floats, Ints, Matches, Truth, join, match, ranked
from metrics.options import floats

MAX_POSES = 20
RULES = Rules({"all": ALL, "medium": MEDIUM, "large": LARGE}, (MAX_POSES,))

WANTED = {
    f"{name}{suffix}": Figure(average, threshold, area, MAX_POSES)
    for name, average in (("ap", "precision"), ("ar", "recall"))
    for suffix, threshold, area in (
        ("", None, "all"),
        ("50", 0.5, "all"),
        ("75", 0.75, "all"),
        ("_medium", None, "medium"),
        ("_large", None, "large"),
    )
}


@dataclass(frozen=True)
class Persons:
    """Annotated persons of any number of images, flat.

    Attributes:
        image: int [G], index of the image.
        xyv: float [G, K, 3] x, y in pixels, visibility (0 = not labelled).
        box_xywh: float [G, 4].
        area: float [G], as annotated (the segment's, not the box's).
        ignored: bool [G], True where nobody has to find the person; those without labelled joints are ignored anyway.
        crowd: bool [G], True where it may be matched any number of times.
        nameless: bool [G], True where a match does not register (annotation id 0).
    """

    image: Ints
    xyv: Floats
    box_xywh: Floats
    area: Floats
    ignored: Bools
    crowd: Bools
    nameless: Bools


@dataclass(frozen=True)
class Poses:
    """Found poses of any number of images, flat; where scores are equal, earlier ones rank higher.

    Attributes:
        image: int [D], index of the image.
        xy: float [D, K, 2] pixels.
        score: float [D].
        area: float [D], see `extent`; it decides in which size ranges a pose that matches nothing is forgiven.
        unusable: bool [D], True where it matches nothing and is never forgiven: a malformed answer.
    """

    image: Ints
    xy: Floats
    score: Floats
    area: Floats
    unusable: Bools


def extent(xy: Floats) -> Floats:
    """Area of the box around all joints of every pose, whatever their visibility: [D, K, 2] pixels -> [D]."""
    return np.ptp(xy, axis=1).prod(axis=1) if len(xy) else np.zeros(0)


def match_poses(found: Poses, true: Persons, sigmas: Floats = COCO_SIGMAS) -> tuple[Matches, Ints]:
    """Match the poses found in many images to the annotated persons.

    Args:
        found: in the order in which ties are broken.
        true: the persons.
        sigmas: float [K], spread of each joint.

    Returns:
        The matches, and int [kept], which pose of `found` each of their detections is.
    """
    labelled = np.count_nonzero(true.xyv[:, :, 2] > 0, axis=1)
    one, no = np.zeros(len(true.area), dtype=np.int64), np.zeros(len(found.score), dtype=np.int64)
    ignored = true.ignored | true.crowd | (labelled == 0)
    truth = Truth(true.image, one, true.area, ignored, true.crowd, true.nameless)
    detections = Detections(found.image, no, found.score, found.area, found.unusable, no.astype(bool))
    overlap = KeypointOverlap(found.xy, true.xyv, true.box_xywh, true.area, sigmas)
    matches = match(truth, detections, RULES.ranges(), MAX_POSES, overlap)
    return matches, ranked(found.image, found.score, MAX_POSES)[1]


def measure_image(
    found_xy: Floats, score: Floats, true_xyv: Floats, true_xywh: Floats, area: Floats, sigmas: Floats = COCO_SIGMAS
) -> Matches:
    """Match the poses found in one image to its annotated ones, of one category.

    Args:
        found_xy: float [D, K, 2] pixels.
        score: float [D].
        true_xyv: float [G, K, 3], visibility 0 = not labelled; a pose without labelled joints is ignored.
        true_xywh: float [G, 4], box of each person.
        area: float [G], annotated area (the segment's, not the box's).
        sigmas: float [K], spread of each joint.

    Returns:
        The row of this image for `aggregate`.
    """
    true_zero, found_zero = np.zeros(len(area), dtype=np.int64), np.zeros(len(score), dtype=np.int64)
    no = true_zero.astype(bool)
    true = Persons(true_zero, true_xyv, true_xywh, np.asarray(area, dtype=np.float64), no, no, no)
    scores = np.asarray(score, dtype=np.float64)
    found = Poses(found_zero, found_xy, scores, extent(found_xy), found_zero.astype(bool))
    return match_poses(found, true, sigmas)[0]


def aggregate(rows: Sequence[Matches], categories: int = 1) -> dict[str, float | None]:
    """Turn rows of images, in image order, into the ten figures."""
    return figures(WANTED, accumulate(join(rows), RULES, categories))


def aggregate_rows(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows of `metrics.match_rows`, in any order, into the ten figures, NaN where no person counts.

    Where rows say that answers were refused for want of scores, `unscored` is their number.
    """
    found = figures(WANTED, accumulate(from_rows(rows, len(RULES.areas)), RULES, 1))
    return {**{key: math.nan if value is None else value for key, value in found.items()}, **unscored(rows)}


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a COCO keypoint results file.

    Raises:
        DataError: a file breaks its format or an option cannot be used.
    """
    base = Options(max_dets=(MAX_POSES,))
    chosen = parse(options, base)
    sigmas = np.array(floats(options, "sigmas", tuple(COCO_SIGMAS.tolist())))
    truth = read_truth(targets, "keypoints")
    _check_joints(truth, len(sigmas))
    results = read_results(predictions, truth, chosen.score_source, chosen.result_area)
    variant = f" sigmas={options['sigmas']}" if "sigmas" in options else ""
    return report(truth, results, chosen, base, Plan(WANTED, RULES, sigmas, variant))


def _check_joints(truth: TruthFile, sigmas: int) -> None:
    joints = truth.annotations.keypoints.shape[1]
    if len(truth.annotations.ids) and joints != sigmas:
        raise DataError(f"{truth.path} has {joints} joints a pose, not {sigmas}: give one sigma each, sigmas=s1,s2,…")


CARD = Card(
    definition="Average precision and recall of poses, matched by OKS = mean over labelled joints of "
    "exp(-d^2 / (2 (2 sigma)^2 area)) at ten thresholds .50:.05:.95",
    source="pycocotools 2.0.11 COCOeval (keypoints); sigmas of the COCO keypoint challenge",
    edge_rules=(
        "n is the number of images; missing counts images with a pose that counts and no result",
        "at most 20 poses per image, best scores first, ties in file order",
        "the visibility of found joints is not read; unlabelled joints of the truth are left out",
        "num_keypoints = 0 makes an annotation ignored, whatever its visibility flags say, and so does iscrowd",
        "a pose without labelled joints is compared by distance to its box, doubled on each side",
        "the area of a found pose is that of the box around all its joints, or of its bbox where the first result has "
        "one",
        "there is no small range; area limits are inclusive; figures without any pose to find are None (official: -1)",
        "results without scores, NaN, another number of joints and unknown images are refused; unknown categories are "
        "left out and counted",
    ),
    keys={
        "ap": "mean precision over OKS .50:.05:.95",
        "ap50": "AP at OKS 0.5",
        "ap75": "AP at OKS 0.75",
        "ap_medium": "AP of persons from 32 x 32 to 96 x 96 pixels of area",
        "ap_large": "AP of persons from 96 x 96 pixels",
        "ar": "highest recall, mean over OKS .50:.05:.95",
        "ar50": "recall at OKS 0.5",
        "ar75": "recall at OKS 0.75",
        "ar_medium": "AR of medium persons",
        "ar_large": "AR of large persons",
    },
)

KEYPOINTS = Metric(
    name="keypoints",
    kind="keypoints",
    protocol="coco-keypoints/1",
    aggregate=aggregate_rows,
    headline="ap",
    card=replace(
        CARD,
        keys={**CARD.keys, "unscored": "answers refused because a pose has no score; shown where there are any"},
        bounds={"unscored": (0.0, 0.0)},
        units={"unscored": "answers"},
    ),
    additive=False,
)
METRICS = [KEYPOINTS]

SCORERS = [
    Scorer(
        name="keypoints",
        score=score,
        targets="COCO person_keypoints JSON",
        predictions="COCO results JSON: [{image_id, category_id, keypoints: [x1, y1, v1, …], score}, …]",
        card=CARD,
        protocol="coco-keypoints/1",
        headline="ap",
        options={**COMMON, "sigmas": "spread of every joint, comma separated (default: the 17 of COCO)"},
    )
]
