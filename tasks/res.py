"""Referring segmentation: one expression in, one mask out. All masks of the answer count together, as their union."""

from benchmarks.schema import Group, Instance, Prediction, Sample, Target
from metrics import masks, res
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the union of all masks with the target; an answer without a mask counts as an empty one."""
    answered = prediction.masks() if prediction.status == "ok" else []
    return {res.RES.name: res.measure(masks.union(answered), sample.truth(Target).mask_rle)}


def perfect(sample: Sample) -> Prediction:
    """Answer the target's mask."""
    mask = Instance(mask_rle=sample.truth(Target).mask_rle)
    return answer(sample, [Group(sample.question, "mask", (mask,))])


KINDS = [TaskKind(name="res", wants="mask", metrics=(res.RES,), measure=measure, perfect=perfect)]
