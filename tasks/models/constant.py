"""The lower sanity bound: one answer for every question, blind to image and text."""

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

import numpy as np

from benchmarks.depth_answer import DepthMap
from benchmarks.geometry import encode
from benchmarks.schema import Box, Group, Instance, Prediction, Query, Rle, Unit
from tasks.base import LoadOptions, ModelEntry

JOINTS = 17
"""Joints of its pose, all in the middle: as many as COCO has; a benchmark with another number reads it as no pose."""
METRES = 3.0
"""Its depth of every pixel."""
TEXT = "yes"


class Constant:
    """Answers every query with the central box of half the image's height and width, that box's mask, or "yes".

    Where a benchmark lists categories, every object it names is the first of them.
    """

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer in the wanted unit; only the recorded size of the image is used."""
        return [_answer(query) for query in queries]

    def fingerprint(self) -> str:
        """A constant: there are no weights."""
        return FINGERPRINT


def _answer(query: Query) -> Prediction:
    size_hw = query.image.size_hw
    if query.wants == "text":
        return Prediction(sample_id=query.sample_id, status="ok", text=TEXT, prompt=query.prompt)
    if query.wants == "depth":
        depth = DepthMap(values=np.full(size_hw, METRES, dtype=np.float32))
        return Prediction(sample_id=query.sample_id, status="ok", prompt=query.prompt, depth=depth)
    phrase = query.categories[0] if query.categories else query.question
    group = Group(phrase=phrase, unit=query.wants, instances=(_INSTANCES[query.wants](size_hw),))
    return Prediction(sample_id=query.sample_id, status="ok", prompt=query.prompt, groups=(group,))


def centre_box(size_hw: tuple[int, int]) -> Box:
    """The central box of half the height and width, xyxy pixels."""
    height, width = size_hw
    return (width / 4, height / 4, width * 3 / 4, height * 3 / 4)


def centre_mask(size_hw: tuple[int, int]) -> Rle:
    """The mask of `centre_box`, its edges rounded to whole pixels, as compressed COCO RLE."""
    x1, y1, x2, y2 = (round(edge) for edge in centre_box(size_hw))
    canvas = np.zeros(size_hw, dtype=np.uint8, order="F")
    canvas[y1:y2, x1:x2] = 1
    return encode(canvas)


def _pose(size_hw: tuple[int, int]) -> Instance:
    height, width = size_hw
    joints = ((width / 2, height / 2, 1.0),) * JOINTS
    return Instance(score=1.0, box_xyxy=centre_box(size_hw), keypoints=joints)


_INSTANCES: Mapping[Unit, Callable[[tuple[int, int]], Instance]] = {
    "box": lambda size_hw: Instance(score=1.0, box_xyxy=centre_box(size_hw)),
    "mask": lambda size_hw: Instance(score=1.0, mask_rle=centre_mask(size_hw)),
    "keypoint": _pose,
    "point": lambda size_hw: Instance(keypoints=((size_hw[1] / 2, size_hw[0] / 2, 1.0),)),
}


def load(options: LoadOptions) -> Constant:
    """Build the constant; no option matters to it."""
    return Constant()


FINGERPRINT = "constant/3"
MODELS = [
    ModelEntry(
        name="constant",
        kind="sanity",
        units=get_args(Unit),
        load=load,
        description="the central box of half the image, or yes, whatever is asked: a task must not reward it",
        weights="none",
        fingerprint=lambda options: FINGERPRINT,
    )
]
