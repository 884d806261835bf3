"""Human poses by COCO's rules (OKS): of everybody in a photo, or of the person in each box that is asked about.

- A pose is an instance with keypoints, (x, y, score) of every joint in the benchmark's order. The phrase of its group
  is not read. One with another number of joints finds nobody and is a false positive of every size; an instance
  without keypoints is no pose. The scores of joints do not matter, joints said to be hidden are compared as well.
- AP ranks poses by score. `scores: required` (default) refuses an answer that holds a pose without one: it counts as no
  answer, and `unscored` says how many were refused. `scores: joints` takes the mean score of the joints,
  `scores: answer_order` declares that earlier poses of an answer rank higher, `scores: constant` that all rank alike;
  these put aside the scores that there are.
- A task that asks by box is scored over images as well: all answers to the people of one image compete together, the
  best 20 of them count, as pycocotools does with a top-down model's results. People who are not asked about (without
  labelled joints, a crowd, cut off by --limit) need not be found, and poses that land on them are forgiven.
- The size of a pose that matches nothing is the box around its joints, or in a results file whose first entry has a
  `bbox`, that: as pycocotools does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.coco_keypoints import PersonTarget, is_labelled
from benchmarks.errors import DataError
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import ObjectsTarget, TrueObject
from metrics.base import Row
from metrics.coco_overlap import COCO_SIGMAS
from metrics.keypoints import KEYPOINTS, Persons, Poses, extent, match_poses
from metrics.match_rows import to_rows
from tasks import protocol
from tasks.base import TaskKind, answer
from tasks.pose_results import FORMATS, FiledPoses, read_results

Joints = tuple[tuple[float, float, float], ...]
RANKINGS: Mapping[str, Callable[[Instance, int], float | None]] = {
    "required": lambda pose, place: pose.score,
    "joints": lambda pose, place: float(np.mean([score for *_, score in pose.keypoints or ((0.0, 0.0, 0.0),)])),
    "answer_order": lambda pose, place: -float(place),
    "constant": lambda pose, place: 1.0,
}
"""Name of the protocol -> (pose, its place in the answer) -> score to rank by."""
SIGMAS = COCO_SIGMAS
JOINTS = len(SIGMAS)


@dataclass(frozen=True, slots=True)
class _Found:
    """A pose of an answer: whose answer, what it is ranked by, its size in square pixels."""

    place: int
    score: float
    joints: Joints
    area: float | None


def measure(ranking: str, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, list[Row]]:
    """Match all answers with the people of their images; a failed one leaves those it was asked about missed."""
    images = sorted({sample.image_id for sample in samples}, key=_by_number)
    rank = {image_id: place for place, image_id in enumerate(images)}
    of_sample = np.array([rank[sample.image_id] for sample in samples], dtype=np.int64)
    found, refused = _answers(ranking, predictions)
    owner = np.array([each.place for each in found], dtype=np.int64)
    persons, asked_in = _persons(samples, of_sample)
    matches, kept = match_poses(_poses(found, of_sample[owner]), persons, SIGMAS)
    rows = to_rows(matches, owner[kept], asked_in, of_sample)
    for place in refused:
        rows[place]["unscored"] = 1
    return {KEYPOINTS.name: rows}


def _by_number(image_id: str) -> tuple[int, str]:
    """Ids of images in the order of the official evaluator, which sorts numbers."""
    return (int(image_id), "") if image_id.isdecimal() else (0, image_id)


def _answers(ranking: str, predictions: Sequence[Prediction]) -> tuple[list[_Found], list[int]]:
    """Every pose in the order of the answers, and the places of answers that are refused for want of scores."""
    found: list[_Found] = []
    refused: list[int] = []
    for place, prediction in enumerate(predictions):
        groups = prediction.groups if prediction.status == "ok" else ()
        poses = [each for group in groups for each in group.instances if each.keypoints is not None]
        areas = prediction.areas if isinstance(prediction, FiledPoses) else (None,) * len(poses)
        scores = [RANKINGS[ranking](pose, number) for number, pose in enumerate(poses)]
        if None in scores:
            refused.append(place)
            continue
        found += [
            _Found(place, score, pose.keypoints or (), area)
            for pose, score, area in zip(poses, scores, areas, strict=True)
            if score is not None
        ]
    return found, refused


def _poses(found: Sequence[_Found], image: np.ndarray) -> Poses:
    odd = [len(each.joints) != JOINTS for each in found]
    nowhere = ((0.0, 0.0, 0.0),) * JOINTS
    joints = [nowhere if bad else each.joints for each, bad in zip(found, odd, strict=True)]
    xy = np.array(joints, dtype=np.float64).reshape(-1, JOINTS, 3)[:, :, :2]
    own = [np.nan if each.area is None else each.area for each in found]
    area = np.where(np.isnan(own), extent(xy), own)
    return Poses(image, xy, np.array([each.score for each in found], dtype=np.float64), area, np.array(odd, dtype=bool))


def _persons(samples: Sequence[Sample], of_sample: np.ndarray) -> tuple[Persons, np.ndarray]:
    """All objects of every image once, and which sample asks for each, -1 for none."""
    first: dict[int, Sequence[TrueObject]] = {}
    asking: dict[tuple[int, int], int] = {}
    for place, (sample, image) in enumerate(zip(samples, of_sample.tolist(), strict=True)):
        target = sample.truth(ObjectsTarget)
        objects = first.setdefault(image, target.objects)
        asked = [target.asked] if isinstance(target, PersonTarget) else [each.id for each in objects]
        asking |= {(image, number): place for number in asked}
    people = [(image, each) for image, objects in first.items() for each in objects]
    if odd := [each for _, each in people if len(each.keypoints) != JOINTS]:
        raise DataError(
            f"annotation {odd[0].id} has {len(odd[0].keypoints)} joints, not COCO's {JOINTS}: name another kind or "
            "benchmark"
        )
    asked_in = np.array([asking.get((image, each.id), -1) for image, each in people], dtype=np.int64)
    boxes = np.array([each.box_xyxy for _, each in people], dtype=np.float64).reshape(-1, 4)
    persons = Persons(
        image=np.array([image for image, _ in people], dtype=np.int64),
        xyv=np.array([each.keypoints for _, each in people], dtype=np.float64).reshape(-1, JOINTS, 3),
        box_xywh=np.concatenate((boxes[:, :2], np.round(boxes[:, 2:] - boxes[:, :2], 9)), axis=1),
        area=np.array([each.area for _, each in people], dtype=np.float64),
        ignored=asked_in < 0,
        crowd=np.array([each.crowd for _, each in people], dtype=bool),
        nameless=np.array([each.id == 0 for _, each in people], dtype=bool),
    )
    return persons, asked_in


def perfect(sample: Sample) -> Prediction:
    """Answer everybody who is asked for and has labelled joints; joints without a label where the file has them."""
    target = sample.truth(ObjectsTarget)
    asked = target.asked if isinstance(target, PersonTarget) else None
    found = [
        Instance(score=1.0, keypoints=tuple((x, y, 1.0) for x, y, _ in each.keypoints))
        for each in target.objects
        if is_labelled(each) and asked in (None, each.id)
    ]
    return answer(sample, [Group("person", "keypoint", tuple(found))])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Follow `scores`; `boxes` says whose boxes a task asks by and is for reading.

    Raises:
        UnknownName: no such option.
        ConfigError: a value that cannot be used.
    """
    protocol.only(options, ("scores", "boxes"))
    protocol.choice(options, "boxes", ("annotated",), "annotated")
    return _kind(protocol.choice(options, "scores", RANKINGS, "required"))


def _kind(ranking: str) -> TaskKind:
    return TaskKind(
        name="keypoints",
        wants="keypoint",
        metrics=(KEYPOINTS,),
        measure_all=partial(measure, ranking),
        perfect=perfect,
        configure=configure,
        official=read_results,
        formats=FORMATS,
    )


KINDS = [_kind("required")]
