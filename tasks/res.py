"""Referring segmentation: one expression in, one mask out. All masks of the answer count together, as their union."""

from benchmarks.schema import Group, Instance, Prediction, Rle, Sample, Target
from metrics import res
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the union of all masks with the target; an answer without a mask counts as an empty one."""
    masks = prediction.masks() if prediction.status == "ok" else []
    return {res.RES.name: res.measure(union(masks), sample.truth(Target).mask_rle)}


def union(masks: list[Rle]) -> Rle | None:
    """Merge masks of one size; None where there is none."""
    if len(masks) < 2:
        return masks[0] if masks else None
    from pycocotools import mask as coco_mask

    merged = coco_mask.merge([dict(mask) for mask in masks])
    return {"size": list(merged["size"]), "counts": merged["counts"].decode("ascii")}


def perfect(sample: Sample) -> Prediction:
    """Answer the target's mask."""
    mask = Instance(mask_rle=sample.truth(Target).mask_rle)
    return answer(sample, [Group(sample.question, "mask", (mask,))])


KINDS = [TaskKind(name="res", wants="mask", metrics=(res.RES,), measure=measure, perfect=perfect)]
