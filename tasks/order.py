"""In which batches samples are asked about: alike ones together, inside a window, so that little is padded.

The order of a batch changes no file: predictions are written in the order of the split.
"""

import math
from collections.abc import Sequence
from itertools import islice

from benchmarks.schema import Prediction, Sample
from tasks.journal import Batch

WINDOW = 16
"""Batches whose samples are ordered among themselves: enough to find alike ones, few enough that the photos of one
window lie together on disk and a part of a run is a fair part of the split."""


def plan(samples: Sequence[Sample], size: int, first: int = 0) -> list[Batch]:
    """Cut samples into batches of one size; the last may be smaller. The same in every process.

    Inside a window, samples of one image stay together, so that a model may encode it once; images come by expected
    length, the longest first, so that memory which does not suffice shows early.

    Args:
        samples: what is asked, in the order of the split.
        size: samples of a batch.
        first: number of the first batch.
    """
    ordered: list[Sample] = []
    for start in range(0, len(samples), size * WINDOW):
        ordered += _alike(samples[start : start + size * WINDOW])
    rest = iter(ordered)
    count = math.ceil(len(ordered) / size)
    return [Batch(number, tuple(islice(rest, size))) for number in range(first, first + count)]


def in_order(samples: Sequence[Sample], answers: Sequence[Prediction]) -> list[Prediction]:
    """Bring the answers to all samples into their order; of several to one sample, the last counts."""
    found = {answer.sample_id: answer for answer in answers}
    return [found[sample.id] for sample in samples]


def _alike(window: Sequence[Sample]) -> list[Sample]:
    """Order a window by image, and images by their longest sample; what is equal keeps its order."""
    images: dict[object, list[Sample]] = {}
    for sample in window:
        images.setdefault((sample.image, sample.frames), []).append(sample)
    groups = sorted(images.values(), key=lambda group: max(map(_length, group)), reverse=True)
    return [sample for group in groups for sample in group]


def _length(sample: Sample) -> tuple[int, int, int]:
    """How long a model's input will be, roughly: frames, the power of two of the photo's pixels, words and prompts."""
    height, width = sample.image.size_hw
    return len(sample.frames), (height * width).bit_length(), sample.question.count(" ") + len(sample.regions)
