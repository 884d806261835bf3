"""Visual question answering: a question in, a short answer in words out, compared with what the annotators said."""

from collections.abc import Mapping
from functools import partial
from typing import cast, get_args

from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import vqa
from metrics.base import Metric, Row
from tasks.base import TaskKind, answer
from tasks.protocol import choice, only
from tasks.text_files import Form, read

FORM = Form(ids=("question_id", "image"), texts=("answer", "text"))
METRICS: Mapping[str, Metric] = {
    "official": vqa.VQA,
    "lavis": vqa.VQA_LAVIS,
    "textvqa": vqa.VQA_TEXTVQA,
    "vizwiz": vqa.VQA_VIZWIZ,
}


def measure(variant: vqa.Variant, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the answer by the rules of a variant; no answer scores 0."""
    text = prediction.text if prediction.status == "ok" else None
    return {METRICS[variant].name: vqa.measure(text, sample.truth(TextTarget).answers, variant)}


def perfect(variant: vqa.Variant, sample: Sample) -> Prediction:
    """Give the annotators' answer that scores best, the first of them on a tie."""
    theirs = sample.truth(TextTarget).answers
    return answer(sample, text=max(dict.fromkeys(theirs), key=lambda text: vqa.measure(text, theirs, variant)["score"]))


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind that scores by the protocol's `variant`: official, lavis, textvqa or vizwiz.

    Raises:
        ConfigError, UnknownName: there is no such option or value.
    """
    variant = cast(vqa.Variant, choice(only(options, ["variant"]), "variant", get_args(vqa.Variant), "official"))
    return TaskKind(
        name="vqa",
        wants="text",
        metrics=(METRICS[variant],),
        measure=partial(measure, variant),
        perfect=partial(perfect, variant),
        configure=configure,
        official=partial(read, FORM),
        formats="[{question_id, answer}, …] (VizWiz: image instead of question_id), a JSON list or one object a line",
    )


KINDS = [configure({})]
