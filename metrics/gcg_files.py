"""Score grounded captions in GLaMM's formats: COCO masks and captions against one caption with masks per image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metrics import captions, detection, masks
from metrics.base import Row, Scorer, ScoreReport
from metrics.caption_files import ImageId, separator_notes
from metrics.coco_files import TruthFile, read_truth
from metrics.coco_masks import Rle, read_masks
from metrics.errors import DataError
from metrics.gcg import CARD, KEYS, aggregate, measure
from metrics.json_files import load_json, read_lines, records
from metrics.meteor import unavailable
from metrics.options import choice
from metrics.text_similarity import Similarity, bert, jaccard


@dataclass(frozen=True)
class Described:
    """What the caption file says of an image: the true caption and the phrases of its objects, in mask order."""

    caption: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Grounded:
    """A prediction: caption, masks in order with the phrase of each, and how many masks have another size."""

    caption: str
    rles: list[Rle]
    phrases: tuple[str, ...]
    odd: int


NOTHING = Grounded("", [], (), 0)


def read_descriptions(path: Path) -> dict[ImageId, Described]:
    """Read a GCG caption file.

    Raises:
        DataError: the file breaks the format, or describes an image twice.
    """
    found: dict[ImageId, Described] = {}
    for number, row in enumerate(records(load_json(path), path, "annotations")):
        image_id: Any = row.get("image_id")
        caption, labels = row.get("caption"), row.get("labels")
        fine = type(image_id) in (int, str) and isinstance(caption, str) and isinstance(labels, list)
        if not fine or not all(isinstance(label, str) for label in labels or ()):
            raise DataError(f"{path}: annotations[{number}] needs image_id, caption and a list of labels: correct it")
        if image_id in found:
            raise DataError(f"{path}: image {image_id!r} has two captions: keep one")
        found[image_id] = Described(str(caption), tuple(labels or ()))
    return found


def read_predictions(path: Path, sizes: Mapping[ImageId, tuple[int, int]]) -> dict[ImageId, Grounded]:
    """Read predictions: JSON lines, a JSON list, or a folder with one JSON per image, named by its id.

    Args:
        path: the file or folder.
        sizes: height and width of every image; predictions for others keep no masks.

    Raises:
        DataError: the format is broken, an image is predicted twice, or masks and phrases differ in number.
    """
    found: dict[ImageId, Grounded] = {}
    for where, row in _entries(path):
        image_id: Any = row.get("image_id")
        if type(image_id) not in (int, str) or not isinstance(row.get("caption"), str):
            raise DataError(f"{where}: needs image_id and caption: correct it")
        if image_id in found:
            raise DataError(f"{where}: image {image_id!r} is predicted twice: keep one")
        found[image_id] = _grounded(row, f"{where}: image {image_id!r}", sizes.get(image_id))
    return found


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score grounded captions.

    Raises:
        DataError: a file breaks its format, files contradict each other, or an option cannot be used.
    """
    wants_meteor = choice(options, "meteor", ("auto", "yes", "no"), "auto")
    described_path = Path(options["captions"]) if options.get("captions") else _captions_beside(targets)
    truth, described = read_truth(targets, "segm"), read_descriptions(described_path)
    images: list[ImageId] = [i for i in truth.images if i in described]
    if len(images) != len(truth.images) or len(described) != len(images):
        odd = sorted(set(map(str, truth.images)) ^ set(map(str, described)))[0]
        raise DataError(f"{targets} and {described_path} hold different images (first: {odd}): pass files of one split")
    sizes = {i: (int(h), int(w)) for i, (h, w) in zip(truth.images, truth.size_hw.tolist(), strict=True)}
    answers = read_predictions(predictions, sizes)
    if answers and not set(answers) & set(sizes):
        raise DataError(f"{predictions} names no image of {targets.name} (first: {next(iter(answers))!r}): check both")
    reason = "the option meteor=no was given" if wants_meteor == "no" else unavailable()
    similarity = bert(Path(options["bert"])) if options.get("bert") else jaccard
    objects = _objects(truth)
    chosen = [answers.get(i, NOTHING) for i in images]
    grounding = [_row(o, described[i], a, i, similarity) for i, o, a in zip(images, objects, chosen, strict=True)]
    texts = captions.measure_all(
        [a.caption for a in chosen],
        [[described[i].caption] for i in images],
        with_meteor=wants_meteor == "yes" or reason is None,
    )
    scores: dict[str, float | None] = {**aggregate([a | b for a, b in zip(grounding, texts, strict=True)])}
    scores["ap50"] = _ap50(objects, chosen)
    return ScoreReport(
        metric="gcg",
        protocol=f"gcg/1 text={'bert' if options.get('bert') else 'jaccard'}",
        n=len(images),
        missing=sum(i not in answers for i in images),
        malformed=sum(a.odd for a in chosen),
        metrics={key: scores.get(key) for key in KEYS},
        notes=(
            *_notes(images, answers, chosen, targets),
            *separator_notes([*(a.caption for a in chosen), *(described[i].caption for i in images)]),
            *([] if options.get("bert") else ["phrases were compared by common words, not by BERT: see option bert"]),
            *([f"METEOR not computed: {reason}"] if scores.get("meteor") is None else []),
        ),
    )


def _captions_beside(targets: Path) -> Path:
    path = targets.with_name(targets.name.replace("mask", "caption"))
    if path == targets:
        raise DataError(f"{targets} does not have 'mask' in its name: name the caption file by the option captions")
    return path


def _entries(path: Path) -> list[tuple[str, dict[str, Any]]]:
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise DataError(f"{path} holds no JSON files: put one per image there, named by the image id")
        loaded = [(file, load_json(file)) for file in files]
        return [(str(file), {"image_id": file.stem, **_as_object(row, str(file))}) for file, row in loaded]
    return list(read_lines(path))


def _as_object(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(f"{where}: is no JSON object: write {{image_id, caption, phrases, pred_masks}}")
    return row


def _grounded(row: Mapping[str, Any], where: str, size_hw: tuple[int, int] | None) -> Grounded:
    found, phrases = row.get("pred_masks"), row.get("phrases")
    if not isinstance(found, list) or not isinstance(phrases, list):
        raise DataError(f"{where}: needs the lists phrases and pred_masks: write empty ones where there are none")
    if len(found) != len(phrases) or not all(isinstance(phrase, str) for phrase in phrases):
        raise DataError(f"{where}: has {len(found)} pred_masks but {len(phrases)} phrases: one text is needed for each")
    if size_hw is None:
        return Grounded(row["caption"], [], (), 0)
    read = read_masks(found, np.array([size_hw] * len(found)).reshape(-1, 2), lambda i: f"{where}, mask {i}")
    nothing = masks.empty(size_hw)
    rles = [dict(nothing) if odd else rle for rle, odd in zip(read.rles, read.odd.tolist(), strict=True)]
    return Grounded(row["caption"], rles, tuple(phrases), int(read.odd.sum()))


def _objects(truth: TruthFile) -> list[list[Rle]]:
    """True masks of every image, in file order."""
    own = truth.annotations
    read = read_masks(own.segmentations, truth.size_hw[own.image], lambda i: f"{truth.path}: annotation {own.ids[i]!r}")
    if read.odd.any():
        bad = int(np.argmax(read.odd))
        raise DataError(f"{truth.path}: the mask of annotation {own.ids[bad]!r} has another size than its image")
    found: list[list[Rle]] = [[] for _ in truth.images]
    for image, mask in zip(own.image.tolist(), read.rles, strict=True):
        found[image].append(mask)
    return found


def _row(objects: list[Rle], described: Described, answer: Grounded, image_id: ImageId, similarity: Similarity) -> Row:
    if len(objects) != len(described.labels):
        raise DataError(
            f"image {image_id!r} has {len(objects)} masks but {len(described.labels)} labels: masks and captions must "
            "be of one split"
        )
    return measure(masks.overlaps(objects, answer.rles), described.labels, answer.phrases, similarity)


def _ap50(objects: Sequence[list[Rle]], answers: Sequence[Grounded]) -> float | None:
    rows = [
        detection.measure_image(
            detection.Objects(np.zeros(len(a.rles), np.int64), masks=a.rles, score=np.ones(len(a.rles))),
            detection.Objects(np.zeros(len(o), np.int64), masks=o),
        )
        for o, a in zip(objects, answers, strict=True)
    ]
    return detection.aggregate(rows, 1)["ap50"]


def _notes(
    images: Sequence[ImageId], answers: Mapping[ImageId, Grounded], chosen: Sequence[Grounded], targets: Path
) -> list[str]:
    notes = []
    missing = [i for i in images if i not in answers]
    if missing:
        notes.append(f"{len(missing)} images have no prediction (first: {missing[0]!r}): they find nothing")
    extra = [i for i in answers if i not in set(images)]
    if extra:
        notes.append(f"{len(extra)} predicted images are not in {targets.name} (first: {extra[0]!r}): not scored")
    odd = [i for i, a in zip(images, chosen, strict=True) if a.odd]
    if odd:
        notes.append(f"{len(odd)} images have masks of another size (first: {odd[0]!r}): these overlap nothing")
    return notes


SCORERS = [
    Scorer(
        name="gcg",
        score=score,
        targets="GCG masks, COCO JSON (…mask….json), beside its captions [image_id, caption, labels] (…caption….json)",
        predictions="{image_id, caption, phrases, pred_masks: RLE} as .jsonl, JSON list, or folder of one per image",
        card=CARD,
        options={
            "captions": "caption file; default: the target's name with caption in place of mask",
            "bert": "folder of a local bert-base-uncased, which GLaMM compares phrases with; default: common words",
            "meteor": "auto (default): where Java and pycocoevalcap are found; yes: fail without them; no: skip it",
        },
    )
]
