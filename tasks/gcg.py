"""Grounded captions: a photo in, a caption out whose phrases carry masks.

The answer's words are the caption; each of its groups is a phrase with the masks of what it names. One that failed or
could not be read is an empty caption without masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.errors import ConfigError, unknown
from benchmarks.grandf import GroundedTarget
from benchmarks.schema import Group, Instance, Prediction, Rle, Sample
from metrics import captions, detection, gcg, masks
from metrics.ap_rows import to_rows
from metrics.base import Row
from metrics.gcg_files import read_predictions
from metrics.text_similarity import Similarity, bert, jaccard
from refvlm.prompting import spoken_text
from refvlm.trp import TASK, parse
from tasks.base import TaskKind, answer

OPTIONS = ("text", "bert")
TEXTS = ("jaccard", "bert")


def measure_all(
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    similarity: Similarity = jaccard,
    name: str = gcg.GCG.name,
    with_meteor: bool | None = None,
) -> dict[str, list[Row]]:
    """Compare masks, phrases and captions; CIDEr-D weighs words by the whole set.

    By default, METEOR comes where its jar runs.
    """
    truths = [sample.truth(GroundedTarget) for sample in samples]
    answers = [prediction if prediction.status == "ok" else Prediction("", "failed") for prediction in predictions]
    said = [_caption(each) for each in answers]
    texts = captions.measure_all(said, [[truth.caption] for truth in truths], with_meteor)
    rows = [
        _matched(truth, prediction, similarity) | _ranked(truth, prediction, place) | text
        for place, (truth, prediction, text) in enumerate(zip(truths, answers, texts, strict=True))
    ]
    return {name: rows}


def _caption(prediction: Prediction) -> str:
    """The words of an answer; one in the triplet grammar has a plan before them and marks between."""
    text = prediction.text
    return spoken_text(parse(text)) if text.startswith(TASK) else text


def _phrases(prediction: Prediction) -> tuple[list[str], list[Rle]]:
    """Every mask of an answer with its phrase, in order."""
    found = [
        (group.phrase, instance.mask_rle)
        for group in prediction.groups
        for instance in group.instances
        if instance.mask_rle is not None
    ]
    return [phrase for phrase, _ in found], [mask for _, mask in found]


def _matched(truth: GroundedTarget, prediction: Prediction, similarity: Similarity) -> Row:
    phrases, found = _phrases(prediction)
    return gcg.measure(masks.overlaps(truth.masks, found), truth.labels, phrases, similarity)


def _ranked(truth: GroundedTarget, prediction: Prediction, place: int) -> Row:
    """What AP needs: one category, every mask as sure as the next."""
    _, found = _phrases(prediction)
    [row] = to_rows(
        detection.measure_image(
            detection.Objects(_one(found), masks=[dict(each) for each in found], score=np.ones(len(found))),
            detection.Objects(_one(truth.masks), masks=[dict(each) for each in truth.masks]),
        ),
        [place],
    )
    return row


def _one(found: Sequence[Rle]) -> np.ndarray:
    return np.zeros(len(found), dtype=np.int64)


def perfect(sample: Sample) -> Prediction:
    """Repeat the caption, and each label with its mask."""
    truth = sample.truth(GroundedTarget)
    named = zip(truth.labels, truth.masks, strict=True)
    return answer(sample, [Group(label, "mask", (Instance(mask_rle=mask),)) for label, mask in named], truth.caption)


def configure(options: Mapping[str, str]) -> TaskKind:
    """Choose how phrases are compared: `text` jaccard (default) or bert, with `bert` the folder of a local model.

    Raises:
        ConfigError: an option or value there is not, or bert without its folder.
        UnknownName: the same, with the nearest name.
    """
    for option in options:
        if option not in OPTIONS:
            raise unknown("option of grounded captions", option, OPTIONS)
    text = options.get("text", "jaccard")
    if text not in TEXTS:
        raise unknown("comparison of phrases", text, TEXTS)
    if (text == "bert") != ("bert" in options):
        raise ConfigError("the options text: bert and bert: FOLDER of a local bert-base-uncased belong together")
    if text == "jaccard":
        return KIND
    compare = _Loaded(Path(options["bert"]))
    measured = partial(measure_all, similarity=compare, name=gcg.GCG_BERT.name)
    return replace(KIND, metrics=(gcg.GCG_BERT,), measure_all=measured)


class _Loaded:
    """A BERT model that is loaded when the first phrases are compared, so that listing tasks stays quick."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._similarity: Similarity | None = None

    def __call__(self, first: str, second: str) -> float:
        if self._similarity is None:
            self._similarity = bert(self._folder)
        return self._similarity(first, second)


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read GLaMM's predictions: a JSON list or a folder with one JSON per photo, named by its id.

    A mask of another size than its photo overlaps nothing and counts as a mask.

    Raises:
        DataError: the format is broken, or a photo is predicted twice.
    """
    sizes: dict[int | str, tuple[int, int]] = {sample.image_id: sample.image.size_hw for sample in samples}
    sizes |= {int(name): size for name, size in sizes.items() if isinstance(name, str) and name.isdecimal()}
    ids = {sample.image_id: sample.id for sample in samples}
    found = {}
    for image_id, grounded in read_predictions(path, sizes).items():
        named = zip(grounded.phrases, grounded.rles, strict=False)  # photos that are not in the split keep no masks
        groups = tuple(Group(phrase, "mask", (Instance(mask_rle=mask),)) for phrase, mask in named)
        sample_id = ids.get(str(image_id), str(image_id))
        found[sample_id] = Prediction(sample_id, "ok", text=grounded.caption, groups=groups)
    return found


KIND = TaskKind(
    name="gcg",
    wants="mask",
    metrics=(gcg.GCG,),
    measure_all=measure_all,
    perfect=perfect,
    configure=configure,
    official=official,
    formats="GLaMM's {image_id, caption, phrases, pred_masks: RLE} as a JSON list, or a folder of one JSON per photo",
)
KINDS = [KIND]
