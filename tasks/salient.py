"""Salient objects: a photo in, the mask of what stands out in it. All masks of the answer count as their union.

A mask is a map of 0 and 255. Soft maps, which a saliency network draws, are scored from a folder of grey images named
as the photos are, each read when it is scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import DataError
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import MapTarget
from metrics import masks, salient
from metrics.base import Row
from metrics.salient_files import ENDINGS, read_map
from tasks.base import TaskKind, answer

SURE = 255
"""Grey value of a pixel that surely belongs to a salient object."""


@dataclass(frozen=True, slots=True)
class SoftAnswer(Prediction):
    """An answer that lies in a grey image, 8 bits; 255 = surely salient."""

    file: Path = Path()


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare maps; an answer without a mask says that nothing stands out.

    Raises:
        DataError: a soft map is missing, damaged, no grey image or of another size.
    """
    target = sample.truth(MapTarget).load()
    pred = _map(prediction, sample.image.size_hw) if prediction.status == "ok" else None
    if pred is not None and pred.shape != target.shape and isinstance(prediction, SoftAnswer):
        raise DataError(
            f"{prediction.file} is {pred.shape} but its photo {target.shape} (rows, columns): "
            "bring the saliency map to the size of the photo"
        )
    return {salient.SALIENT.name: salient.measure(pred, target)}


def _map(prediction: Prediction, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """The map of an answer, uint8 [H, W]."""
    if isinstance(prediction, SoftAnswer):
        return read_map(prediction.file)
    joint = masks.union(prediction.masks())
    if joint is None:
        return np.zeros(size_hw, dtype=np.uint8)
    return masks.decode(joint).astype(np.uint8) * np.uint8(SURE)


def perfect(sample: Sample) -> Prediction:
    """Answer the pixels that the metric counts as foreground."""
    target = sample.truth(MapTarget).load() > salient.FOREGROUND_ABOVE
    return answer(sample, [Group("salient object", "mask", (Instance(mask_rle=masks.encode(target)),))])


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Find the grey map of every photo in a folder, by name whatever the ending.

    Raises:
        DataError: no folder, or a map of a photo that is not in the split.
    """
    if not path.is_dir():
        raise DataError(f"{path} is no folder: put one grey PNG per photo into one, or hand in one JSON object a line")
    maps = {file.stem: file for ending in reversed(ENDINGS) for file in sorted(path.glob(f"*{ending}"))}
    ids = {sample.image_id: sample.id for sample in samples}
    if strange := [file.name for stem, file in maps.items() if stem not in ids]:
        raise DataError(
            f"{path}: {len(strange)} of {len(maps)} maps are of no photo of the split (first: {strange[0]}; photos are "
            f"named like '{samples[0].image_id}'): take them away, or choose another task"
        )
    return {ids[stem]: SoftAnswer(sample_id=ids[stem], status="ok", file=file) for stem, file in maps.items()}


KINDS = [
    TaskKind(
        name="salient",
        wants="mask",
        metrics=(salient.SALIENT,),
        measure=measure,
        perfect=perfect,
        official=official,
        formats="a folder of 8-bit grey maps, one per photo and with its name (255 = surely salient)",
    )
]
