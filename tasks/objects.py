"""From answers with phrases to rows of average precision: what detection (boxes) and instance (masks) share.

- The phrase of a group is mapped to a category by the mapper that the protocol names (`phrases`). An object without a
  category finds nothing, so its true object stays missed; AP has no category to charge it to as a false positive,
  therefore the share of such objects stands beside it as `unmapped`.
- AP ranks objects by score. `scores: required` (default) refuses an answer that holds an object without one: it counts
  as no answer, and `unscored` says how many were refused. `scores: answer_order` declares that objects named earlier
  rank higher, `scores: constant` that all rank alike; both put aside the scores that there are.
- `rules: coco` (default) or `rules: lvis`, which judges an image only by the categories that it is annotated for and
  keeps its best 300 objects.
- An object without the wanted unit, or a box with x2 < x1, is a false positive of its category.
- Boxes travel as corners; widths and heights are rounded to 1e-9 px, which gives back those of official files exactly.
  Areas are those of what is compared, as `result_area=shape` of `refbench score segm`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from benchmarks.errors import DataError
from benchmarks.lvis import LvisTarget
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import ObjectsTarget, TrueObject
from metrics import detection, lvis, phrases
from metrics.ap_rows import to_rows
from metrics.base import Metric, Row
from metrics.coco_eval import Rules
from metrics.coco_masks import run_sums
from metrics.coco_overlap import BoxOverlap, MaskOverlap
from metrics.matching import Detections, Overlap, Truth, match
from tasks import protocol
from tasks.base import TaskKind, answer
from tasks.coco_results import read_results
from tasks.phrases import Mapper
from tasks.phrases import find as find_mapper

Shape = Literal["box", "mask"]
MAPPER = "lexical"
SCORES = ("required", "answer_order", "constant")
METRICS: Mapping[tuple[Shape, bool], Metric] = {
    ("box", False): detection.BBOX,
    ("mask", False): detection.SEGM,
    ("box", True): lvis.LVIS_BBOX,
    ("mask", True): lvis.LVIS,
}
_DECIMALS = 9
_FREQUENCIES = "rcf"


@dataclass(frozen=True)
class Protocol:
    """How answers are compared: the unit, the mapper of phrases, where scores come from, and whether LVIS judges."""

    shape: Shape
    mapper: Mapper
    scores: str = "required"
    federated: bool = False

    @property
    def metric(self) -> Metric:
        """The headline metric."""
        return METRICS[self.shape, self.federated]

    @property
    def rules(self) -> Rules:
        """Its size ranges and limits."""
        return lvis.RULES if self.federated else detection.RULES


@dataclass
class _Side:
    """Objects of all images, flat: annotated ones, or found ones with scores."""

    image: list[int] = field(default_factory=list)
    category: list[int] = field(default_factory=list)
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    masks: list[dict[str, Any]] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    flag: list[bool] = field(default_factory=list)
    """A crowd among annotated objects, a malformed one among found ones."""
    other: list[bool] = field(default_factory=list)
    """Annotation id 0, whose matches the official tool loses; not exhaustively annotated among found ones."""

    def ints(self, name: str) -> np.ndarray:
        """One column as int [N]."""
        return np.array(getattr(self, name), dtype=np.int64)

    def bools(self, name: str) -> np.ndarray:
        """One column as bool [N]."""
        return np.array(getattr(self, name), dtype=bool)

    def box_xywh(self) -> np.ndarray:
        """Boxes, float [N, 4]."""
        corners = np.array(self.boxes, dtype=np.float64).reshape(-1, 4)
        return np.concatenate((corners[:, :2], np.round(corners[:, 2:] - corners[:, :2], _DECIMALS)), axis=1)

    def areas(self, shape: Shape) -> np.ndarray:
        """Areas of the shapes, float [N]."""
        if shape == "mask":
            return run_sums([mask["counts"] for mask in self.masks])[1].astype(np.float64)
        boxes = self.box_xywh()
        return np.asarray(boxes[:, 2] * boxes[:, 3])


def measure(rules: Protocol, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, list[Row]]:
    """Match all answers with their images' objects; a failed one leaves all objects of its image missed."""
    true, found = _Side(), _Side()
    named: list[Row] = []
    refused: list[int] = []
    ids, often = _categories(samples)
    for place, (sample, prediction) in enumerate(zip(samples, predictions, strict=True)):
        target = sample.truth(ObjectsTarget)
        objects = [each for each in target.objects if each.area > 0] if rules.federated else target.objects
        for each in objects:
            _add_true(true, place, each, sample, rules.shape)
        instances = objects_of(prediction, sample, rules)
        categories = [category for category, _ in instances]
        named.append(phrases.measure(categories))
        if rules.scores == "required" and any(instance.score is None for _, instance in instances):
            refused.append(place)
            continue
        judged = _judged([(ids[c], i) for c, i in instances if c is not None], target, rules.federated)
        for category, instance in judged:
            _add_found(found, place, category, instance, sample, rules.shape)
            found.other.append(rules.federated and category in _lenient(target))
    matches = _match(true, found, rules)
    rows = to_rows(matches, _numbers([sample.image_id for sample in samples]))
    for place in refused:
        rows[place]["unscored"] = 1
    if rules.federated:
        for row in rows:
            row["true_frequency"] = [often[category] for category in row["true_category"]]
    return {rules.metric.name: rows, phrases.PHRASES.name: named}


def _categories(samples: Sequence[Sample]) -> tuple[list[int], dict[int, int]]:
    """Ids of the categories, which all samples of a split share, and how often each occurs (LVIS): a place in "rcf"."""
    shared = samples[0].truth(ObjectsTarget).categories if samples else ()
    return [each.id for each in shared], {each.id: _FREQUENCIES.find(each.frequency) for each in shared}


def _numbers(image_ids: Sequence[str]) -> list[int]:
    """Numbers in the order of image ids, which are whole numbers or, in ADE20K and Cityscapes, names."""
    if all(each.isdecimal() for each in image_ids):
        return [int(each) for each in image_ids]
    places = {each: place for place, each in enumerate(sorted(set(image_ids)))}
    return [places[each] for each in image_ids]


def objects_of(prediction: Prediction, sample: Sample, rules: Protocol) -> list[tuple[int | None, Instance]]:
    """Objects of an answer in its order, each with its place among the categories, and with the declared score."""
    if prediction.status != "ok":
        return []
    places = rules.mapper([group.phrase for group in prediction.groups], sample.categories)
    found = [(p, i) for p, group in zip(places, prediction.groups, strict=True) for i in group.instances]
    if rules.scores == "required":
        return found
    order = -1.0 if rules.scores == "answer_order" else 0.0
    return [
        (p, Instance(order * rank, instance.box_xyxy, instance.mask_rle)) for rank, (p, instance) in enumerate(found)
    ]


def _judged(found: list[tuple[int, Instance]], target: ObjectsTarget, federated: bool) -> list[tuple[int, Instance]]:
    """Keep what LVIS judges: the best 300 of an image, of categories that are known to be there or not to be."""
    if not federated:
        return found
    assert isinstance(target, LvisTarget), "LVIS rules need an LVIS truth"
    known = {each.category_id for each in target.objects if each.area > 0} | target.absent
    best = sorted(range(len(found)), key=lambda place: -(found[place][1].score or 0.0))[: lvis.MAX_DETS]
    return [found[place] for place in sorted(best) if found[place][0] in known]


def _lenient(target: ObjectsTarget) -> frozenset[int]:
    return target.not_exhaustive if isinstance(target, LvisTarget) else frozenset()


def _add_true(true: _Side, place: int, each: TrueObject, sample: Sample, shape: Shape) -> None:
    true.image.append(place)
    true.category.append(each.category_id)
    true.area.append(each.area)
    true.flag.append(each.crowd)
    true.other.append(each.id == 0)
    if shape == "box":
        true.boxes.append(each.box_xyxy)
    elif each.mask_rle is None:
        raise DataError(f"{sample.id}: annotation {each.id} has no segmentation, which masks are compared with: add it")
    else:
        true.masks.append(dict(each.mask_rle))


def _add_found(found: _Side, place: int, category: int, instance: Instance, sample: Sample, shape: Shape) -> None:
    found.image.append(place)
    found.category.append(category)
    assert instance.score is not None, "answers without scores are refused before"
    found.score.append(instance.score)
    if shape == "box":
        box = instance.box_xyxy
        found.boxes.append(box or (0.0, 0.0, 0.0, 0.0))
        found.flag.append(box is None or box[2] < box[0] or box[3] < box[1])
    else:
        found.masks.append(dict(instance.mask_rle) if instance.mask_rle else _nothing(sample.image.size_hw))
        found.flag.append(instance.mask_rle is None)


def _nothing(size_hw: tuple[int, int]) -> dict[str, Any]:
    """An empty mask."""
    from pycocotools import mask as coco_mask

    height, width = size_hw
    empty: dict[str, Any] = coco_mask.frPyObjects({"size": [height, width], "counts": [height * width]}, height, width)
    return empty


def _match(true: _Side, found: _Side, rules: Protocol) -> Any:
    crowd = true.bools("flag")
    truth = Truth(
        true.ints("image"), true.ints("category"), np.array(true.area, dtype=np.float64), crowd, crowd,
        true.bools("other"),
    )  # fmt: skip
    areas = found.areas(rules.shape)
    detections = Detections(
        found.ints("image"), found.ints("category"), np.array(found.score, dtype=np.float64), areas,
        found.bools("flag"), found.bools("other"),
    )  # fmt: skip
    overlap: Overlap = MaskOverlap(found.masks, true.masks, crowd)
    if rules.shape == "box":
        overlap = BoxOverlap(found.box_xywh(), true.box_xywh(), crowd)
    return match(truth, detections, rules.rules.ranges(), rules.rules.max_dets[-1], overlap)


def perfect(shape: Shape, sample: Sample) -> Prediction:
    """Answer every object but crowds, which nobody has to find."""
    target = sample.truth(ObjectsTarget)
    names = {category.id: category.name for category in target.categories}
    found: dict[str, list[Instance]] = {}
    for each in target.objects:
        if not each.crowd:
            mask = dict(each.mask_rle) if shape == "mask" and each.mask_rle else None
            instance = Instance(1.0, each.box_xyxy if shape == "box" else None, mask)
            found.setdefault(names[each.category_id], []).append(instance)
    return answer(sample, [Group(name, shape, tuple(instances)) for name, instances in found.items()])


def rules_of(shape: Shape, options: Mapping[str, str]) -> Protocol:
    """Read a task's protocol: `phrases` (a mapper), `scores` and `rules`.

    Raises:
        UnknownName: no such option or mapper.
        ConfigError: a value that cannot be used.
    """
    protocol.only(options, ("phrases", "scores", "rules"))
    return Protocol(
        shape,
        find_mapper(options.get("phrases", MAPPER)),
        protocol.choice(options, "scores", SCORES, SCORES[0]),
        protocol.choice(options, "rules", ("coco", "lvis"), "coco") == "lvis",
    )


def kind(name: str, shape: Shape, options: Mapping[str, str]) -> TaskKind:
    """Build the kind that follows a task's protocol, see `rules_of`, which tells what it raises."""
    chosen = rules_of(shape, options)
    field_name = "bbox" if shape == "box" else "segmentation"
    return TaskKind(
        name=name,
        wants=shape,
        metrics=(chosen.metric, phrases.PHRASES),
        measure_all=partial(measure, chosen),
        perfect=partial(perfect, shape),
        configure=partial(kind, name, shape),
        official=partial(read_results, shape),
        formats=f"COCO results JSON: [{{image_id, category_id, {field_name}, score}}, …]",
    )
