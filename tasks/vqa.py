"""Visual question answering: a question in, a short answer in words out, compared with what the annotators said."""

from collections import Counter

from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import vqa
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the answer by the official rule; no answer scores 0."""
    text = prediction.text if prediction.status == "ok" else None
    return {vqa.VQA.name: vqa.measure(text, sample.truth(TextTarget).answers)}


def perfect(sample: Sample) -> Prediction:
    """Give the answer that most annotators gave, the first of them on a tie: the best that one answer can do."""
    return answer(sample, text=Counter(sample.truth(TextTarget).answers).most_common(1)[0][0])


KINDS = [TaskKind(name="vqa", wants="text", metrics=(vqa.VQA,), measure=measure, perfect=perfect)]
