"""Visual7W, pointing questions, in its official layout: "Which …?", to be answered by one of four boxes.

    <root>/visual7w/dataset_v7w_pointing.json     (or dataset.json, as the toolkit's script names it)
        {boxes: [{box_id, name, x, y, width, height}, …],
         images: [{image_id, filename, split, qa_pairs: [{qa_id, question, answer, multiple_choices}, …]}, …]}
    <root>/visual7w/images/v7w_<image_id>.jpg

`answer` is the id of the right box, `multiple_choices` those of three others; boxes may reach beyond the photo by some
pixels and stay so. The file tells no order of the four and the toolkit draws one by chance; here they are ordered by
the SHA-256 of "<qa_id>/<box_id>", so the right one is anywhere and always in the same place. Samples keep the order of
the file. Counts: 57,265 questions of the test split (12-in-1, arXiv:1912.02315, table of data sets).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import parse_json, plain_name, read_bytes
from benchmarks.photos import folder_of, sized
from benchmarks.regions import box
from benchmarks.schema import Benchmark, Box, ImageRef, Origin, Sample, Split, Truth
from benchmarks.text_source import listed, objects, text, whole

READER = "visual7w/1"
NAME = "visual7w/pointing"
TOPS = ("visual7w", "visual7w-pointing")
PLACES = tuple(f"{top}/{name}.json" for top in TOPS for name in ("dataset_v7w_pointing", "dataset"))
FOLDERS = tuple(f"{top}/images" for top in TOPS)
SPLITS = {"test": 57_265}
CANDIDATES = 4


@dataclass(frozen=True, slots=True)
class CandidateTarget(Truth):
    """Which of the regions of a sample is the answer.

    Attributes:
        boxes_xyxy: of the candidates, in the order of the regions; pixels.
        ids: theirs in the file.
        right: place of the answer among them.
    """

    boxes_xyxy: tuple[Box, ...]
    ids: tuple[int, ...]
    right: int


@dataclass(frozen=True, slots=True)
class _Question:
    """One question, ready for the index cache: candidates are [id, x1, y1, x2, y2] in their order."""

    number: int
    image_id: int
    photo: str
    question: str
    candidates: Sequence[Sequence[float]]
    right: int

    def row(self) -> list[Any]:
        """Its fields in order, for JSON."""
        return [self.number, self.image_id, self.photo, self.question, self.candidates, self.right]


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the test split.

    Raises:
        DataError: the file or a photo is missing, or a record is broken.
        UnknownName: no such split.
    """
    if split not in SPLITS:
        raise unknown(f"split of {NAME}", split, SPLITS)
    questions = _index(root, split)
    if not questions:
        raise DataError(f"{_path(root)}: holds no question of split {split}: fetch the whole file")
    photos = sized(root, FOLDERS, (each.photo for each in questions), "Visual7W")
    flat = sum(x1 == x2 or y1 == y2 for each in questions for _, x1, y1, x2, y2 in each.candidates)
    return Split(
        benchmark=NAME,
        name=split,
        origin=origin,
        expected=SPLITS[split] if origin == "official" else None,
        fingerprint=_fingerprint(split, questions),
        samples=tuple(_sample(split, each, photos[each.photo]) for each in questions),
        notes=(f"{flat} candidate boxes have no area: kept as annotated",) if flat else (),
    )


def found(root: Path) -> dict[str, int]:
    """Count the questions of the test split.

    Raises:
        DataError: the file is missing or broken.
    """
    return {split: len(_index(root, split)) for split in SPLITS}


def files(root: Path) -> tuple[Path, ...]:
    """The file of questions and the folder of photos."""
    return (_path(root), folder_of(root, FOLDERS) or root / FOLDERS[0])


def _path(root: Path) -> Path:
    return next((root / place for place in PLACES if (root / place).is_file()), root / PLACES[0])


def _sample(split: str, asked: _Question, photo: ImageRef) -> Sample:
    place = f"{NAME} question {asked.number}"
    regions = tuple(box(xyxy, photo.size_hw, place) for _, *xyxy in asked.candidates)
    boxes = tuple(region.box_xyxy for region in regions if region.box_xyxy is not None)
    return Sample(
        id=f"{NAME}/{split}/question-{asked.number}",
        image=photo,
        image_id=str(asked.image_id),
        question=asked.question,
        target=CandidateTarget(boxes, tuple(int(number) for number, *_ in asked.candidates), asked.right),
        regions=regions,
    )


def _index(root: Path, split: str) -> list[_Question]:
    path = _path(root)
    cached = index_cache.load(index_cache.key((READER, split, index_cache.digest_file(path))))
    if isinstance(cached, list):
        return [_Question(*row) for row in cached]
    data = read_bytes(path)
    questions = _parse(parse_json(data, path), path, split)
    entry = index_cache.key((READER, split, index_cache.digest_bytes(data)))
    index_cache.store(entry, [each.row() for each in questions])
    return questions


def _parse(content: Any, path: Path, split: str) -> list[_Question]:
    boxes = _boxes(listed(content, "boxes", path), path)
    questions: dict[int, _Question] = {}
    for record in listed(content, "images", path):
        if record.get("split") != split:
            continue
        image_id = whole(record, "image_id", f"{path}: images")
        place = f"{path}: image {image_id}"
        photo, asked = plain_name(record.get("filename"), place), record.get("qa_pairs")
        if not isinstance(asked, list):
            raise DataError(f"{place}: qa_pairs must be a list: fetch the file again")
        for pair in objects(asked, place):
            number = whole(pair, "qa_id", place)
            if number in questions:
                raise DataError(f"{path}: question {number} comes twice: fetch the file again")
            at = f"{path}: question {number}"
            candidates, right = _candidates(pair, number, boxes, at)
            questions[number] = _Question(number, image_id, photo, text(pair, "question", at), candidates, right)
    return list(questions.values())


def _boxes(records: Sequence[Mapping[str, Any]], path: Path) -> dict[int, list[float]]:
    """Box id -> xyxy."""
    boxes: dict[int, list[float]] = {}
    for record in records:
        number = whole(record, "box_id", f"{path}: boxes")
        x, y, width, height = (record.get(key) for key in ("x", "y", "width", "height"))
        sides = [side for side in (x, y, width, height) if isinstance(side, int | float)]
        if len(sides) < 4 or number in boxes:
            raise DataError(f"{path}: box {number} comes twice or lacks x, y, width or height: fetch the file again")
        boxes[number] = [sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3]]
    return boxes


def _candidates(
    pair: Mapping[str, Any], number: int, boxes: Mapping[int, list[float]], place: str
) -> tuple[list[list[float]], int]:
    """The four candidates in their order, and the place of the right one."""
    answer, others = whole(pair, "answer", place), pair.get("multiple_choices")
    ids = [answer, *(others if isinstance(others, list) else [])]
    if len(ids) != CANDIDATES or len(set(map(str, ids))) != CANDIDATES:
        raise DataError(f"{place} has {len(set(map(str, ids)))} candidates, not {CANDIDATES}: fetch the file again")
    if missing := [each for each in ids if type(each) is not int or each not in boxes]:
        raise DataError(f"{place}: there is no box {missing[0]!r}: fetch the file again")
    ids.sort(key=lambda each: hashlib.sha256(f"{number}/{each}".encode()).digest())
    return [[each, *boxes[each]] for each in ids], ids.index(answer)


def _fingerprint(split: str, questions: Sequence[_Question]) -> str:
    """SHA-256 over ids, questions, candidates and answers, in order."""
    digest = hashlib.sha256()
    for each in questions:
        digest.update(json.dumps([NAME, split, *each.row()]).encode() + b"\n")
    return digest.hexdigest()


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=SPLITS,
        open=open_split,
        files=files,
        card=(
            "Zhu et al., Visual7W: Grounded Question Answering in Images, CVPR 2016, arXiv:1511.03416. Licence: MIT "
            "for the toolkit, none stated for the questions; photos are of COCO and keep their Flickr licences."
        ),
        found=found,
        where="ai.stanford.edu/~yukez/visual7w (dataset_v7w_pointing.zip, visual7w_images.zip)",
    )
]
