"""Phrase grounding: a phrase of a caption in, the box of what it means out. The first box of the answer counts.

A phrase may mean several boxes. By the protocol option `boxes`, merged compares with the one box around all of them,
any with the one that is met best (the MERGED-BOXES and ANY-BOX protocols of MDETR; R@1 is acc@0.5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError, unknown
from benchmarks.files import read_json
from benchmarks.flickr30k_entities import PhraseTarget
from benchmarks.schema import Box, Group, Instance, Prediction, Sample
from metrics import rec
from metrics.base import Row
from tasks.base import TaskKind, answer

PROTOCOLS = ("merged", "any")


def measure_merged(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the first box with the box around all that the phrase means."""
    return {rec.REC.name: rec.measure(_first(prediction), merged(sample.truth(PhraseTarget).boxes))}


def measure_any(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the first box with that of the phrase's boxes which it meets best."""
    return {rec.REC_ANY.name: rec.measure_any(_first(prediction), sample.truth(PhraseTarget).boxes)}


def _first(prediction: Prediction) -> Box | None:
    boxes = prediction.boxes() if prediction.status == "ok" else []
    return boxes[0] if boxes else None


def merged(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def perfect_merged(sample: Sample) -> Prediction:
    """Answer the box around all that the phrase means."""
    return _answer(sample, merged(sample.truth(PhraseTarget).boxes))


def perfect_any(sample: Sample) -> Prediction:
    """Answer the first box of the phrase."""
    return _answer(sample, sample.truth(PhraseTarget).boxes[0])


def _answer(sample: Sample, box: Box) -> Prediction:
    return answer(sample, [Group(sample.truth(PhraseTarget).phrase, "box", (Instance(box_xyxy=box),))])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Choose by `boxes` what a phrase that means several boxes is compared with: merged (default) or any.

    Raises:
        UnknownName: an option or value there is not.
    """
    for option in options:
        if option != "boxes":
            raise unknown("option of phrase grounding", option, ["boxes"])
    chosen = options.get("boxes", "merged")
    if chosen not in PROTOCOLS:
        raise unknown("protocol of boxes", chosen, PROTOCOLS)
    return MERGED if chosen == "merged" else ANY


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read MDETR's predictions: for each sentence the ranked boxes of every phrase that is asked, in order.

    Raises:
        DataError: the format is broken, a sentence is answered twice, or has another number of phrases.
    """
    asked: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        photo, sentence = sample.id.split("/")[-3:-1]
        asked.setdefault((photo, sentence.removeprefix("sent-")), []).append(sample)
    found: dict[str, Prediction] = {}
    content = read_json(path) if path.is_file() else None
    if not isinstance(content, list):
        raise DataError(f"{path} is no JSON list of {{image_id, sentence_id, boxes}}: write one")
    for number, record in enumerate(content):
        place = f"{path}: record {number}"
        key, phrases = _record(record, place)
        own = asked.get(key, [])
        if len(phrases) != len(own):
            name = f"sentence {key[1]} of image {key[0]}"
            raise DataError(
                f"{place}: {name} has {len(own)} phrases with boxes, not {len(phrases)}: write a list for each"
            )
        for sample, boxes in zip(own, phrases, strict=True):
            if sample.id in found:
                raise DataError(f"{place}: sentence {key[1]} of image {key[0]} is answered twice: keep one")
            instances = tuple(Instance(box_xyxy=box) for box in boxes)
            found[sample.id] = answer(sample, [Group(sample.truth(PhraseTarget).phrase, "box", instances)])
    return found


def _record(record: Any, place: str) -> tuple[tuple[str, str], list[list[Box]]]:
    """(photo, sentence number) and the ranked boxes of each phrase; their numbers are checked when they are joined."""
    image_id, sentence_id, phrases = (
        record.get(key) if isinstance(record, dict) else None for key in ("image_id", "sentence_id", "boxes")
    )
    if type(image_id) not in (int, str) or type(sentence_id) not in (int, str) or not isinstance(phrases, list):
        raise DataError(f"{place} needs image_id, sentence_id and boxes, one list of boxes for each phrase: correct it")
    boxes = [box for phrase in phrases if isinstance(phrase, list) for box in phrase]
    numbers = [value for box in boxes if isinstance(box, list) and len(box) == 4 for value in box]
    whole = all(isinstance(phrase, list) for phrase in phrases) and len(numbers) == 4 * len(boxes)
    if not whole or not all(type(value) in (int, float) for value in numbers):
        raise DataError(f"{place}: boxes must hold for each phrase a list of [x1, y1, x2, y2]: correct it")
    return (str(image_id), str(sentence_id)), [[(x1, y1, x2, y2) for x1, y1, x2, y2 in phrase] for phrase in phrases]


MERGED = TaskKind(
    name="grounding",
    wants="box",
    metrics=(rec.REC,),
    measure=measure_merged,
    perfect=perfect_merged,
    configure=configure,
    official=official,
    formats="MDETR's JSON list of {image_id, sentence_id, boxes: for each phrase its ranked [x1, y1, x2, y2]}",
)
ANY = replace(MERGED, metrics=(rec.REC_ANY,), measure=measure_any, perfect=perfect_any)
KINDS = [MERGED]
