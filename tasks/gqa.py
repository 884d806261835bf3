"""GQA: a question about a photo in, one word or phrase out, which must equal the answer in the data."""

from collections.abc import Mapping
from functools import partial
from typing import cast, get_args

from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import gqa
from metrics.base import Row
from tasks.base import TaskKind, answer
from tasks.protocol import choice, only
from tasks.text_files import Form, read

FORM = Form(ids=("questionId", "question_id"), texts=("prediction", "answer", "text"))


def measure(match: gqa.Match, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the answer with the true one; no answer is wrong."""
    text = prediction.text if prediction.status == "ok" else None
    return {gqa.GQA.name: gqa.measure(text, sample.truth(TextTarget).answers[0], match)}


def perfect(sample: Sample) -> Prediction:
    """Repeat the true answer."""
    return answer(sample, text=sample.truth(TextTarget).answers[0])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind that compares texts as the protocol's `match` says: exact, llava or lmms.

    Raises:
        ConfigError, UnknownName: there is no such option or value.
    """
    match = cast(gqa.Match, choice(only(options, ["match"]), "match", get_args(gqa.Match), "exact"))
    return TaskKind(
        name="gqa",
        wants="text",
        metrics=(gqa.GQA,),
        measure=partial(measure, match),
        perfect=perfect,
        configure=configure,
        official=partial(read, FORM),
        formats="[{questionId, prediction}, …], a JSON list or one object a line",
    )


KINDS = [configure({})]
