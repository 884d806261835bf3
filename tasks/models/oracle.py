"""The upper sanity bound: it is handed the truth and repeats it, so it must score perfectly on every task."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.grefcoco import has_target
from benchmarks.schema import Group, Instance, Prediction, Query, Sample, TextTarget
from tasks.base import LoadOptions, ModelEntry


class Oracle:
    """Answers every query with its sample's target."""

    def __init__(self) -> None:
        self._samples: dict[str, Sample] = {}

    def attach(self, samples: Sequence[Sample]) -> None:
        """Receive the samples of the split, truth included."""
        self._samples = {sample.id: sample for sample in samples}

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Repeat the truth in the wanted unit; KeyError on a sample that was not attached."""
        return [self._answer(query) for query in queries]

    def fingerprint(self) -> str:
        """A constant: there are no weights."""
        return FINGERPRINT

    def _answer(self, query: Query) -> Prediction:
        sample = self._samples[query.sample_id]
        target = sample.target
        if isinstance(target, TextTarget):
            text = most_common(target.answers)
            return Prediction(sample_id=query.sample_id, status="ok", text=text, prompt=query.prompt)
        if not has_target(sample):
            return Prediction(sample_id=query.sample_id, status="ok", prompt=query.prompt)
        instance = Instance(
            box_xyxy=target.box_xyxy if query.wants == "box" else None,
            mask_rle=target.mask_rle if query.wants == "mask" else None,
        )
        return Prediction(
            sample_id=query.sample_id,
            status="ok",
            prompt=query.prompt,
            groups=(Group(phrase=query.question, unit=query.wants, instances=(instance,)),),
        )


def most_common(answers: Sequence[str]) -> str:
    """The answer that most annotators gave, the first of them on a tie: the best that one answer can do in VQA."""
    return Counter(answers).most_common(1)[0][0]


def load(options: LoadOptions) -> Oracle:
    """Build the oracle; no option matters to it."""
    return Oracle()


FINGERPRINT = "oracle/2"
MODELS = [
    ModelEntry(
        name="oracle",
        kind="sanity",
        units=("box", "mask", "text"),
        load=load,
        sees_truth=True,
        description="repeats the truth: proves that a task can be scored perfectly",
        weights="none",
        fingerprint=lambda options: FINGERPRINT,
    )
]
