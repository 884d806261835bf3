"""Reasoning segmentation: an instruction that must be thought about in, one mask out, scored as LISA does.

All masks of the answer count as their union. Pixels that are marked as not scored count neither for nor against it. An
answer that was read and has no mask says that nothing is meant; one that failed scores 0 even where that is true.
"""

import numpy as np

from benchmarks.reasonseg import NOT_SCORED, TARGET
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import MapTarget
from metrics import masks, res
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the union of all masks with the target, on the pixels that are scored."""
    truth = sample.truth(MapTarget).load()
    target = truth == TARGET
    if prediction.status != "ok":
        # LISA has no failed answers: one pixel of union keeps this one from passing for an empty mask
        return {res.RES_LISA.name: {"inter": 0, "union": max(int(target.sum()), 1), "missing": 1}}
    joint = masks.union(prediction.masks())
    pred = np.zeros_like(target) if joint is None else masks.decode(joint)
    return {res.RES_LISA.name: res.measure_arrays(pred & (truth != NOT_SCORED), target)}


def perfect(sample: Sample) -> Prediction:
    """Answer the target's pixels, or nothing where there are none."""
    target = sample.truth(MapTarget).load() == TARGET
    found = (Instance(mask_rle=masks.encode(target)),) if target.any() else ()
    return answer(sample, [Group(sample.question, "mask", found)])


KINDS = [TaskKind(name="reasonseg", wants="mask", metrics=(res.RES_LISA,), measure=measure, perfect=perfect)]
