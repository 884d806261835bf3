"""TextVQA 0.5.1 and TextCaps 0.1, validation, in their official layout: the same photos of Open Images.

    <root>/textvqa/TextVQA_0.5.1_val.json     {"data": [{question_id, question, image_id, answers (ten), …}]}
    <root>/textvqa/TextCaps_0.1_val.json      {"data": [{image_id, reference_strs (five), caption_id, …}]}
    <root>/textvqa/train_images/<image_id>.jpg     (train_val_images.zip; validation photos are of Open Images train)

A record of TextCaps holds one caption and all references of its photo, so that a photo comes several times: one sample
a photo, in the order of their first records, which must all hold the same references. `image_width` and `image_height`
are not used: nothing is located, and photos are fetched in more than one size.
Counts: 5,000 questions and 3,166 photos, the papers' and those of the official files (arXiv:1904.08920, 2003.12462).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import plain_name
from benchmarks.text_source import Record, TextSource, benchmark_of, listed, text, texts, unique, whole

FOLDERS = ("textvqa/train_images", "textvqa/train_val_images/train_images", "images/textvqa/train_images")
_WHERE = "CVDF and textvqa.org (train_val_images.zip, photos of Open Images)"


def parse_questions(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read TextVQA.

    Raises:
        DataError: a record is broken or a question comes twice.
    """
    [content], [path] = contents, paths
    records = []
    for place, entry in _places(content, path):
        image_id = text(entry, "image_id", place)
        record = Record(
            key=f"question-{whole(entry, 'question_id', place)}",
            photo=plain_name(f"{image_id}.jpg", place),
            image_id=image_id,
            question=text(entry, "question", place),
            answers=texts(entry.get("answers"), "answers", place),
        )
        records.append(record)
    return {"val": unique(records, path)}


def parse_captions(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read TextCaps.

    Raises:
        DataError: a record is broken, or two records of a photo have other references.
    """
    [content], [path] = contents, paths
    records: dict[str, Record] = {}
    for place, entry in _places(content, path):
        image_id = text(entry, "image_id", place)
        references = texts(entry.get("reference_strs"), "reference_strs", place)
        photo = plain_name(f"{image_id}.jpg", place)
        known = records.setdefault(image_id, Record(f"image-{image_id}", photo, image_id, "", references))
        if sorted(known.answers) != sorted(references):
            raise DataError(f"{place}: photo {image_id} has other references in an earlier record: fetch it again")
    return {"val": list(records.values())}


def _places(content: Any, path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{path}: data[{number}]", entry) for number, entry in enumerate(listed(content, "data", path))]


TEXTVQA = TextSource(
    name="textvqa/0.5.1",
    reader="textvqa/1",
    published={"val": 5_000},
    files={"val": (("textvqa/TextVQA_0.5.1_val.json",),)},
    folders=FOLDERS,
    publisher="TextVQA train_images",
    parse=parse_questions,
)
TEXTCAPS = TextSource(
    name="textcaps/0.1",
    reader="textcaps/1",
    published={"val": 3_166},
    files={"val": (("textvqa/TextCaps_0.1_val.json", "textcaps/TextCaps_0.1_val.json"),)},
    folders=FOLDERS,
    publisher="TextVQA train_images",
    parse=parse_captions,
)
BENCHMARKS = [
    benchmark_of(
        TEXTVQA,
        "Singh et al., Towards VQA Models That Can Read, CVPR 2019, arXiv:1904.08920. Licence: CC BY 4.0 (questions, "
        "answers); photos keep their Flickr licences.",
        f"textvqa.org/dataset (TextVQA_0.5.1_val.json); {_WHERE}",
    ),
    benchmark_of(
        TEXTCAPS,
        "Sidorov et al., TextCaps: a Dataset for Image Captioning with Reading Comprehension, ECCV 2020, "
        "arXiv:2003.12462. Licence: CC BY 4.0 (captions); photos keep their Flickr licences.",
        f"textvqa.org/textcaps/dataset (TextCaps_0.1_val.json); {_WHERE}",
    ),
]
