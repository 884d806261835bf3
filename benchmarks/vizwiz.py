"""VizWiz-VQA, validation, in its official layout: what blind people asked about photos they took.

    <root>/vizwiz/Annotations/val.json  (or vizwiz/val.json)
        [{image, question, answers: [{answer, answer_confidence} (ten)], answer_type, answerable: 0 or 1}]
    <root>/vizwiz/val/VizWiz_val_<8 digits>.jpg

One question a photo, named by its file: the challenge's results name it so, too. Tags: `answer_type` and `answerable`.
"unanswerable" is an answer like any other. Count: 4,319, the number the challenge page gives (vizwiz.org, VQA task).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import plain_name
from benchmarks.text_source import Record, TextSource, benchmark_of, objects, text, unique

ANSWERABLE = {0: "no", 1: "yes"}


def parse(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read the questions.

    Raises:
        DataError: a record is broken or a photo comes twice.
    """
    [content], [path] = contents, paths
    if not isinstance(content, list) or not content:
        raise DataError(f"{path}: must be a list of questions: fetch the file again")
    entries = objects(content, str(path))
    return {"val": unique([_record(entry, f"{path}[{k}]") for k, entry in enumerate(entries)], path)}


def _record(entry: Mapping[str, Any], place: str) -> Record:
    photo = plain_name(entry.get("image"), place)
    answers: list[Any] = [each.get("answer") if isinstance(each, dict) else None for each in entry.get("answers") or []]
    # a blank answer is an annotator's answer, too: the official evaluation keeps it
    if not answers or not all(isinstance(each, str) for each in answers):
        raise DataError(f"{place}: answers must be a list of objects with an answer text: fetch the file again")
    answerable = entry.get("answerable")
    if answerable not in ANSWERABLE:
        raise DataError(f"{place}: answerable must be 0 or 1, got {answerable!r}: fetch the file of val, not of test")
    return Record(
        key=f"image-{photo}",
        photo=photo,
        image_id=photo,
        question=text(entry, "question", place),
        answers=answers,
        tags={"answerable": ANSWERABLE[answerable], "answer_type": text(entry, "answer_type", place)},
    )


SOURCE = TextSource(
    name="vizwiz/vqa",
    reader="vizwiz/1",
    published={"val": 4_319},
    files={"val": (("vizwiz/Annotations/val.json", "vizwiz/annotations/val.json", "vizwiz/val.json"),)},
    folders=("vizwiz/val", "images/vizwiz/val"),
    publisher="VizWiz val",
    parse=parse,
)
BENCHMARKS = [
    benchmark_of(
        SOURCE,
        "Gurari et al., VizWiz Grand Challenge: Answering Visual Questions from Blind People, CVPR 2018, "
        "arXiv:1802.08218. Licence: CC BY 4.0.",
        "vizwiz.org/tasks-and-datasets/vqa (Annotations.zip, val.zip)",
    )
]
