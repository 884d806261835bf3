"""Answers that lie in official files, brought into the form that a run keeps: masks with names, depth in metres.

The formats hold no overlaps, so masks say the same as the file. One thing is lost: where a panoptic file has two
segments of one stuff category, they become one, as in every answer that is given as masks.
"""

from dataclasses import replace

import numpy as np

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import ConfigError
from benchmarks.panoptic_target import PanopticTarget
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import MapTarget
from metrics import masks
from tasks import depth
from tasks.base import Task
from tasks.panoptic_files import FiledPrediction
from tasks.salient import SoftAnswer
from tasks.semantic import FiledLabels


def check(prediction: Prediction) -> None:
    """Refuse an answer of a kind that no run can keep.

    Raises:
        ConfigError: it is a grey map, which no mask can say.
    """
    if isinstance(prediction, SoftAnswer):
        raise ConfigError("grey maps are no masks, and a run keeps masks: score them by `refbench score --task`")


def inline(prediction: Prediction, sample: Sample, task: Task) -> Prediction:
    """Bring an answer into the form that a run keeps; of the truth only the list of categories is read.

    Raises:
        DataError: its file cannot be read.
    """
    if isinstance(prediction, FiledPrediction):
        return _of_panoptic(prediction, sample)
    if isinstance(prediction, FiledLabels):
        return _of_labels(prediction, sample)
    if isinstance(prediction, depth.FileAnswer):
        key = "relative_disparity" if task.protocol.get("align") == depth.DISPARITY else "depth"
        return replace(_plain(prediction), depth=DepthMap(values=depth.map_of(prediction, key)))
    return prediction


def _of_panoptic(prediction: FiledPrediction, sample: Sample) -> Prediction:
    names = {category.id: category.name for category in sample.truth(PanopticTarget).categories}
    found = prediction.read()
    ids = np.asfortranarray(found.ids)  # masks are encoded column by column
    shown = [(segment, ids == segment.id) for segment in found.segments]
    groups = [
        Group(names.get(segment.category_id, f"category_id {segment.category_id}"), "mask", (_masked(mask),))
        for segment, mask in shown
        if mask.any()
    ]
    return replace(_plain(prediction), groups=tuple(groups))


def _of_labels(prediction: FiledLabels, sample: Sample) -> Prediction:
    categories = sample.truth(MapTarget).categories
    labels = np.asfortranarray(prediction.read(categories, sample.image.size_hw))
    here = [place for place in np.unique(labels).tolist() if place < len(categories)]
    groups = [Group(categories[place].name, "mask", (_masked(labels == place),)) for place in here]
    return replace(_plain(prediction), groups=tuple(groups))


def _masked(mask: np.ndarray) -> Instance:
    return Instance(mask_rle=masks.encode(mask))


def _plain(prediction: Prediction) -> Prediction:
    """The same answer without its file."""
    return Prediction(prediction.sample_id, prediction.status, prediction.text, prediction.prompt)
