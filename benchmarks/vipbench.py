"""ViP-Bench in its official layout: 303 open questions about marked places, with the marks drawn or told.

    <root>/ViP-Bench/vip-bench-meta-data.json     {"v1_0": {image_source, image, question, answer, capability}, …}
    <root>/ViP-Bench/bbox/questions.jsonl         bbox/images/<image>     human/questions.jsonl     human/images/<image>
    <root>/ViP-Bench/source_image/<image_source>  and the marks of each, <its name>.json, as labelme writes them

Splits: `bbox` and `human` ask as the lines of questions.jsonl do ("… within the red rectangle?") on photos with drawn
marks, tight boxes or hand-made ones. `source` asks on the plain photos: `<obj1>` in a question of the meta file stands
for the shape of that label, which becomes a region (a rectangle a box, a polygon a mask, a point a point) and the word
`<region>`. A mention whose shape the marks lack stays as it is; their number stands in the notes.

An answer holds parts joined by `<AND>`, each with alternatives joined by `<OR>`. Samples keep the order of the meta
file. Count: 303 questions (the paper, and the published results of ViP-LLaVA, which hold one answer to each).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError, unknown
from benchmarks.files import parse_json, plain_name, read_bytes, read_json
from benchmarks.geometry import union_rle
from benchmarks.photos import sized
from benchmarks.regions import box, numbers, point
from benchmarks.schema import Benchmark, ImageRef, Origin, Region, Sample, Split, Truth
from benchmarks.text_source import text, whole

NAME = "vipbench"
FOLDERS = ("ViP-Bench", "vip-bench", "vipbench")
META = "vip-bench-meta-data.json"
PUBLISHED = 303
SPLITS = ("bbox", "human", "source")
CAPABILITIES = ("rec", "ocr", "know", "math", "rel", "lang")
MENTION = re.compile(r"<(obj\d*)>")


@dataclass(frozen=True, slots=True)
class RubricTarget(Truth):
    """What an open answer should hold.

    Attributes:
        parts: all of them belong into the answer; any one of a part's alternatives will do.
        capabilities: what it takes to answer: rec, ocr, know, math, rel, lang.
    """

    parts: tuple[tuple[str, ...], ...]
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One question of the meta file."""

    key: str
    image: str
    source: str
    question: str
    target: RubricTarget


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one way of marking.

    Raises:
        DataError: a file or photo is missing, or a record is broken.
        UnknownName: no such split.
    """
    if split not in SPLITS:
        raise unknown(f"split of {NAME}", split, SPLITS)
    folder = _folder(root)
    entries = _entries(folder / META)
    samples = _on_source(root, folder, entries) if split == "source" else _on_marked(root, folder, entries, split)
    unmet = sum(len(MENTION.findall(sample.question)) for sample in samples) if split == "source" else 0
    return Split(
        benchmark=NAME,
        name=split,
        origin=origin,
        expected=PUBLISHED if origin == "official" else None,
        fingerprint=_fingerprint(samples),
        samples=samples,
        notes=(f"{unmet} mentions of objects have no shape in source_image: kept as words",) if unmet else (),
    )


def found(root: Path) -> dict[str, int]:
    """Count the questions of the splits whose files are here.

    Raises:
        DataError: the meta file is missing or broken.
    """
    folder = _folder(root)
    count = len(_entries(folder / META))
    needed = {"bbox": "bbox/questions.jsonl", "human": "human/questions.jsonl", "source": "source_image"}
    return {split: count for split, place in needed.items() if (folder / place).exists()}


def files(root: Path) -> tuple[Path, ...]:
    """The meta file, and what each split needs."""
    folder = _folder(root)
    marked = (folder / split / part for split in ("bbox", "human") for part in ("questions.jsonl", "images"))
    return (folder / META, *marked, folder / "source_image")


def _folder(root: Path) -> Path:
    return next((root / name for name in FOLDERS if (root / name).is_dir()), root / FOLDERS[0])


def _entries(path: Path) -> list[_Entry]:
    content = read_json(path)
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path}: must be an object of questions: fetch the file again")
    return [_entry(key, record, path) for key, record in content.items()]


def _entry(key: str, record: Any, path: Path) -> _Entry:
    place = f"{path}: {key}"
    if not isinstance(record, dict):
        raise DataError(f"{place} must be an object: fetch the file again")
    named = record.get("capability")
    if not isinstance(named, list) or not named or not all(isinstance(each, str) for each in named):
        raise DataError(f"{place}: capability must be a list of names: fetch the file again")
    parts = [[each.strip() for each in part.split("<OR>")] for part in text(record, "answer", place).split("<AND>")]
    if not all(each for part in parts for each in part):
        raise DataError(f"{place}: a part of the answer is empty: fetch the file again")
    return _Entry(
        key=key,
        image=plain_name(record.get("image"), place),
        source=plain_name(record.get("image_source"), place),
        question=text(record, "question", place),
        target=RubricTarget(tuple(map(tuple, parts)), tuple(dict.fromkeys(named))),
    )


def _on_marked(root: Path, folder: Path, entries: Sequence[_Entry], split: str) -> tuple[Sample, ...]:
    asked = _questions(folder / split / "questions.jsonl")
    for entry in entries:
        if asked.get(entry.key, ("", ""))[0] != entry.image:
            raise DataError(
                f"{folder / split / 'questions.jsonl'} has no question {entry.key} about {entry.image}: "
                "fetch all files of one release"
            )
    place = f"{folder.relative_to(root).as_posix()}/{split}/images"
    photos = sized(root, (place,), [entry.image for entry in entries], "ViP-Bench")
    return tuple(_sample(split, entry, photos[entry.image], asked[entry.key][1], ()) for entry in entries)


def _questions(path: Path) -> dict[str, tuple[str, str]]:
    """Key of the meta file -> image, question."""
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(read_bytes(path).splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        record = parse_json(line, path)
        if not isinstance(record, dict):
            raise DataError(f"{place} must be an object: fetch the file again")
        key = f"v1_{whole(record, 'question_id', place)}"
        if key in found:
            raise DataError(f"{place}: question {key} comes twice: fetch the file again")
        found[key] = (text(record, "image", place), text(record, "text", place))
    return found


def _on_source(root: Path, folder: Path, entries: Sequence[_Entry]) -> tuple[Sample, ...]:
    place = f"{folder.relative_to(root).as_posix()}/source_image"
    photos = sized(root, (place,), [entry.source for entry in entries], "ViP-Bench")
    shapes = {name: _shapes(photo) for name, photo in photos.items()}
    samples = []
    for entry in entries:
        drawn = shapes[entry.source]
        regions = tuple(drawn[label] for label in MENTION.findall(entry.question) if label in drawn)
        question = MENTION.sub(partial(_mention, drawn), entry.question)
        samples.append(_sample("source", entry, photos[entry.source], question, regions))
    return tuple(samples)


def _mention(drawn: Mapping[str, Region], found: re.Match[str]) -> str:
    return "<region>" if found[1] in drawn else found[0]


def _shapes(photo: ImageRef) -> dict[str, Region]:
    """Label -> region of the marks of a photo; of several shapes with a label the first counts. No file, no marks."""
    path = photo.path.with_suffix(".json")
    if not path.exists():
        return {}
    content = read_json(path)
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list):
        raise DataError(f"{path}: shapes must be a list: fetch the file again")
    height, width = photo.size_hw
    if (content.get("imageHeight", height), content.get("imageWidth", width)) != (height, width):
        told = f"{content.get('imageWidth')}x{content.get('imageHeight')}"
        raise DataError(f"{path} is for a photo of {told}, {photo.path.name} is {width}x{height}: fetch both again")
    found: dict[str, Region] = {}
    for number, shape in enumerate(shapes):
        place = f"{path}: shapes[{number}]"
        if not isinstance(shape, dict):
            raise DataError(f"{place} must be an object: fetch the file again")
        found.setdefault(text(shape, "label", place), _region(shape, photo.size_hw, place))
    return found


def _region(shape: Mapping[str, Any], size_hw: tuple[int, int], place: str) -> Region:
    kind, points = shape.get("shape_type"), shape.get("points")
    if not isinstance(points, list) or not points:
        raise DataError(f"{place}: points must be a list, at least one: fetch the file again")
    corners = [numbers(each, 2, "a corner must be x, y", place) for each in points]
    if kind == "rectangle" and len(corners) == 2:
        (x1, y1), (x2, y2) = corners
        return box([min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)], size_hw, place)
    if kind == "point" and len(corners) == 1:
        return point(corners[0], size_hw, place)
    if kind == "polygon":
        try:
            return Region("mask", mask_rle=union_rle([[value for xy in corners for value in xy]], size_hw))
        except ValueError as error:
            raise DataError(f"{place}: {error}: fetch the file again") from None
    raise DataError(f"{place} is a {kind} of {len(corners)} points, no rectangle, polygon or point: fetch it again")


def _sample(split: str, entry: _Entry, photo: ImageRef, question: str, regions: tuple[Region, ...]) -> Sample:
    return Sample(
        id=f"{NAME}/{split}/question-{entry.key}",
        image=photo,
        image_id=entry.source,
        question=question,
        target=entry.target,
        tags={"capability": " ".join(sorted(entry.target.capabilities))},
        regions=regions,
    )


def _fingerprint(samples: Sequence[Sample]) -> str:
    """SHA-256 over ids, questions, marks and answers, in order."""
    digest = hashlib.sha256()
    for each in samples:
        truth = each.truth(RubricTarget)
        regions = [[r.kind, r.box_xyxy, r.points_xy, r.mask_rle and r.mask_rle["counts"]] for r in each.regions]
        digest.update(json.dumps([each.id, each.question, regions, truth.parts, truth.capabilities]).encode() + b"\n")
    return digest.hexdigest()


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=dict.fromkeys(SPLITS, PUBLISHED),
        open=open_split,
        files=files,
        card=(
            "Cai et al., Making Large Multimodal Models Understand Arbitrary Visual Prompts (ViP-LLaVA, ViP-Bench), "
            "CVPR 2024, arXiv:2312.00784. Licence: Apache 2.0; photos keep those of their sources."
        ),
        found=found,
        where="github.com/mu-cai/ViP-LLaVA (docs/Evaluation.md, ViP-Bench)",
    )
]
