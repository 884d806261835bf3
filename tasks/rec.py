"""Referring comprehension: one expression in, one box out. The first box of the answer counts, never "any hit"."""

from benchmarks.schema import Group, Instance, Prediction, Sample, Target
from metrics import rec
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the first box with the target; an answer without a box counts as wrong."""
    boxes = prediction.boxes() if prediction.status == "ok" else []
    return {rec.REC.name: rec.measure(boxes[0] if boxes else None, sample.truth(Target).box_xyxy)}


def perfect(sample: Sample) -> Prediction:
    """Answer the target's box."""
    box = Instance(box_xyxy=sample.truth(Target).box_xyxy)
    return answer(sample, [Group(sample.question, "box", (box,))])


KINDS = [TaskKind(name="rec", wants="box", metrics=(rec.REC,), measure=measure, perfect=perfect)]
