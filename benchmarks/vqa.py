"""VQA v2 and OK-VQA in their official layout: a questions file, an annotations file, photos of COCO val2014.

    <root>/vqav2/v2_OpenEnded_mscoco_val2014_questions.json      v2_mscoco_val2014_annotations.json
    <root>/okvqa/OpenEnded_mscoco_val2014_questions.json         mscoco_val2014_annotations.json
    <root>/images/val2014/COCO_val2014_<12 digits>.jpg      (or images/mscoco/images/val2014/…)

Samples keep the order of the questions file. The truth is all annotators' answers, ten in the published files. Only val
has published answers. Counts: visualqa.org/download states 214,354 questions, the OK-VQA paper 5,046.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.karpathy import IMAGE_FOLDERS
from benchmarks.schema import Benchmark
from benchmarks.text_source import Record, TextSource, benchmark_of, listed, unique


def parse(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Join questions with their answers.

    Raises:
        DataError: a record is broken, a question comes twice, or the files do not hold the same questions.
    """
    questions, annotations = contents
    path, answers_path = paths
    answers = _answers(annotations, answers_path)
    records = []
    for place, record in enumerate(listed(questions, "questions", path)):
        number, image_id = _ids(record, f"{path}: questions[{place}]")
        text = record.get("question")
        if not isinstance(text, str):
            raise DataError(f"{path}: question {number} has no text: fetch the file again")
        if number not in answers or answers[number][0] != image_id:
            raise DataError(
                f"{answers_path}: question {number} of {path.name} has no answers for image {image_id}: "
                "fetch both files of one release"
            )
        _, kind, texts = answers[number]
        photo = f"COCO_val2014_{image_id:012d}.jpg"
        tags = {"answer_type": kind} if kind else {}
        records.append(Record(f"question-{number}", photo, str(image_id), text, texts, tags))
    asked = {record.key for record in unique(records, path)}
    if extra := [number for number in answers if f"question-{number}" not in asked]:
        raise DataError(f"{path}: question {extra[0]} is annotated but not asked: fetch both files of one release")
    return {"val": records}


def _answers(content: Any, path: Path) -> dict[int, tuple[int, str, list[str]]]:
    """question_id -> (image_id, answer_type, answers)."""
    found: dict[int, tuple[int, str, list[str]]] = {}
    for place, record in enumerate(listed(content, "annotations", path)):
        number, image_id = _ids(record, f"{path}: annotations[{place}]")
        answers = record.get("answers")
        texts: list[Any] = [each.get("answer") if isinstance(each, dict) else None for each in answers or []]
        if not texts or not all(isinstance(text, str) for text in texts):
            raise DataError(f"{path}: question {number} needs answers, each with a text: fetch the file again")
        if number in found:
            raise DataError(f"{path}: question {number} is annotated twice: fetch the file again")
        found[number] = (image_id, str(record.get("answer_type", "")), texts)
    return found


def _ids(record: Mapping[str, Any], place: str) -> tuple[int, int]:
    number, image_id = record.get("question_id"), record.get("image_id")
    if type(number) is not int or type(image_id) is not int:
        raise DataError(f"{place} needs question_id and image_id (whole numbers): fetch the file again")
    return number, image_id


def _benchmark(folder: str, prefix: str, published: int, card: str, where: str) -> Benchmark:
    names = (f"{prefix}OpenEnded_mscoco_val2014_questions.json", f"{prefix}mscoco_val2014_annotations.json")
    source = TextSource(
        name=f"{folder}/val2014",
        reader="vqa/2",
        published={"val": published},
        files={"val": tuple((f"{folder}/{name}",) for name in names)},
        folders=IMAGE_FOLDERS,
        publisher="COCO val2014",
        parse=parse,
    )
    licence = "Licence: CC BY 4.0 (questions and answers); photos keep their Flickr licences."
    return benchmark_of(source, f"{card}. {licence}", f"{where}; cocodataset.org (val2014 photos)")


BENCHMARKS = [
    _benchmark(
        "vqav2",
        "v2_",
        214_354,
        "Goyal et al., Making the V in VQA Matter, CVPR 2017, arXiv:1612.00837",
        "visualqa.org (v2 questions and annotations)",
    ),
    _benchmark(
        "okvqa",
        "",
        5_046,
        "Marino et al., OK-VQA, CVPR 2019, arXiv:1906.00067",
        "okvqa.allenai.org (v1.1)",
    ),
]
