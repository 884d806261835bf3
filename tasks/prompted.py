"""Segmentation by visual prompt: a mark on the photo in, the mask of the object that it means out.

One mask counts, that with the highest score, the first of several equal ones, as PSALM scores it. PSALM adds 1e-5 to
every union, which changes `giou` by less than 1e-5 for objects of a pixel or more.
"""

from benchmarks.schema import Group, Instance, Prediction, Rle, Sample, Target
from metrics import res
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the surest mask with the object's; an answer without a mask counts as an empty one."""
    mask = surest(prediction) if prediction.status == "ok" else None
    return {res.RES.name: res.measure(mask, sample.truth(Target).mask_rle)}


def surest(prediction: Prediction) -> Rle | None:
    """The mask with the highest score, where one without a score is the least sure; None where there is no mask."""
    found = [each for group in prediction.groups for each in group.instances if each.mask_rle is not None]
    scores = [float("-inf") if each.score is None else each.score for each in found]
    return found[scores.index(max(scores))].mask_rle if found else None


def perfect(sample: Sample) -> Prediction:
    """Answer the object's mask."""
    return answer(sample, [Group("", "mask", (Instance(mask_rle=sample.truth(Target).mask_rle),))])


KINDS = [TaskKind(name="prompted", wants="mask", metrics=(res.RES,), measure=measure, perfect=perfect)]
