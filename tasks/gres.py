"""Generalised referring segmentation: one expression in, the mask of everything it means out, or no mask for nothing.

An answer that was read and has no mask says that nothing is meant. One that failed or could not be read says nothing.
"""

from benchmarks.grefcoco import has_target
from benchmarks.schema import Prediction, Sample, Target
from metrics import gres, masks
from metrics.base import Row
from tasks import res
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the union of all masks with the target, and the answer "nothing" with whether there is one."""
    answered = prediction.status == "ok"
    mask = masks.union(prediction.masks()) if answered else None
    target = sample.truth(Target).mask_rle if has_target(sample) else None
    return {gres.GRES.name: gres.measure(mask, target, says_no_target=answered and mask is None)}


def perfect(sample: Sample) -> Prediction:
    """Answer the target's mask, or nothing where nothing is meant."""
    return res.perfect(sample) if has_target(sample) else answer(sample)


KINDS = [TaskKind(name="gres", wants="mask", metrics=(gres.GRES,), measure=measure, perfect=perfect)]
