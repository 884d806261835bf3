"""Object hallucination (POPE): a question about one object in, yes or no in words out."""

from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import pope
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the answer, read as the official script reads it, with the label; no answer counts as the wrong one."""
    text = prediction.text if prediction.status == "ok" else None
    label = sample.truth(TextTarget).answers[0]
    return {pope.POPE.name: pope.measure(text, "yes" if label == "yes" else "no")}


def perfect(sample: Sample) -> Prediction:
    """Repeat the label."""
    return answer(sample, text=sample.truth(TextTarget).answers[0])


KINDS = [TaskKind(name="pope", wants="text", metrics=(pope.POPE,), measure=measure, perfect=perfect)]
