"""From a sample and its answer to pictures: the truth and the answer, as panels of a sheet.

The truth is drawn as what the oracle would answer, by the same code as the answer, so that a task kind of a user's own
needs no code here. Masks of a panoptic or semantic task are drawn as the scorer sees them, without overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from benchmarks.geometry import decode
from benchmarks.schema import Instance, Prediction, Query, Region, Rle, Sample, Truth
from metrics import pointing
from results.report import maps
from results.report.canvas import Canvas, scale_between
from results.report.draw import draw_boxes, draw_masks
from results.report.palette import UNKNOWN, Colour, hue, hue_of
from results.report.poses import draw_poses
from results.report.prompts import draw_prompt
from results.report.sheet import Line, Panel
from tasks import depth_overlays, overlap
from tasks.base import Task
from tasks.phrases import find as find_mapper

MAPPER = "lexical"
MAPS = ("panoptic", "semantic")
"""Kinds whose masks are a map: every pixel belongs to one of them at most."""
TRUTH, ANSWER = "truth", "answer"
NOTHING = "no object"
MOST = 30
"""Objects of an answer that are drawn, those with the highest scores."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large pictures are shown: the longer side is at least and at most so many pixels."""

    least_px: int = 384
    most_px: int = 1024

    def canvas(self, sample: Sample) -> Canvas:
        """Open the sample's image at this size.

        Raises:
            DataError: it cannot be read.
        """
        return Canvas(sample.image.open_rgb(), scale_between(sample.image.size_hw, self.least_px, self.most_px))


def panels(task: Task, sample: Sample, prediction: Prediction, size: Size) -> list[Panel]:
    """Draw the truth and the answer beside each other; an answer in words stands below the picture, with the truth.

    Args:
        task: what was asked.
        sample: the question and its truth.
        prediction: the answer.
        size: of the pictures.

    Raises:
        DataError: the image or the truth cannot be read.
    """
    truth = task.kind.perfect(sample)
    if task.kind.wants == "text":
        return [_panel(task, sample, prediction, size.canvas(sample), "", [said(prediction), f"truth: {truth.text}"])]
    if task.kind.wants == "depth":
        photo = Panel(_with_regions(task, sample, size.canvas(sample)).picture(), "image")
        answers = depth_overlays.panels(task, sample, prediction, [size.canvas(sample) for _ in range(3)])
        return [photo, *answers]
    return [
        _panel(task, sample, unscored(truth), size.canvas(sample), TRUTH, []),
        _panel(task, sample, prediction, size.canvas(sample), ANSWER, failure(prediction)),
    ]


def answer_panel(task: Task, sample: Sample, prediction: Prediction, size: Size) -> Panel:
    """Draw the answer alone, without words but those that are the answer.

    Raises:
        DataError: as `panels`.
    """
    if task.kind.wants == "depth":
        return depth_overlays.panels(task, sample, prediction, [size.canvas(sample) for _ in range(3)])[1]
    words = [said(prediction)] if task.kind.wants == "text" else failure(prediction)
    return _panel(task, sample, prediction, size.canvas(sample), "", words)


def asked_panel(query: Query, prediction: Prediction, is_map: bool, size: Size) -> Panel:
    """Draw the answer to a question that has no truth.

    Args:
        query: what was asked.
        prediction: the answer.
        is_map: every pixel belongs to one of the masks at most.
        size: of the picture.

    Raises:
        DataError: the image or the depth map cannot be read.
    """
    sample = Sample(query.sample_id, query.image, query.sample_id, query.question, Truth(), regions=query.regions)
    canvas = size.canvas(sample)
    if prediction.depth is not None:
        return depth_overlays.plain("", prediction.depth.load(), canvas)
    key = None
    if is_map:
        named = query.categories or tuple(dict.fromkeys(group.phrase for group in prediction.groups))
        key = _draw_map(canvas, replace(sample, categories=named), prediction)
    else:
        _draw_groups(canvas, prediction, () if query.wants == "keypoint" else query.categories)
    for place, region in enumerate(query.regions):
        _draw_region(canvas, region, str(place + 1) if len(query.regions) > 1 else "")
    notes = [note for note in canvas.notes if note != NOTHING or query.wants != "text"]
    return Panel(canvas.picture(), "", tuple(Line(note, muted=True) for note in notes), key)


def said(prediction: Prediction) -> str:
    """An answer in words, or why there is none."""
    return f"answer: {prediction.text}" if prediction.status == "ok" else failure(prediction)[0]


def failure(prediction: Prediction) -> list[str]:
    """Why there is no answer; nothing where there is one."""
    if prediction.status == "ok":
        return []
    return [f"no answer: {prediction.error or prediction.status.replace('_', ' ')}"]


def unscored(truth: Prediction) -> Prediction:
    """The truth without the scores that the oracle has to give; a score is drawn beside a label."""
    groups = [
        replace(group, instances=tuple(replace(each, score=None) for each in group.instances)) for group in truth.groups
    ]
    return replace(truth, groups=tuple(groups))


def _panel(task: Task, sample: Sample, answer: Prediction, canvas: Canvas, title: str, words: Sequence[str]) -> Panel:
    key = None
    if task.kind.name in MAPS:
        key = _draw_map(canvas, sample, answer)
    elif task.kind.wants != "text":
        _draw_groups(canvas, answer, () if task.kind.wants == "keypoint" else sample.categories)
    _with_regions(task, sample, canvas)
    notes = [*canvas.notes, *([f"first of {len(sample.frames)} frames"] if sample.frames else [])]
    lines = (*(Line(text) for text in words), *(Line(note, muted=True) for note in notes))
    return Panel(canvas.picture(), title, lines, key)


@dataclass(frozen=True, slots=True)
class Shown:
    """An object as it is drawn: of which triplet it is, its name, which may be empty, and its colour."""

    instance: Instance
    phrase: str
    name: str
    colour: Colour


def objects(answer: Prediction, categories: Sequence[str] = ()) -> list[Shown]:
    """All objects of an answer, the surest first. With several phrases each has a colour, else each object has."""
    found = [(group.phrase, each) for group in answer.groups for each in group.instances]
    ranked = sorted(found, key=lambda pair: -(pair[1].score or 0.0))
    phrases = list(dict.fromkeys(group.phrase for group in answer.groups))
    several = len(phrases) > 1 or len(categories) > 1
    return [
        Shown(each, phrase, phrase if several else "", hue_of(phrase, categories or phrases) if several else hue(place))
        for place, (phrase, each) in enumerate(ranked)
    ]


def area_px(rle: Rle) -> int:
    """Pixels of the picture that a mask covers."""
    return int(decode(rle).sum())


def _draw_groups(canvas: Canvas, answer: Prediction, categories: Sequence[str]) -> None:
    """Draw objects, the surest on top."""
    shown = objects(answer, categories)
    if len(shown) > MOST:
        canvas.note(f"the surest {MOST} of {len(shown)} objects are shown")
    if not shown and answer.status == "ok":
        canvas.note(NOTHING)
    _draw_objects(canvas, shown[:MOST][::-1])


def _draw_objects(canvas: Canvas, shown: Sequence[Shown]) -> None:
    masked = [each for each in shown if each.instance.mask_rle is not None]
    rles = [each.instance.mask_rle or {} for each in masked]
    draw_masks(canvas, rles, [each.name for each in masked], [each.colour for each in masked])
    boxed = [each for each in shown if each.instance.box_xyxy is not None and each.instance.mask_rle is None]
    boxes = [each.instance.box_xyxy or () for each in boxed]
    scores = [each.instance.score for each in boxed]
    draw_boxes(canvas, boxes, [each.name for each in boxed], scores, [each.colour for each in boxed])
    posed = [each for each in shown if each.instance.keypoints]
    poses = [each.instance.keypoints or () for each in posed]
    draw_poses(canvas, poses, colours=[each.colour for each in posed])


def _draw_map(canvas: Canvas, sample: Sample, answer: Prediction) -> Image.Image:
    """Give every pixel to the first ranked mask that covers it; returns the legend."""
    ranked = overlap.claims(answer, sample.categories, find_mapper(MAPPER))
    owners, _ = overlap.owners(ranked, sample.image.size_hw)
    names = ["no category" if claim.category is None else sample.categories[claim.category] for claim in ranked]
    inks = {name: hue_of(name, sample.categories) if name in sample.categories else UNKNOWN for name in names}
    maps.draw_segments(canvas, owners, names, [inks[name] for name in names])
    if (owners < 0).any():
        inks["nothing"] = (0, 0, 0)
    ordered = sorted(inks, key=[*sample.categories, *inks].index)
    return maps.legend(canvas.shown_hw[1], ordered, [inks[name] for name in ordered])


def _with_regions(task: Task, sample: Sample, canvas: Canvas) -> Canvas:
    """Draw what the question points at; several regions by letter where answers are letters, else by number."""
    for place, region in enumerate(sample.regions):
        name = pointing.LETTERS[place] if task.kind.name == "pointing" else str(place + 1)
        _draw_region(canvas, region, name if len(sample.regions) > 1 else "")
    return canvas


def _draw_region(canvas: Canvas, region: Region, label: str) -> None:
    if region.kind == "box" and region.box_xyxy is not None:
        draw_prompt(canvas, "box", region.box_xyxy, label)
    elif region.points_xy:
        draw_prompt(canvas, region.kind, region.points_xy, label)
    elif region.mask_rle is not None:
        draw_prompt(canvas, region.kind, region.mask_rle, label)
