"""Finds out in which coordinates a model speaks, from what it says about pictures with known boxes.

Every space and order is tried on all answers, and judged by the mean IoU of first boxes with the truth; an answer that
a space does not have counts 0. The declaration is wrong if another reading is better by more than `MARGIN` in nearly
all resamples of the pictures. This is for diagnosis only: a run always reads answers as declared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from benchmarks.schema import Box, ImageRef, Prediction, Query
from metrics.boxes import box_iou
from tasks.models import box_text
from tasks.models.coordinates import ORDERS, SCALES, TOKEN_FORMS, ContractError, Convention, Picture, Space, decode

MARGIN = 0.05
"""Readings whose mean IoU differs by less are the same as far as this can tell."""
SURE = 0.95
"""Share of resamples that must agree."""
ENOUGH = 0.3
"""Mean IoU that the best reading needs: below it the model did not find the objects, in whatever space."""
_RESAMPLES = 1000
_SEED = 0
_PIXELS = Convention(space="pixel_orig")

Verdict = Literal["agrees", "differs", "unclear"]


@runtime_checkable
class BoxSpeaker(Protocol):
    """A model that speaks boxes in its text: `Prediction.text` has them as spoken."""

    convention: Convention | None

    def picture(self, image: ImageRef) -> Picture:
        """Sizes of a photo, as this model sees it."""


@dataclass(frozen=True)
class Heard:
    """One answer: the first box as spoken, None where there is none, the truth in xyxy pixels, and the sizes."""

    numbers: tuple[float, ...] | None
    truth: Box
    picture: Picture


@dataclass(frozen=True)
class Reading:
    """How well the answers fit the truth when they are read in one convention: mean IoU, 0 to 1."""

    convention: Convention
    iou: float


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        declared: what the model says of itself, and how well that fits.
        readings: all that were tried, the best first.
        spoken: answers that held a box.
        asked: pictures shown.
        confidence: share of resamples of the pictures in which the verdict stays; 0 where it is unclear.
        verdict: whether the declaration agrees with what is spoken.
    """

    declared: Reading
    readings: tuple[Reading, ...]
    spoken: int
    asked: int
    confidence: float
    verdict: Verdict

    def sentence(self) -> str:
        """Say the verdict in one line."""
        best, mine = self.readings[0], self.declared
        if self.verdict == "unclear":
            return (
                f"unclear: {self.spoken} of {self.asked} answers hold a box, and the best reading "
                f"({best.convention.words()}) has mean IoU {best.iou:.2f}: the declaration cannot be judged"
            )
        if self.verdict == "agrees":
            return f"agrees: boxes are {mine.convention.words()}, as declared (confidence {self.confidence:.2f})"
        return (
            f"MISMATCH: declared {mine.convention.words()} (mean IoU {mine.iou:.2f}), spoken {best.convention.words()} "
            f"(mean IoU {best.iou:.2f}, confidence {self.confidence:.2f}): correct the declaration"
        )


def hear(model: object, query: Query, answer: Prediction, truth: Box) -> Heard:
    """Take down the first box of an answer, in the numbers that the model spoke."""
    if isinstance(model, BoxSpeaker) and model.convention is not None:
        return Heard(_spoken(answer.text, model.convention), truth, model.picture(query.image))
    boxes = answer.boxes()
    return Heard(boxes[0] if boxes else None, truth, Picture(query.image.size_hw))


def declared_of(model: object) -> Convention:
    """What a model declares; one whose adapter hands boxes over as boxes declares pixels."""
    return (model.convention if isinstance(model, BoxSpeaker) else None) or _PIXELS


def diagnose(heard: Sequence[Heard], declared: Convention) -> Diagnosis:
    """Compare what was heard with what was declared.

    Args:
        heard: one or more answers.
        declared: the declaration.
    """
    tried = _candidates(declared, all(each.picture.resized_hw for each in heard))
    ious = np.array([[_fit(each, convention) for each in heard] for convention in tried])
    means = ious.mean(axis=1)
    order = np.argsort(-means, kind="stable")
    readings = tuple(Reading(tried[place], float(means[place])) for place in order)
    draws = np.random.default_rng(_SEED).integers(len(heard), size=(_RESAMPLES, len(heard)))
    gaps = ious[order[0]][draws].mean(axis=1) - ious[0][draws].mean(axis=1)
    differs = float((gaps > MARGIN).mean())
    verdict: Verdict = "unclear"
    if readings[0].iou >= ENOUGH:
        verdict = "differs" if differs >= SURE else "agrees" if 1 - differs >= SURE else "unclear"
    confidence = {"differs": differs, "agrees": 1 - differs, "unclear": 0.0}[verdict]
    spoken = sum(each.numbers is not None for each in heard)
    return Diagnosis(Reading(declared, float(means[0])), readings, spoken, len(heard), confidence, verdict)


def _spoken(text: str, convention: Convention) -> tuple[float, ...] | None:
    try:
        found = box_text.read(text, convention)
    except ContractError:
        return None
    return found[0].numbers if found else None


def _candidates(declared: Convention, sizes_known: bool) -> list[Convention]:
    """Every convention that the same text could be read in, the declared one first."""
    spaces: list[Space] = ["pixel_orig", "unit", "0-999", "0-1000"]
    if sizes_known:
        spaces.append("pixel_resized")
    if declared.form in TOKEN_FORMS:
        spaces = [TOKEN_FORMS[declared.form]]
    others = [
        Convention(space=space, order=order, form=declared.form, frame=frame, key=declared.key)
        for space in spaces
        for order in (ORDERS if space != "patch_32" else ORDERS[:1])
        for frame in (("image", "square") if space in SCALES else ("image",))
    ]  # fmt: skip
    return [declared, *(each for each in others if each.words() != declared.words())]


def _fit(heard: Heard, convention: Convention) -> float:
    if heard.numbers is None:
        return 0.0
    try:
        return float(box_iou(decode(heard.numbers, convention, heard.picture), heard.truth))
    except ContractError:
        return 0.0
