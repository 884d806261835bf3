"""Score a COCO captions results file: `[{image_id, caption}]` against a COCO captions annotation file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.base import Scorer, ScoreReport
from metrics.captions import CARD, aggregate, measure_all
from metrics.coco_columns import column, unique
from metrics.errors import DataError
from metrics.json_files import load_json, objects, records
from metrics.meteor import unavailable
from metrics.options import choice
from metrics.ptb import LINE_SEPARATORS

ImageId = int | str
KEYS = ("bleu1", "bleu2", "bleu3", "bleu4", "meteor", "rouge_l", "cider")


@dataclass(frozen=True)
class References:
    """References of a captions file.

    Attributes:
        captions: image id -> its references in file order, images in the order of `images`; only images with any.
        bare: image ids that have no reference.
    """

    captions: Mapping[ImageId, tuple[str, ...]]
    bare: tuple[ImageId, ...]


@dataclass(frozen=True)
class Generated:
    """Captions of a results file.

    Attributes:
        captions: image id -> caption; "" where the file holds no text there.
        malformed: image ids whose caption is no text.
    """

    captions: Mapping[ImageId, str]
    malformed: tuple[ImageId, ...]


def read_references(path: Path) -> References:
    """Read a COCO captions file.

    Raises:
        DataError: the file breaks the format, or a caption is of an image that is not listed.
    """
    content = load_json(path)
    rows = records(content, path, "annotations")
    found: dict[ImageId, list[str]] = {}
    if "images" in content:
        ids = column(records(content, path, "images"), "id", lambda i: f"{path}: image {i} of the list")
        unique(ids, path, "image")
        found = {image_id: [] for image_id in ids}
    for number, row in enumerate(rows):
        image_id: Any = row.get("image_id")
        caption = row.get("caption")
        if type(image_id) not in (int, str) or not isinstance(caption, str):
            raise DataError(f"{path}: annotations[{number}] needs an image_id and a caption text: correct it")
        if image_id not in found and "images" in content:
            raise DataError(f"{path}: annotations[{number}] is of image {image_id!r}, not listed in images: add it")
        found.setdefault(image_id, []).append(caption)
    captions = {image_id: tuple(own) for image_id, own in found.items() if own}
    if not captions:
        raise DataError(f"{path} holds no captions: nothing can be scored against it")
    return References(captions, tuple(image_id for image_id, own in found.items() if not own))


def read_generated(path: Path) -> Generated:
    """Read a COCO captions results file.

    Raises:
        DataError: the file is no list of {image_id, caption}, or an image has two captions.
    """
    content = load_json(path)
    if not isinstance(content, list):
        raise DataError(f"{path} must be a list [{{image_id, caption}}, …]: pass a COCO results file")
    captions: dict[ImageId, str] = {}
    malformed = []
    for number, row in enumerate(objects(content, path, "the list")):
        image_id: Any = row.get("image_id")
        if type(image_id) not in (int, str) or "caption" not in row:
            raise DataError(f"{path}: entry {number} needs an image_id and a caption: correct it")
        if image_id in captions:
            raise DataError(f"{path}: image {image_id!r} has two captions (the second is entry {number}): keep one")
        caption = row["caption"]
        if not isinstance(caption, str):
            malformed.append(image_id)
        captions[image_id] = caption if isinstance(caption, str) else ""
    return Generated(captions, tuple(malformed))


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a captions results file.

    Raises:
        DataError: a file breaks its format, an option cannot be used, or METEOR is demanded but unavailable.
    """
    which = choice(options, "images", ("all", "predicted"), "all")
    wants_meteor = choice(options, "meteor", ("auto", "yes", "no"), "auto")
    truth, answers = read_references(targets), read_generated(predictions)
    images = [i for i in truth.captions if which == "all" or i in answers.captions]
    if not images:
        raise DataError(f"{predictions} names no image of {targets.name}: check that they belong together")
    reason = "the option meteor=no was given" if wants_meteor == "no" else unavailable()
    rows = measure_all(
        [answers.captions.get(i, "") for i in images],
        [truth.captions[i] for i in images],
        with_meteor=wants_meteor == "yes" or reason is None,
    )
    scores = aggregate(rows)
    missing = [i for i in images if i not in answers.captions]
    return ScoreReport(
        metric="captions",
        protocol="captions/1" + (" images=predicted" if which == "predicted" else ""),
        n=len(images),
        missing=len(missing),
        malformed=sum(i in truth.captions for i in answers.malformed),
        metrics={key: scores.get(key) for key in KEYS},
        notes=(
            *_notes(truth, answers, missing, targets, which),
            *separator_notes([c for i in images for c in (answers.captions.get(i, ""), *truth.captions[i])]),
            *([f"METEOR not computed: {reason}"] if "meteor" not in scores else []),
        ),
    )


def separator_notes(captions: Sequence[str]) -> list[str]:
    """Say how many captions hold a character that would make the official tool shift all later captions."""
    odd = sum(any(char in caption for char in LINE_SEPARATORS) for caption in captions)
    if not odd:
        return []
    return [f"{odd} captions hold line separators (such as U+2028): read as spaces; the official tool would shift them"]


def _notes(truth: References, answers: Generated, missing: Sequence[ImageId], targets: Path, which: str) -> list[str]:
    notes = []
    if missing:
        notes.append(f"{len(missing)} images have no caption (first: {missing[0]!r}): scored as empty captions")
    if answers.malformed:
        first = answers.malformed[0]
        notes.append(f"{len(answers.malformed)} captions are no text (first: image {first!r}): scored as empty")
    known: set[Any] = {*truth.captions, *truth.bare}
    extra = [i for i in answers.captions if i not in known]
    if extra:
        notes.append(f"{len(extra)} captioned images are not in {targets.name} (first: {extra[0]!r}): not scored")
    if truth.bare:
        notes.append(
            f"{len(truth.bare)} images of {targets.name} have no reference (first: {truth.bare[0]!r}): left out"
        )
    if which == "predicted":
        left = len(truth.captions) - sum(i in answers.captions for i in truth.captions)
        notes.append(f"only images with a caption were scored ({left} left out), which official servers do not do")
    return notes


SCORERS = [
    Scorer(
        name="captions",
        score=score,
        targets="COCO captions JSON: images, annotations[image_id, caption]",
        predictions="COCO captions results JSON: [{image_id, caption}, …], one per image",
        card=CARD,
        options={
            "images": "all (default); predicted: only images with a caption, as scripts do that set params['image_id']",
            "meteor": "auto (default): where Java and pycocoevalcap are found; yes: fail without them; no: skip it",
        },
    )
]
