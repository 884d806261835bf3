"""The lower sanity bound: one answer for every question, blind to image and text."""

from collections.abc import Sequence

import numpy as np

from benchmarks.schema import Box, Group, Instance, Prediction, Query, Rle
from tasks.base import LoadOptions, ModelEntry


class Constant:
    """Answers every query with the central box of half the image's height and width, that box's mask, or "yes"."""

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer in the wanted unit; only the recorded size of the image is used."""
        return [self._answer(query) for query in queries]

    def fingerprint(self) -> str:
        """A constant: there are no weights."""
        return FINGERPRINT

    def _answer(self, query: Query) -> Prediction:
        if query.wants == "text":
            return Prediction(sample_id=query.sample_id, status="ok", text=TEXT, prompt=query.prompt)
        size_hw = query.image.size_hw
        instance = Instance(
            box_xyxy=centre_box(size_hw) if query.wants == "box" else None,
            mask_rle=centre_mask(size_hw) if query.wants == "mask" else None,
        )
        group = Group(phrase=query.question, unit=query.wants, instances=(instance,))
        return Prediction(sample_id=query.sample_id, status="ok", prompt=query.prompt, groups=(group,))


def centre_box(size_hw: tuple[int, int]) -> Box:
    """The central box of half the height and width, xyxy pixels."""
    height, width = size_hw
    return (width / 4, height / 4, width * 3 / 4, height * 3 / 4)


def centre_mask(size_hw: tuple[int, int]) -> Rle:
    """The mask of `centre_box`, its edges rounded to whole pixels, as compressed COCO RLE."""
    from pycocotools import mask as coco_mask

    x1, y1, x2, y2 = (round(edge) for edge in centre_box(size_hw))
    canvas = np.zeros(size_hw, dtype=np.uint8, order="F")
    canvas[y1:y2, x1:x2] = 1
    rle = coco_mask.encode(canvas)
    return {"size": list(size_hw), "counts": rle["counts"].decode("ascii")}


def load(options: LoadOptions) -> Constant:
    """Build the constant; no option matters to it."""
    return Constant()


TEXT = "yes"
FINGERPRINT = "constant/2"
MODELS = [
    ModelEntry(
        name="constant",
        kind="sanity",
        units=("box", "mask", "text"),
        load=load,
        description="the central box of half the image, or yes, whatever is asked: a task must not reward it",
        weights="none",
        fingerprint=lambda options: FINGERPRINT,
    )
]
