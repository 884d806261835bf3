"""Captioning: a picture, a video or a marked region in, one sentence out, compared with all references.

Kind `caption` describes the whole, kind `reg` the region of the query. With the protocol `domains: own`, CIDEr-D is
also given for every domain that the samples' tags name, evaluated by itself, as NoCaps is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import captions, nocaps
from metrics.base import Row
from tasks.base import TaskKind, answer
from tasks.protocol import choice, only
from tasks.text_files import Form, read

CAPTION_FORM = Form(ids=("image_id", "video_id"), texts=("caption", "text"))
REG_FORM = Form(ids=("image_id", "ref_id", "region_id"), texts=("caption", "text"))


def measure_all(
    samples: Sequence[Sample], predictions: Sequence[Prediction], with_meteor: bool | None = None
) -> dict[str, list[Row]]:
    """Compare all captions at once, since CIDEr-D weighs words by the whole set; no answer counts as an empty caption.

    By default, METEOR is computed where its jar can run, and is no column elsewhere.
    """
    return {captions.CAPTIONS.name: captions.measure_all(*_texts(samples, predictions), with_meteor)}


def measure_domains(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, list[Row]]:
    """Compare all captions at once, and those of each domain by themselves.

    Raises:
        DataError: a sample has no domain that the metric knows.
    """
    domains = [sample.tags.get("domain", "").removesuffix("-domain") for sample in samples]
    for sample, domain in zip(samples, domains, strict=True):
        if domain not in nocaps.DOMAINS:
            raise DataError(
                f"{sample.id} has no domain ({', '.join(nocaps.DOMAINS)}): leave `domains` out of the protocol"
            )
    return {nocaps.NOCAPS.name: nocaps.measure_all(*_texts(samples, predictions), domains)}


def perfect(sample: Sample) -> Prediction:
    """Repeat the first reference."""
    return answer(sample, text=sample.truth(TextTarget).answers[0])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind; `domains: own` adds CIDEr-D of every domain by itself.

    Raises:
        ConfigError, UnknownName: there is no such option or value.
    """
    if choice(only(options, ["domains"]), "domains", ("none", "own"), "none") == "none":
        return CAPTION
    return replace(CAPTION, metrics=(nocaps.NOCAPS,), measure_all=measure_domains)


def _texts(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Captions and references, in the order of the samples."""
    said = [prediction.text if prediction.status == "ok" else "" for prediction in predictions]
    return said, [sample.truth(TextTarget).answers for sample in samples]


CAPTION = TaskKind(
    name="caption",
    wants="text",
    metrics=(captions.CAPTIONS,),
    measure_all=measure_all,
    perfect=perfect,
    configure=configure,
    official=partial(read, CAPTION_FORM),
    formats="[{image_id, caption}, …] as COCO's captions results, a JSON list or one object a line (videos: video_id)",
)
REG = TaskKind(
    name="reg",
    wants="text",
    metrics=(captions.CAPTIONS,),
    measure_all=measure_all,
    perfect=perfect,
    official=partial(read, REG_FORM),
    formats="[{image_id, caption}, …] whose image_id is the number of the ref or region, a JSON list or lines",
)
KINDS = [CAPTION, REG]
