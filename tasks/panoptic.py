"""Panoptic segmentation: a picture in, a mask and a name for every thing and every stuff out.

From an answer to a panoptic map:
- the phrase of every group is mapped to a category by the mapper that the protocol names (`phrases`);
- a pixel goes to the first ranked mask that covers it, see `tasks.overlap`;
- all masks of one stuff category are one segment, every mask of a thing is a segment of its own;
- a mask that keeps less than `min_visible` of its pixels is dropped, they become void (default 0: none is; Mask2Former
  uses 0.8); one that keeps none is no segment;
- pixels of masks whose phrase is no category are void, and the masks are counted as `unmapped`.
Predictions in the official format are scored as they are: nothing overlaps there, and nothing is merged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.panoptic_target import PanopticTarget
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import Category
from metrics import masks, panoptic, phrases
from metrics.base import Row
from metrics.panoptic import PanopticMap, Segment
from tasks import overlap, protocol
from tasks.base import TaskKind, answer
from tasks.panoptic_files import FORMATS, FiledPrediction, official
from tasks.phrases import Mapper
from tasks.phrases import find as find_mapper

MAPPER = "lexical"


@dataclass(frozen=True)
class Rules:
    """How an answer becomes a map: the mapper of phrases, and the share of its pixels that a mask must keep."""

    mapper: Mapper
    min_visible: float = 0.0


def measure(rules: Rules, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Match the segments of an answer with the true ones; no answer misses all of them."""
    target = sample.truth(PanopticTarget)
    things = {category.id: category.isthing for category in target.categories}
    segments = tuple(Segment(each.id, each.category_id, each.area, each.crowd) for each in target.segments)
    truth = PanopticMap(target.ids(), segments, str(target.png))
    found, categories = None, []
    if isinstance(prediction, FiledPrediction):
        found = prediction.read()
    elif prediction.status == "ok":
        claims = overlap.claims(prediction, sample.categories, rules.mapper)
        found = resolve(claims, target.categories, target.size_hw, rules.min_visible, sample.id)
        categories = [claim.category for claim in claims]
    return {
        panoptic.PANOPTIC.name: panoptic.measure(found, truth, things),
        phrases.PHRASES.name: phrases.measure(categories),
    }


def resolve(
    ranked: Sequence[overlap.Claim],
    categories: Sequence[Category],
    size_hw: tuple[int, int],
    min_visible: float = 0.0,
    source: str = "answer",
) -> PanopticMap:
    """Turn ranked masks into a panoptic map, by the rules at the top of this file.

    Args:
        ranked: first ranked first.
        categories: of the benchmark.
        size_hw: of the image.
        min_visible: least share of its own pixels that a mask must keep.
        source: for error texts.
    """
    owner, areas = overlap.owners(ranked, size_hw)
    kept = np.bincount(owner.ravel() + 1, minlength=len(ranked) + 1)[1:]
    ids = np.zeros(len(ranked) + 1, dtype=np.uint32)
    segments: list[Segment] = []
    stuff: dict[int, int] = {}
    for place, claim in enumerate(ranked):
        if claim.category is None or not kept[place] or kept[place] < min_visible * areas[place]:
            continue
        category = categories[claim.category]
        if category.id not in stuff:
            segments.append(Segment(len(segments) + 1, category.id))
        ids[place + 1] = stuff.get(category.id, len(segments))
        if not category.isthing:
            stuff[category.id] = int(ids[place + 1])
    return PanopticMap(np.ascontiguousarray(ids[owner + 1]), tuple(segments), source)


def perfect(sample: Sample) -> Prediction:
    """Answer every segment that can be seen, and nothing for crowds, which nobody has to find."""
    target = sample.truth(PanopticTarget)
    ids = np.asfortranarray(target.ids())  # masks are encoded column by column
    names = {category.id: category.name for category in target.categories}
    found: dict[str, list[Instance]] = {}
    for segment in target.segments:
        mask = ids == segment.id
        if not segment.crowd and mask.any():
            instance = Instance(score=1.0, mask_rle=masks.encode(mask))
            found.setdefault(names[segment.category_id], []).append(instance)
    return answer(sample, [Group(name, "mask", tuple(instances)) for name, instances in found.items()])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Follow `phrases` (a mapper) and `min_visible` (0 to 1).

    Raises:
        UnknownName: no such option or mapper.
        ConfigError: a value that cannot be used.
    """
    protocol.only(options, ("phrases", "min_visible"))
    return _kind(Rules(find_mapper(options.get("phrases", MAPPER)), protocol.share(options, "min_visible", 0.0)))


def _kind(rules: Rules) -> TaskKind:
    return TaskKind(
        name="panoptic",
        wants="mask",
        metrics=(panoptic.PANOPTIC, phrases.PHRASES),
        measure=partial(measure, rules),
        perfect=perfect,
        configure=configure,
        official=official,
        formats=FORMATS,
    )


KINDS = [_kind(Rules(find_mapper(MAPPER)))]
