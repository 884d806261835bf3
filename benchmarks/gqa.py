"""GQA, balanced questions, in its official layout: one JSON object of questions a split, photos of Visual Genome.

    <root>/gqa/questions1.2/testdev_balanced_questions.json   val_balanced_questions.json    (or gqa/questions/, gqa/)
        {question id: {question, answer, imageId, types: {structural, semantic, …}, …}}
    <root>/gqa/images/<imageId>.jpg

Samples keep the order of the file. Counts: 12,578 and 132,062 questions, those of the released files; the same numbers
stand in public mirrors of the dataset (for example the card of Mineru/GQA on the Hugging Face hub).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import plain_name
from benchmarks.text_source import Record, TextSource, benchmark_of, text

FOLDERS = ("gqa/questions1.2", "gqa/questions", "gqa")
PUBLISHED = {"testdev_balanced": 12_578, "val_balanced": 132_062}


def parse(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read one file of questions; its name tells the split.

    Raises:
        DataError: it is no object of questions, or one lacks its text, answer or picture.
    """
    [content], [path] = contents, paths
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path}: must be an object of questions by id: fetch the file again")
    return {path.name.removesuffix("_questions.json"): [_record(*each, path) for each in content.items()]}


def _record(number: str, entry: Any, path: Path) -> Record:
    place = f"{path}: question {number}"
    if not isinstance(entry, dict):
        raise DataError(f"{place} must be an object: fetch the file again")
    image_id = text(entry, "imageId", place)
    types = entry.get("types") or {}
    if not isinstance(types, dict):
        raise DataError(f"{place}: types must be an object: fetch the file again")
    return Record(
        key=f"question-{number}",
        photo=plain_name(f"{image_id}.jpg", place),
        image_id=image_id,
        question=text(entry, "question", place),
        answers=[text(entry, "answer", place)],
        tags={key: str(types[key]) for key in ("structural", "semantic") if types.get(key)},
    )


SOURCE = TextSource(
    name="gqa/balanced",
    reader="gqa/1",
    published=PUBLISHED,
    files={split: (tuple(f"{folder}/{split}_questions.json" for folder in FOLDERS),) for split in PUBLISHED},
    folders=("gqa/images", "images/gqa"),
    publisher="GQA",
    parse=parse,
)
BENCHMARKS = [
    benchmark_of(
        SOURCE,
        "Hudson and Manning, GQA: A New Dataset for Real-World Visual Reasoning and Compositional Question Answering, "
        "CVPR 2019, arXiv:1902.09506. Licence: CC BY 4.0 (questions); photos of Visual Genome keep theirs.",
        "cs.stanford.edu/people/dorarad/gqa (questions1.2.zip, images.zip)",
    )
]
