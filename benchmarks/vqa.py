"""VQA v2 and OK-VQA in their official layout: a questions file, an annotations file, photos of COCO val2014.

    <root>/vqav2/v2_OpenEnded_mscoco_val2014_questions.json      v2_mscoco_val2014_annotations.json
    <root>/okvqa/OpenEnded_mscoco_val2014_questions.json         mscoco_val2014_annotations.json
    <root>/images/val2014/COCO_val2014_<12 digits>.jpg      (or images/mscoco/images/val2014/…)

Samples keep the order of the questions file. The truth is all annotators' answers, ten in the published files.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import collector_paused, parse_json, read_bytes
from benchmarks.photos import folder_of, sized
from benchmarks.schema import Benchmark, Sample, Split, TextTarget

READER = "vqa/1"
"""Part of every cache key: changes whenever the same files would yield another index."""
IMAGE_FOLDERS = ("images/val2014", "images/mscoco/images/val2014")
Index = list[tuple[int, int, str, str, list[str]]]
"""(question_id, image_id, question, answer_type, answers) of every question."""


@dataclass(frozen=True)
class Source:
    """Which files make a benchmark: folder under the root, what their names begin with, published number."""

    folder: str
    prefix: str
    published: int

    @property
    def name(self) -> str:
        """Name with partition, for example `vqav2/val2014`."""
        return f"{self.folder}/val2014"

    def questions(self, root: Path) -> Path:
        """The file of questions."""
        return root / self.folder / f"{self.prefix}OpenEnded_mscoco_val2014_questions.json"

    def annotations(self, root: Path) -> Path:
        """The file of answers."""
        return root / self.folder / f"{self.prefix}mscoco_val2014_annotations.json"


def open_split(source: Source, root: Path, split: str, origin: str) -> Split:
    """Open the split val, the only one whose answers are published.

    Raises:
        DataError: files or photos are missing, a record is broken, or a question has no answers.
        UnknownName: no such split.
    """
    if split != "val":
        raise unknown(f"split of {source.name}", split, ["val"])
    index = _index(source, root)
    names = {image_id: f"COCO_val2014_{image_id:012d}.jpg" for _, image_id, *_ in index}
    photos = sized(root, IMAGE_FOLDERS, names.values(), "COCO val2014")
    samples = tuple(
        Sample(
            id=f"{source.name}/val/question-{number}",
            image=photos[names[image_id]],
            image_id=str(image_id),
            question=text,
            target=TextTarget(tuple(answers)),
            tags={"answer_type": kind} if kind else {},
        )
        for number, image_id, text, kind, answers in index
    )
    return Split(
        benchmark=source.name,
        name=split,
        origin=cast(Literal["official", "sample"], origin),
        expected=source.published if origin == "official" else None,
        fingerprint=_fingerprint(source, index),
        samples=samples,
    )


def found(source: Source, root: Path) -> dict[str, int]:
    """Count the questions.

    Raises:
        DataError: a file is missing or broken.
    """
    return {"val": len(_index(source, root))}


def files(source: Source, root: Path) -> tuple[Path, ...]:
    """Files and folders of a benchmark, in reading order."""
    photos = folder_of(root, IMAGE_FOLDERS) or root / IMAGE_FOLDERS[0]
    return (source.questions(root), source.annotations(root), photos)


def _index(source: Source, root: Path) -> Index:
    paths = (source.questions(root), source.annotations(root))
    cached = index_cache.load(index_cache.key((READER, *(index_cache.digest_file(path) for path in paths))))
    if isinstance(cached, list):
        return cast(Index, cached)
    data = [read_bytes(path) for path in paths]
    with collector_paused():
        questions, annotations = (parse_json(each, path) for each, path in zip(data, paths, strict=True))
        index = _join(_records(questions, "questions", paths[0]), paths[0], _answers(annotations, paths[1]), paths[1])
    index_cache.store(index_cache.key((READER, *map(index_cache.digest_bytes, data))), index)
    return index


def _records(content: Any, key: str, path: Path) -> list[Any]:
    records = content.get(key) if isinstance(content, dict) else None
    if not isinstance(records, list) or not records:
        raise DataError(f"{path}: '{key}' must be a list with records: fetch the file again")
    return records


def _answers(content: Any, path: Path) -> dict[int, tuple[int, str, list[str]]]:
    """question_id -> (image_id, answer_type, answers)."""
    found: dict[int, tuple[int, str, list[str]]] = {}
    for place, record in enumerate(_records(content, "annotations", path)):
        number, image_id = _ids(record, f"{path}: annotations[{place}]")
        answers = record.get("answers")
        texts: list[Any] = [each.get("answer") if isinstance(each, dict) else None for each in answers or []]
        if not texts or not all(isinstance(text, str) for text in texts):
            raise DataError(f"{path}: question {number} needs answers, each with a text: fetch the file again")
        if number in found:
            raise DataError(f"{path}: question {number} is annotated twice: fetch the file again")
        found[number] = (image_id, str(record.get("answer_type", "")), texts)
    return found


def _join(
    questions: list[Any], path: Path, answers: Mapping[int, tuple[int, str, list[str]]], answers_path: Path
) -> Index:
    index: dict[int, tuple[int, int, str, str, list[str]]] = {}
    for place, record in enumerate(questions):
        number, image_id = _ids(record, f"{path}: questions[{place}]")
        text = record.get("question")
        if not isinstance(text, str) or number in index:
            raise DataError(f"{path}: question {number} comes twice or has no text: fetch the file again")
        if number not in answers or answers[number][0] != image_id:
            raise DataError(
                f"{answers_path}: question {number} of {path.name} has no answers for image {image_id}: "
                "fetch both files of one release"
            )
        index[number] = (number, image_id, text, *answers[number][1:])
    if extra := [number for number in answers if number not in index]:
        raise DataError(f"{path}: question {extra[0]} is annotated but not asked: fetch both files of one release")
    return list(index.values())


def _ids(record: Any, place: str) -> tuple[int, int]:
    number, image_id = (record.get(key) if isinstance(record, dict) else None for key in ("question_id", "image_id"))
    if type(number) is not int or type(image_id) is not int:
        raise DataError(f"{place} needs question_id and image_id (whole numbers): fetch the file again")
    return number, image_id


def _fingerprint(source: Source, index: Index) -> str:
    """SHA-256 over ids, questions and answers, in order."""
    digest = hashlib.sha256()
    for record in index:
        digest.update(json.dumps([source.name, *record]).encode() + b"\n")
    return digest.hexdigest()


def _benchmark(source: Source, card: str, where: str) -> Benchmark:
    return Benchmark(
        name=source.name,
        splits={"val": source.published},
        open=partial(open_split, source),
        files=partial(files, source),
        card=f"{card}. Licence: CC BY 4.0 (questions and answers); photos keep their Flickr licences.",
        found=partial(found, source),
        where=f"{where}; cocodataset.org (val2014 photos)",
    )


BENCHMARKS = [
    _benchmark(
        Source("vqav2", "v2_", 214_354),
        "Goyal et al., Making the V in VQA Matter, CVPR 2017, arXiv:1612.00837",
        "visualqa.org (v2 questions and annotations)",
    ),
    _benchmark(
        Source("okvqa", "", 5_046), "Marino et al., OK-VQA, CVPR 2019, arXiv:1906.00067", "okvqa.allenai.org (v1.1)"
    ),
]
