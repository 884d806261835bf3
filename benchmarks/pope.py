"""POPE in its official layout: JSON lines {question_id, image, text, label}, one file a split, over COCO val2014.

    <root>/pope/coco_pope_random.json   coco_pope_popular.json   coco_pope_adversarial.json
    <root>/images/val2014/COCO_val2014_<12 digits>.jpg  or  <root>/images/mscoco/images/val2014/…

Samples keep the order of the file. "label" is yes or no; the question's object is absent where it is no.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError, unknown
from benchmarks.files import parse_json, plain_name, read_bytes
from benchmarks.photos import folder_of, sized
from benchmarks.schema import Benchmark, Origin, Sample, Split, TextTarget
from benchmarks.splits import build_split

NAME = "pope/coco"
FOLDER = "pope"
IMAGE_FOLDERS = ("images/val2014", "images/mscoco/images/val2014")
SPLITS: Mapping[str, int] = {"random": 3_000, "popular": 3_000, "adversarial": 3_000}


@dataclass(frozen=True)
class Question:
    """One line of a split's file."""

    number: int
    image: str
    text: str
    label: str


def path_of(root: Path, split: str) -> Path:
    """The file of a split."""
    return root / FOLDER / f"coco_pope_{split}.json"


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Args:
        root: data root.
        split: random, popular or adversarial.
        origin: "official" or "sample".

    Raises:
        DataError: the file or photos are missing, or a line is broken.
        UnknownName: no such split.
    """
    if split not in SPLITS:
        raise unknown(f"split of {NAME}", split, SPLITS)
    questions = read_questions(path_of(root, split))
    photos = sized(root, IMAGE_FOLDERS, (question.image for question in questions), "COCO val2014")
    samples = (
        Sample(
            id=f"{NAME}/{split}/question-{question.number}",
            image=photos[question.image],
            image_id=question.image,
            question=question.text,
            target=TextTarget((question.label,)),
            tags={"label": question.label},
        )
        for question in questions
    )
    facts = ([each.number, each.image, each.text, each.label] for each in questions)
    return build_split(NAME, split, origin, SPLITS[split], samples, facts)


def read_questions(path: Path) -> list[Question]:
    """Read a file of questions; empty lines are skipped.

    Raises:
        DataError: the file is missing or empty, a line is broken, or a question_id comes twice.
    """
    found: dict[int, Question] = {}
    for number, line in enumerate(read_bytes(path).split(b"\n"), start=1):
        if line.strip():
            question = _question(parse_json(line, path), f"{path}:{number}")
            if question.number in found:
                raise DataError(f"{path}:{number}: question_id {question.number} comes twice: fetch the file again")
            found[question.number] = question
    if not found:
        raise DataError(f"{path} holds no question: fetch the file again")
    return list(found.values())


def found(root: Path) -> dict[str, int]:
    """Count the questions of the splits whose files are there.

    Raises:
        DataError: the root is missing or none of the files is there.
    """
    counts = {split: len(read_questions(path)) for split in SPLITS if (path := path_of(root, split)).is_file()}
    if not counts:
        raise DataError(f"{path_of(root, 'random')} is missing: put the files of POPE's output/coco folder there")
    return counts


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders that POPE needs, in reading order."""
    photos = folder_of(root, IMAGE_FOLDERS) or root / IMAGE_FOLDERS[0]
    return (*(path_of(root, split) for split in SPLITS), photos)


def _question(content: Any, place: str) -> Question:
    if not isinstance(content, dict):
        raise DataError(f"{place}: a line must be a JSON object: fetch the file again")
    number, text, label = (content.get(key) for key in ("question_id", "text", "label"))
    if type(number) is not int or not isinstance(text, str) or label not in ("yes", "no"):
        raise DataError(
            f"{place}: needs question_id (a whole number), image, text and label (yes or no), got {content!r}: "
            "fetch the file again"
        )
    return Question(number, plain_name(content.get("image"), place), text, str(label))


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=SPLITS,
        open=open_split,
        files=files,
        card="Li et al., Evaluating Object Hallucination in Large Vision-Language Models, EMNLP 2023, "
        "arXiv:2305.10355. Licence: MIT (questions); photos keep their Flickr licences.",
        found=found,
        where="github.com/RUCAIBox/POPE (output/coco); cocodataset.org (val2014 photos)",
    )
]
