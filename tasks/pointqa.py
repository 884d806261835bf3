"""PointQA: a question about what a point marks in, a short answer out, which must equal the answer in the data."""

from collections.abc import Mapping
from functools import partial
from typing import cast, get_args

from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import pointqa
from metrics.base import Row
from tasks.base import TaskKind, answer
from tasks.protocol import choice, only


def measure(match: pointqa.Match, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the answer with the true one; no answer is wrong."""
    text = prediction.text if prediction.status == "ok" else None
    return {pointqa.POINTQA.name: pointqa.measure(text, sample.truth(TextTarget).answers[0], match)}


def perfect(match: pointqa.Match, sample: Sample) -> Prediction:
    """Say the true answer, in a sentence where the comparison wants one."""
    said = sample.truth(TextTarget).answers[0]
    return answer(sample, text=f"The answer is {said} ." if match == "shikra" else said)


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind that compares texts as the protocol's `match` says: vip, shikra or vqa.

    Raises:
        ConfigError, UnknownName: there is no such option or value.
    """
    match = cast(pointqa.Match, choice(only(options, ["match"]), "match", get_args(pointqa.Match), "vip"))
    return TaskKind(
        name="pointqa",
        wants="text",
        metrics=(pointqa.POINTQA,),
        measure=partial(measure, match),
        perfect=partial(perfect, match),
        configure=configure,
    )


KINDS = [configure({})]
