"""Visual question answering: a question in, a short answer in words out, compared with what the annotators said."""

from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import vqa
from metrics.base import Row
from tasks.base import TaskKind


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the answer by the official rule; no answer scores 0."""
    answer = prediction.text if prediction.status == "ok" else None
    return {vqa.VQA.name: vqa.measure(answer, sample.truth(TextTarget).answers)}


KINDS = [TaskKind(name="vqa", wants="text", metrics=(vqa.VQA,), measure=measure)]
