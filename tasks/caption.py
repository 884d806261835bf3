"""Captioning: a photo in, one sentence out, compared with all references of the photo."""

from collections.abc import Sequence

from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import captions
from metrics.base import Row
from tasks.base import TaskKind, answer


def measure_all(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, list[Row]]:
    """Compare all captions at once, since CIDEr-D weighs words by the whole set; no answer counts as an empty caption.

    METEOR is computed where its jar can run, and is no column elsewhere.
    """
    answers = [prediction.text if prediction.status == "ok" else "" for prediction in predictions]
    references = [sample.truth(TextTarget).answers for sample in samples]
    return {captions.CAPTIONS.name: captions.measure_all(answers, references)}


def perfect(sample: Sample) -> Prediction:
    """Repeat the first reference."""
    return answer(sample, text=sample.truth(TextTarget).answers[0])


KINDS = [TaskKind(name="caption", wants="text", metrics=(captions.CAPTIONS,), measure_all=measure_all, perfect=perfect)]
