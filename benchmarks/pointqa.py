"""PointQA in its official layout: questions about the place that a point marks, on photos of Visual Genome.

    <root>/pointqa/LookTwiceQA/looktwiceqa_dataset.json     looktwiceqa_test_imgs.json
    <root>/pointqa/LocalQA/localqa_dataset.json             localqa_testfinal_imgs.json
    (or pointingqa/Datasets/, as the repository has them); photos: see `benchmarks.visual_genome`

A dataset file maps image ids to lists of questions, and a split file lists image ids. LookTwice-QA asks for a number,
at three levels that are splits here: `test_general` ("How many of these are there?"), `test_super` ("… of these
vehicles …") and `test_object` ("How many cars are there?"). A Local-QA record asks one question of several objects;
each of its points is a sample with the answer of that point. A split keeps the order of its list of images.

Counts: 5,711 questions at each level of LookTwice-QA, the denominator of the test accuracies that users of ViP-LLaVA's
file publish (0.6342146734372264 = 3622/5711, 0.5846611801786027 = 3339/5711). For Local-QA's final test split no number
is published (1,837 images are listed): every listed image must have questions.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.text_source import Record, TextSource, benchmark_of, objects, text
from benchmarks.visual_genome import FOLDERS, photos

TOPS = ("pointqa", "pointingqa/Datasets")
LEVELS = {"test_general": "general_question", "test_super": "super_question", "test_object": "obj_question"}
LOOKTWICE_TEST = 5_711


def parse_looktwice(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read all three levels.

    Raises:
        DataError: a file has another form, an image has no questions, or a question lacks a field.
    """
    asked = list(_asked(contents, paths))
    return {split: [_looktwice(*each, key) for each in asked] for split, key in LEVELS.items()}


def parse_local(split: str, contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read every point of every question.

    Raises:
        DataError: see `parse_looktwice`.
    """
    return {split: [each for asked in _asked(contents, paths) for each in _local(*asked)]}


def _asked(contents: Sequence[Any], paths: Sequence[Path]) -> Iterator[tuple[str, int, Mapping[str, Any], str]]:
    """Yield (image id, number of the question, question, place) of the images of a split."""
    dataset, listed = contents
    if not isinstance(dataset, dict) or not dataset:
        raise DataError(f"{paths[0]}: must be an object of questions by image: fetch the file again")
    if not isinstance(listed, list) or not listed:
        raise DataError(f"{paths[1]}: must be a list of image ids: fetch the file again")
    names = [str(each) for each in listed]
    if len(set(names)) < len(names):
        raise DataError(f"{paths[1]}: an image is listed twice: fetch the file again")
    for image_id in names:
        place = f"{paths[0]}: image {image_id}"
        if not image_id.isascii() or not image_id.isdigit():
            raise DataError(f"{paths[1]}: {image_id!r} is no image id: fetch the file again")
        questions = dataset.get(image_id)
        if not isinstance(questions, list) or not questions:
            raise DataError(f"{place} of {paths[1].name} has no questions: fetch both files of one release")
        for number, question in enumerate(objects(questions, place)):
            yield image_id, number, question, f"{place}, question {number}"


def _looktwice(image_id: str, number: int, question: Mapping[str, Any], place: str, key: str) -> Record:
    point = question.get("point")
    return Record(
        key=f"question-{image_id}-{number}",
        photo=f"{image_id}.jpg",
        image_id=image_id,
        question=text(question, key, place),
        answers=[text(question, "ans", place)],
        point_xy=_point(point, place),
    )


def _local(image_id: str, number: int, question: Mapping[str, Any], place: str) -> Iterator[Record]:
    points = question.get("points")
    if not isinstance(points, list) or not points:
        raise DataError(f"{place}: points must be a list of points, at least one: fetch the file again")
    for part, point in enumerate(objects(points, place)):
        yield Record(
            key=f"question-{image_id}-{number}-{part}",
            photo=f"{image_id}.jpg",
            image_id=image_id,
            question=text(question, "question", place),
            answers=[text(point, "ans", place)],
            point_xy=_point(point, place),
        )


def _point(point: Any, place: str) -> list[float]:
    x, y = (point.get(axis) for axis in "xy") if isinstance(point, dict) else (None, None)
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        raise DataError(f"{place} needs a point with x and y (pixels): fetch the file again")
    return [x, y]


def _places(name: str) -> tuple[str, ...]:
    return tuple(f"{top}/{name}" for top in TOPS)


_CARD = (
    "Mani et al., Point and Ask: Incorporating Pointing into Visual Question Answering, arXiv:2011.13681. Licence: "
    "none stated for the questions; Visual Genome's annotations are CC BY 4.0, its photos keep their Flickr licences."
)
_WHERE = "github.com/princetonvisualai/pointingqa (Datasets); homes.cs.washington.edu/~ranjay/visualgenome (photos)"
_LOOKTWICE = tuple(_places(f"LookTwiceQA/looktwiceqa_{part}.json") for part in ("dataset", "test_imgs"))
_LOCAL = tuple(_places(f"LocalQA/localqa_{part}.json") for part in ("dataset", "testfinal_imgs"))
BENCHMARKS = [
    benchmark_of(
        TextSource(
            name="pointqa/looktwice",
            reader="pointqa_looktwice/1",
            published=dict.fromkeys(LEVELS, LOOKTWICE_TEST),
            files=dict.fromkeys(LEVELS, _LOOKTWICE),
            folders=FOLDERS,
            publisher="Visual Genome",
            parse=parse_looktwice,
            find=photos,
        ),
        _CARD,
        _WHERE,
    ),
    benchmark_of(
        TextSource(
            name="pointqa/local",
            reader="pointqa_local/1",
            published={"test_final": 0},
            files={"test_final": _LOCAL},
            folders=FOLDERS,
            publisher="Visual Genome",
            parse=partial(parse_local, "test_final"),
            find=photos,
        ),
        _CARD,
        _WHERE,
    ),
]
