"""Read referring expressions and their answers: `refer` style JSON with COCO instances, and answers as JSON lines.

Formats: refs.json / grefs.json hold the list of the official pickles of lichengunc/refer and henghuiding/gRefCOCO
(ref_id, ann_id, image_id, split, sentences with sent_id); instances.json is COCO. An answer names ref_id and sent_id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.coco_columns import column, unique
from metrics.errors import DataError
from metrics.json_files import load_json, objects, read_lines, records

Key = tuple[Any, ...]
NO_ANNOTATION = -1


@dataclass(frozen=True)
class Expression:
    """One sentence about an image.

    Attributes:
        key: (ref_id, sent_id).
        label: how to call it in an error: file and ids.
        split: official split of its reference.
        image_id: image that it speaks of.
        annotation_ids: what it refers to; empty where nothing matches.
    """

    key: Key
    label: str
    split: str
    image_id: Any
    annotation_ids: tuple[Any, ...]


@dataclass(frozen=True)
class References:
    """Expressions of a file in its order, with the instances they refer to.

    Attributes:
        path: the references.
        instances: the COCO file beside them.
        expressions: all splits.
        images: image id -> record.
        annotations: annotation id -> record.
    """

    path: Path
    instances: Path
    expressions: tuple[Expression, ...]
    images: Mapping[Any, Mapping[str, Any]]
    annotations: Mapping[Any, Mapping[str, Any]]

    def annotation(self, annotation_id: Any, key: str) -> Any:
        """Take one value of an annotation.

        Raises:
            DataError: the annotation lacks it.
        """
        record = self.annotations[annotation_id]
        if key not in record:
            raise DataError(f'{self.instances}: annotation {annotation_id!r} has no "{key}": add it')
        return record[key]

    def size_hw(self, image_id: Any) -> tuple[int, int]:
        """Return the size of an image in pixels.

        Raises:
            DataError: the image is not listed or has no positive size.
        """
        record = self.images.get(image_id, {})
        height, width = record.get("height"), record.get("width")
        if type(height) is not int or type(width) is not int or min(height, width) < 1:
            raise DataError(f"{self.instances}: image {image_id!r} has no positive integer height and width: add them")
        return height, width


@dataclass(frozen=True)
class Answer:
    """One record of a predictions file, and how to call it in an error."""

    where: str
    record: Mapping[str, Any]


def find_references(targets: Path) -> Path:
    """Find the one references file of a folder: refs*.json or grefs*.json.

    Raises:
        DataError: there is none, or several.
    """
    found = sorted([*targets.glob("refs*.json"), *targets.glob("grefs*.json")])
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(f"{targets} must hold one refs*.json or grefs*.json, found {names}: name the file itself")
    return found[0]


def read_references(path: Path, content: Any) -> References:
    """Read the content of a references file, with the instances.json beside it.

    Raises:
        DataError: a file is missing, breaks its format, or names what the other does not hold.
    """
    instances = path.parent / "instances.json"
    coco = load_json(instances)
    images = _by_id(records(coco, instances, "images"), instances, "image")
    annotations = _by_id(records(coco, instances, "annotations"), instances, "annotation")
    expressions = tuple(each for ref in refs_of(path, content) for each in _expressions(ref, path))
    if not expressions:
        raise DataError(f"{path} holds no expression: write at least one reference with sentences")
    _check_keys(expressions)
    for expression in expressions:
        _check_link(expression, annotations, instances)
    return References(path, instances, expressions, images, annotations)


def refs_of(path: Path, content: Any) -> list[dict[str, Any]]:
    """Check that a references file is a list of objects.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(content, list):
        raise DataError(f"{path} must be a JSON list of references or rows: write the list of the official file")
    return objects(content, path, "the list")


def _by_id(rows: list[dict[str, Any]], path: Path, what: str) -> dict[Any, dict[str, Any]]:
    ids = column(rows, "id", lambda i: f"{path}: {what} {i} of the list")
    unique(ids, path, what)
    return dict(zip(ids, rows, strict=True))


def _expressions(ref: Mapping[str, Any], path: Path) -> list[Expression]:
    """Spread one reference over its sentences."""
    where = f"{path}: reference {ref.get('ref_id')!r}"
    for key in ("ref_id", "ann_id", "image_id", "sentences"):
        if key not in ref:
            raise DataError(f'{where} has no "{key}": write references as the official file does')
    sentences = ref["sentences"]
    if not isinstance(sentences, list) or not all(isinstance(s, dict) and "sent_id" in s for s in sentences):
        raise DataError(f"{where}: its sentences must be a list of objects with sent_id: correct it")
    ids = ref["ann_id"] if isinstance(ref["ann_id"], list) else [ref["ann_id"]]
    # gRefCOCO marks "nothing matches" by the annotation -1, other writers by an empty list.
    named = tuple(each for each in ids if each != NO_ANNOTATION)
    if bool(ref.get("no_target", not named)) != (not named):
        raise DataError(f"{where}: no_target is {ref['no_target']!r} but ann_id is {ref['ann_id']!r}: correct one")
    return [
        Expression(
            key=_key(where, ref["ref_id"], sentence["sent_id"]),
            label=f"{where}, sentence {sentence['sent_id']!r}",
            split=str(ref.get("split", "")),
            image_id=ref["image_id"],
            annotation_ids=named,
        )
        for sentence in sentences
    ]


def _check_keys(expressions: Sequence[Expression]) -> None:
    seen: set[Key] = set()
    for expression in expressions:
        if expression.key in seen:
            raise DataError(f"{expression.label} is listed twice: give every sentence its own sent_id")
        seen.add(expression.key)


def _check_link(expression: Expression, annotations: Mapping[Any, Mapping[str, Any]], instances: Path) -> None:
    for annotation_id in expression.annotation_ids:
        record = annotations.get(annotation_id) if type(annotation_id) in (int, str) else None
        if record is None:
            raise DataError(f"{expression.label} names annotation {annotation_id!r}, which {instances} does not hold")
        if record.get("image_id") != expression.image_id:
            raise DataError(
                f"{expression.label} is about image {expression.image_id!r} but its annotation {annotation_id!r} of "
                f"{instances} lies on image {record.get('image_id')!r}: take both files from one release"
            )


def _key(where: str, *ids: Any) -> Key:
    if any(type(each) not in (int, str) for each in ids):
        raise DataError(f"{where}: its ids {', '.join(map(repr, ids))} must be integers or texts: correct them")
    return ids


def read_answers(path: Path) -> list[Answer]:
    """Read a predictions file: one JSON object per line, or a JSON list of objects.

    Raises:
        DataError: the file is missing, empty, or a line is no JSON object.
    """
    return [Answer(where, row) for where, row in read_lines(path)]


def join_answers(references: References, answers: Sequence[Answer]) -> dict[Key, Answer]:
    """Index answers by (ref_id, sent_id).

    Raises:
        DataError: an answer lacks an id, names an unknown expression, or repeats one.
    """
    known = {expression.key for expression in references.expressions}
    found: dict[Key, Answer] = {}
    for answer in answers:
        for name in ("ref_id", "sent_id"):
            if name not in answer.record:
                raise DataError(f'{answer.where} has no "{name}": name the reference and the sentence it answers')
        key = _key(answer.where, answer.record["ref_id"], answer.record["sent_id"])
        named = f"ref_id {key[0]!r} with sent_id {key[1]!r}"
        if key not in known:
            raise DataError(f"{answer.where} answers {named}, which {references.path} does not hold: remove it")
        if key in found:
            raise DataError(f"{answer.where} answers {named} again, after {found[key].where}: keep one")
        found[key] = answer
    return found


def choose_split(references: References, split: str) -> list[Expression]:
    """Select the expressions of one split, or of all.

    Raises:
        DataError: no expression has that split.
    """
    chosen = [each for each in references.expressions if split in ("all", each.split)]
    if not chosen:
        known = ", ".join(sorted({each.split for each in references.expressions}))
        raise DataError(f"option split={split}: {references.path} has no such split; choose all or one of {known}")
    return chosen


def protocol_name(base: str, options: Mapping[str, tuple[str, str]]) -> str:
    """Name the rules with every option, given as (value, default), that is not at its default."""
    return " ".join([base, *(f"{key}={value}" for key, (value, default) in options.items() if value != default)])
