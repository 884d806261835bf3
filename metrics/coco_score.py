"""From a truth file and a results file to matched detections and a report, for bbox, segm and keypoints alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.base import ScoreReport
from metrics.coco_eval import Curves, Figure, Rules, accumulate, figures, per_class
from metrics.coco_files import TruthFile
from metrics.coco_masks import read_masks
from metrics.coco_options import Options
from metrics.coco_overlap import BoxOverlap, KeypointOverlap, MaskOverlap
from metrics.coco_results import ResultsFile
from metrics.errors import DataError
from metrics.matching import Detections, Floats, Ints, Matches, Overlap, Truth, match


@dataclass(frozen=True)
class Selection:
    """The objects and results that are scored, in the order in which ties are broken.

    Attributes:
        images: number of images scored.
        names: names of the categories scored; one called "all" where labels are ignored.
        objects: int [G], places in the annotation columns.
        results: int [D], places in the result columns.
        truth: the objects.
        found: the results.
        overlap: how the two are compared.
    """

    images: int
    names: list[str]
    objects: Ints
    results: Ints
    truth: Truth
    found: Detections
    overlap: Overlap


@dataclass(frozen=True)
class Plan:
    """What a family reads from the matches.

    Attributes:
        figures: key -> figure, in printing order.
        rules: area ranges and detection limits.
        sigmas: float [K], spread of each joint, for poses.
        variant: text to add to the protocol, or empty.
    """

    figures: Mapping[str, Figure]
    rules: Rules
    sigmas: Floats | None = None
    variant: str = ""


def select(truth: TruthFile, results: ResultsFile, options: Options, sigmas: Floats | None = None) -> Selection:
    """Choose images and categories and bring both files into the form that matching takes.

    Raises:
        DataError: an option names an unknown image or category, or a mask is broken.
    """
    images = _places(truth.images, options.images, "image")
    categories = _places(truth.categories, options.categories, "category")
    own = truth.annotations
    objects = _order(images[own.image], categories[own.category], options.class_agnostic)
    found = _order(images[results.image], categories[results.category], options.class_agnostic)
    names = [name for name, place in zip(truth.names, categories, strict=True) if place >= 0]
    if options.class_agnostic:
        categories, names = np.zeros_like(categories), ["all"]
    ignored = own.crowd | (own.num_keypoints == 0) if truth.kind == "keypoints" else own.crowd
    nameless = np.array([own.ids[i] == 0 and options.id_zero == "official" for i in objects.tolist()], dtype=bool)
    target = Truth(
        images[own.image[objects]], categories[own.category[objects]], own.area[objects], ignored[objects],
        own.crowd[objects], nameless,
    )  # fmt: skip
    detections = Detections(
        images[results.image[found]], categories[results.category[found]], results.score[found], results.area[found],
        results.malformed[found], np.zeros(len(found), dtype=bool),
    )  # fmt: skip
    overlap = compare(truth, results, objects, found, sigmas)
    return Selection(int((images >= 0).sum()), names, objects, found, target, detections, overlap)


def compare(
    truth: TruthFile, results: ResultsFile, objects: Ints, found: Ints, sigmas: Floats | None = None
) -> Overlap:
    """Build the overlap of chosen objects and results: box IoU, mask IoU or OKS by the kind of the truth.

    Raises:
        DataError: an annotated mask is broken or has another size than its image.
    """
    own = truth.annotations
    if truth.kind == "bbox":
        return BoxOverlap(results.box_xywh[found], own.box_xywh[objects], own.crowd[objects])
    if truth.kind == "segm":
        size_hw = truth.size_hw[own.image[objects]]
        chosen = objects.tolist()
        segmentations = [own.segmentations[i] for i in chosen]
        masks = read_masks(segmentations, size_hw, lambda i: f"{truth.path}: annotation {own.ids[chosen[i]]!r}")
        if masks.odd.any():
            bad = int(np.argmax(masks.odd))
            raise DataError(
                f"{truth.path}: the mask of annotation {own.ids[chosen[bad]]!r} has size {masks.rles[bad]['size']} "
                f"but its image is {size_hw[bad].tolist()}: correct it"
            )
        return MaskOverlap([results.rles[i] for i in found.tolist()], masks.rles, own.crowd[objects])
    if sigmas is None:
        raise TypeError("comparing poses needs sigmas")
    return KeypointOverlap(
        results.joints_xy[found], own.keypoints[objects], own.box_xywh[objects], own.area[objects], sigmas
    )


def evaluate(selection: Selection, rules: Rules) -> tuple[Matches, Curves]:
    """Match and accumulate a selection."""
    matches = match(selection.truth, selection.found, rules.ranges(), rules.max_dets[-1], selection.overlap)
    return matches, accumulate(matches, rules, len(selection.names))


def report(truth: TruthFile, results: ResultsFile, options: Options, base: Options, plan: "Plan") -> ScoreReport:
    """Score a results file against its truth.

    Args:
        truth: the annotation file.
        results: the results file.
        options: what to score and how.
        base: the family's default options; what differs is named in the protocol.
        plan: figures and rules of the family.
    """
    selection = select(truth, results, options, plan.sigmas)
    _, curves = evaluate(selection, plan.rules)
    return ScoreReport(
        metric=truth.kind,
        protocol=f"coco-{truth.kind}/1{options.variant(base)}{plan.variant}",
        n=selection.images,
        missing=unanswered(selection.truth, selection.found),
        malformed=int(selection.found.unusable.sum()),
        metrics=figures(plan.figures, curves),
        per_class=per_class(plan.figures, curves, selection.names) if options.per_class else None,
        notes=(*truth.notes, *results.notes, *notes(selection, truth, options)),
    )


def unanswered(truth: Truth, found: Detections) -> int:
    """Count the images that hold an object that counts but got no result."""
    images = 1 + int(max(truth.image.max(initial=-1), found.image.max(initial=-1)))
    answered = np.bincount(found.image, minlength=images) > 0
    return int((~answered & (np.bincount(truth.image[~truth.ignored], minlength=images) > 0)).sum())


def notes(selection: Selection, truth: TruthFile, options: Options) -> tuple[str, ...]:
    """Say what the official tool leaves unsaid: annotation id 0, malformed results, declared rankings."""
    lines = []
    if any(truth.annotations.ids[i] == 0 for i in selection.objects.tolist()):
        how = "never counts (id_zero=fixed mends it)" if options.id_zero == "official" else "counts, unlike pycocotools"
        lines.append(f"{truth.path.name} has annotation id 0: a match to it {how}")
    malformed = int(selection.found.unusable.sum())
    if malformed:
        lines.append(
            f"{malformed} malformed results (negative box side, mask of another size) count as false positives in "
            "every size range; pycocotools would ignore some"
        )
    if options.score_source != "score":
        lines.append(f"scores were not read: ranked by {options.score_source}, so AP depends on this choice")
    return tuple(lines)


def _places(known: Sequence[Any], wanted: tuple[str, ...] | None, what: str) -> Ints:
    """Number the wanted ids in their order in the file: int per known id, -1 where it is left out."""
    if wanted is None:
        return np.arange(len(known))
    texts = [str(value) for value in known]
    absent = sorted(set(wanted) - set(texts))
    if absent:
        raise DataError(f"the targets have no {what} {absent[0]}: correct the option")
    chosen = np.array([text in set(wanted) for text in texts])
    return np.where(chosen, np.cumsum(chosen) - 1, -1)


def _order(image: Ints, category: Ints, class_agnostic: bool) -> Ints:
    """Return the places of chosen records in file order, or by category first where labels are ignored."""
    chosen = np.flatnonzero((image >= 0) & (category >= 0))
    return chosen[np.argsort(category[chosen], kind="stable")] if class_agnostic else chosen
