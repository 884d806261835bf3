"""From a sample of a benchmark to the answer that training teaches: which phrase, which unit, how many instances.

An answer is worked out without drawing anything where the annotation files allow it, so that all samples of a source
can be looked at before the first step; masks are drawn when their picture comes.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.coco_keypoints import PersonTarget, is_labelled
from benchmarks.depth_maps import DepthTarget
from benchmarks.flickr30k_entities import PhraseTarget
from benchmarks.grandf import GroundedTarget
from benchmarks.grefcoco import has_target
from benchmarks.label_maps import IGNORED
from benchmarks.panoptic_target import PanopticTarget
from benchmarks.reasonseg import TARGET
from benchmarks.schema import Box, Rle, Sample, Target, TextTarget, Unit
from benchmarks.truth import MapTarget, ObjectsTarget, TrueObject
from benchmarks.visual7w import CandidateTarget

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SALIENT_ABOVE = 128
"""Grey values above this are foreground, as the metrics of salient objects take it."""


class Unusable(Exception):
    """A sample cannot be learnt from; the text says why, the same words for the same reason."""


@dataclass(frozen=True)
class Mark:
    """The truth about one instance, in pixels of its picture; what is not known stays None.

    Attributes:
        box_xyxy: None for the tight box of the mask.
        mask: RLE, or bool [H, W].
        keypoints: x, y and visibility of every joint.
    """

    box_xyxy: Box | None = None
    mask: "Rle | np.ndarray | None" = None
    keypoints: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True)
class Truth:
    """What is to be answered.

    Attributes:
        words: texts of the answer, any of which is right; `{0}`, `{1}`, … stand for groups where these belong into a
            sentence. None where the groups are all of it.
        groups: phrase and instances, in order.
        depth: reads metres, float32 [H, W]; None where depth is not asked for.
    """

    words: tuple[str, ...] = ()
    groups: tuple[tuple[str, tuple[Mark, ...]], ...] = ()
    depth: Callable[[], np.ndarray] | None = None


Teach = Callable[[Sample], Truth]
"""Sample -> what to answer. Raises Unusable, and DataError where a file is broken."""


@dataclass(frozen=True)
class Lesson:
    """How samples of one kind of task are taught.

    Attributes:
        unit: of the answer.
        teach: see `Teach`.
        reads_files: whether each sample needs a file of its own to be read before anything is known about its answer.
    """

    unit: Unit
    teach: Teach
    reads_files: bool = False


def _referred(sample: Sample) -> Truth:
    if not has_target(sample):
        return Truth()
    target = sample.truth(Target)
    return Truth(groups=((sample.question, (Mark(target.box_xyxy, target.mask_rle),)),))


def _prompted(sample: Sample) -> Truth:
    target = sample.truth(Target)
    return Truth(groups=(("object", (Mark(target.box_xyxy, target.mask_rle),)),))


def _objects(sample: Sample) -> Truth:
    """All objects but crowds, by category, from left to right."""
    target = sample.truth(ObjectsTarget)
    found = [each for each in target.objects if not each.crowd]
    groups = ((each.name, [one for one in found if one.category_id == each.id]) for each in target.categories)
    return Truth(groups=tuple((name, tuple(map(_mark, _ordered(ones)))) for name, ones in groups if ones))


def _masked_objects(sample: Sample) -> Truth:
    truth = _objects(sample)
    if any(mark.mask is None for _, marks in truth.groups for mark in marks):
        raise Unusable("an object has no mask")
    return truth


def _people(sample: Sample) -> Truth:
    target = sample.truth(ObjectsTarget)
    asked = target.asked if isinstance(target, PersonTarget) else None
    people = [each for each in target.objects if is_labelled(each) and asked in (None, each.id)]
    if any(each.mask_rle is None for each in people):
        raise Unusable("a person has no mask, whose area the loss of joints needs")
    return Truth(groups=(("person", tuple(map(_mark, _ordered(people)))),) if people else ())


def _ordered(objects: Sequence[TrueObject]) -> list[TrueObject]:
    return sorted(objects, key=lambda each: each.box_xyxy[0])


def _mark(each: TrueObject) -> Mark:
    left, top, right, bottom = each.box_xyxy
    if right <= left or bottom <= top:
        raise Unusable("a box has no area")
    return Mark(each.box_xyxy, each.mask_rle, each.keypoints)


def _panoptic(sample: Sample) -> Truth:
    target = sample.truth(PanopticTarget)
    ids = target.ids()
    masks: dict[int, list[np.ndarray]] = {}
    for segment in target.segments:
        mask = np.equal(ids, segment.id)
        if not segment.crowd and mask.any():
            masks.setdefault(segment.category_id, []).append(mask)
    here = [(each.name, masks[each.id]) for each in target.categories if each.id in masks]
    return Truth(groups=tuple((name, tuple(map(_area, _from_left(found)))) for name, found in here))


def _from_left(masks: list[np.ndarray]) -> list[np.ndarray]:
    return sorted(masks, key=lambda mask: int(mask.any(0).argmax()))


def _area(mask: np.ndarray) -> Mark:
    return Mark(mask=mask)


def _semantic(sample: Sample) -> Truth:
    target = sample.truth(MapTarget)
    labels = target.load()
    here = [place for place in np.unique(labels).tolist() if place != IGNORED]
    return Truth(groups=tuple((target.categories[place].name, (_area(labels == place),)) for place in here))


def _salient(sample: Sample) -> Truth:
    return _one_area("salient object", sample.truth(MapTarget).load() > SALIENT_ABOVE)


def _reasoned(sample: Sample) -> Truth:
    return _one_area(sample.question, sample.truth(MapTarget).load() == TARGET)


def _one_area(phrase: str, mask: np.ndarray) -> Truth:
    return Truth(groups=((phrase, (_area(mask),)),) if mask.any() else ())


def _depth(sample: Sample) -> Truth:
    return Truth(groups=(("whole scene", (Mark(),)),), depth=sample.truth(DepthTarget).load)


def _any_answer(sample: Sample) -> Truth:
    return _said(sample.truth(TextTarget).answers)


def _common_answer(sample: Sample) -> Truth:
    """What most annotators say, the first of them on a tie."""
    return _said([text for text, _ in Counter(sample.truth(TextTarget).answers).most_common(1)])


def _said(texts: Sequence[str]) -> Truth:
    words = tuple(text.strip() for text in texts if text.strip())
    if not words:
        raise Unusable("the answer has no words")
    return Truth(words)


def _grounded(sample: Sample) -> Truth:
    """The caption, its phrases where they stand in it; phrases that do not stand there follow it."""
    truth = sample.truth(GroundedTarget)
    masks: dict[str, list[Mark]] = {}
    for label, mask in zip(truth.labels, truth.masks, strict=True):
        masks.setdefault(label, []).append(Mark(mask=mask))
    words = truth.caption.replace("{", "(").replace("}", ")")  # braces mark the groups
    behind: list[str] = []
    for place, label in enumerate(masks):
        at = words.lower().find(label.lower())
        if at < 0:
            behind.append(f"{{{place}}}")
        else:
            words = f"{words[:at]}{{{place}}}{words[at + len(label) :]}"
    groups = tuple((label, tuple(marks)) for label, marks in masks.items())
    return Truth((" ".join([words, *behind]),), groups)


def _phrase(sample: Sample) -> Truth:
    target = sample.truth(PhraseTarget)
    return Truth(groups=((target.phrase, tuple(Mark(box) for box in sorted(target.boxes))),))


def _letter(sample: Sample) -> Truth:
    return Truth((LETTERS[sample.truth(CandidateTarget).right],))


def _candidate(sample: Sample) -> Truth:
    target = sample.truth(CandidateTarget)
    return Truth(groups=((sample.question, (Mark(target.boxes_xyxy[target.right]),)),))


_TEXT = {kind: Lesson("text", _any_answer) for kind in ("caption", "reg")} | {
    kind: Lesson("text", _common_answer) for kind in ("vqa", "gqa", "pope", "pointqa")
}
LESSONS: Mapping[str, Lesson] = {
    **_TEXT,
    "rec": Lesson("box", _referred),
    "res": Lesson("mask", _referred),
    "gres": Lesson("mask", _referred),
    "prompted": Lesson("mask", _prompted),
    "detection": Lesson("box", _objects),
    "instance": Lesson("mask", _masked_objects),
    "keypoints": Lesson("keypoint", _people),
    "panoptic": Lesson("mask", _panoptic, reads_files=True),
    "semantic": Lesson("mask", _semantic, reads_files=True),
    "salient": Lesson("mask", _salient, reads_files=True),
    "reasonseg": Lesson("mask", _reasoned, reads_files=True),
    "depth": Lesson("depth", _depth),
    "gcg": Lesson("mask", _grounded),
    "grounding": Lesson("box", _phrase),
    "pointing": Lesson("text", _letter),
}
"""Kind of task -> how it is taught. What is left out: poses of 16 joints (pck), since the decoder has the 17 of COCO;
depth without metres (ordinal); open answers that are judged by rubrics (vipbench)."""
POINTING_BY_BOX = Lesson("box", _candidate)


def lesson(kind: str, protocol: Mapping[str, str]) -> Lesson | None:
    """How a task of a kind is taught; None where it cannot be."""
    if kind == "pointing" and protocol.get("answer") == "box":
        return POINTING_BY_BOX
    return LESSONS.get(kind)
