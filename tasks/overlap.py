"""From masks with phrases, which may overlap, to one owner for every pixel.

Masks are ranked by score, highest first; those without a score come last, equal ones in the order of the answer. A
pixel belongs to the first ranked mask that covers it, which is what Mask2Former's arg-max over masks does with masks
that are either on or off. Things have no precedence over stuff. A mask whose phrase is no category takes part: the
pixels that it owns are nobody's, they count against the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.schema import Prediction, Rle
from metrics import masks
from tasks.phrases import Mapper

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Claim:
    """One mask of an answer.

    Attributes:
        category: place in the benchmark's categories, None where the phrase is none of them.
        mask: compressed COCO RLE at the size of the image.
        score: confidence, None where the model gave none.
    """

    category: int | None
    mask: Rle
    score: float | None = None


def claims(prediction: Prediction, categories: Sequence[str], mapper: Mapper) -> list[Claim]:
    """List the masks of an answer, first ranked first."""
    found = [
        Claim(category, instance.mask_rle, instance.score)
        for group, category in zip(
            prediction.groups, mapper([group.phrase for group in prediction.groups], categories), strict=True
        )
        for instance in group.instances
        if instance.mask_rle is not None
    ]
    return sorted(found, key=lambda claim: (claim.score is None, -(claim.score or 0.0)))


def owners(ranked: Sequence[Claim], size_hw: tuple[int, int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Give every pixel to the first ranked mask that covers it.

    Returns:
        Place of the owner in `ranked`, int32 [H, W], NOBODY where no mask is; and the pixels of every whole mask,
        int64 [N].
    """
    owner = np.full(size_hw, NOBODY, dtype=np.int32, order="F")
    areas = np.zeros(len(ranked), dtype=np.int64)
    for place in range(len(ranked) - 1, -1, -1):
        covered = masks.decode(ranked[place].mask)
        owner[covered] = place
        areas[place] = np.count_nonzero(covered)
    return owner, areas
