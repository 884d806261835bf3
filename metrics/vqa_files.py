"""Score VQA results `[{question_id, answer}]` against VQA v2, OK-VQA or TextVQA annotation files."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from metrics.base import Row, Scorer, ScoreReport
from metrics.errors import DataError
from metrics.json_files import load_json, objects
from metrics.options import choice
from metrics.vqa import CARD, Variant, aggregate, measure


@dataclass(frozen=True)
class Question:
    """One annotated question.

    Attributes:
        question_id: as in the file.
        annotators: their answers.
        identities: what else the file says of each answer; None where it holds plain texts.
        classes: names of its answer type and question type, for the tables per type.
    """

    question_id: int | str
    annotators: tuple[str, ...]
    identities: tuple[Hashable, ...] | None
    classes: tuple[str, ...]


def read_questions(path: Path) -> list[Question]:
    """Read annotations of VQA v2 or OK-VQA (`annotations`) or TextVQA (`data`).

    Raises:
        DataError: the file breaks the format, or a question occurs twice.
    """
    content = load_json(path)
    key = next((key for key in ("annotations", "data") if isinstance(content, dict) and key in content), "annotations")
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise DataError(f'{path} has no list "annotations" with questions: pass a VQA annotation file')
    questions = [_question(row, f"{path}: {key}[{i}]") for i, row in enumerate(objects(rows, path, key))]
    seen: set[int | str] = set()
    for question in questions:
        if question.question_id in seen:
            raise DataError(f"{path}: question {question.question_id!r} is annotated twice: keep one")
        seen.add(question.question_id)
    return questions


def read_answers(path: Path, id_key: str = "question_id", answer_key: str = "answer") -> dict[int | str, Any]:
    """Read a results file: question id -> answer as it stands.

    Raises:
        DataError: the file is no list of {question_id, answer}, or a question is answered twice.
    """
    content = load_json(path)
    if not isinstance(content, list):
        raise DataError(f"{path} must be a list [{{{id_key}, {answer_key}}}, …]: pass a results file")
    answers: dict[int | str, Any] = {}
    for number, row in enumerate(objects(content, path, "the list")):
        question_id: Any = row.get(id_key)
        if type(question_id) not in (int, str) or answer_key not in row:
            raise DataError(f"{path}: entry {number} needs {id_key} and {answer_key}: correct it")
        if question_id in answers:
            raise DataError(
                f"{path}: question {question_id!r} has two answers (the second is entry {number}): keep one"
            )
        answers[question_id] = row[answer_key]
    return answers


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a VQA results file.

    Raises:
        DataError: a file breaks its format, no question is answered, or an option cannot be used.
    """
    variant = cast(Variant, choice(options, "variant", ("official", "lavis", "textvqa"), "official"))
    questions, answers = read_questions(targets), read_answers(predictions)
    ids = [question.question_id for question in questions]
    texts = [answers.get(i) if isinstance(answers.get(i), str) else None for i in ids]
    rows = [
        measure(text, question.annotators, variant, question.identities)
        for text, question in zip(texts, questions, strict=True)
    ]
    return ScoreReport(
        metric="vqa",
        protocol=f"vqa/1 variant={variant}",
        n=len(rows),
        missing=sum(i not in answers for i in ids),
        malformed=sum(i in answers and text is None for i, text in zip(ids, texts, strict=True)),
        metrics=dict(aggregate(rows)),
        per_class=by_class(rows, [question.classes for question in questions]),
        notes=(*answer_notes(ids, answers, predictions, targets), *_data_notes(questions, targets)),
    )


def by_class(rows: Sequence[Row], classes: Sequence[Sequence[str]]) -> dict[str, dict[str, float | None]] | None:
    """Accuracy and number of questions of every class, in alphabetical order; None where there are no classes."""
    members: dict[str, list[float]] = {}
    for row, names in zip(rows, classes, strict=True):
        for name in names:
            members.setdefault(name, []).append(row["score"])
    return {
        name: {"accuracy": sum(own) / len(own), "n": float(len(own))} for name, own in sorted(members.items())
    } or None


def answer_notes(
    ids: Sequence[int | str], answers: Mapping[int | str, Any], predictions: Path, targets: Path
) -> list[str]:
    """Say which questions lack a usable answer and which answers belong to no question.

    Raises:
        DataError: no answer belongs to any question.
    """
    known = set(ids)
    extra = [i for i in answers if i not in known]
    if answers and len(extra) == len(answers):
        raise DataError(f"{predictions} answers no question of {targets.name} (first: {extra[0]!r}): check both files")
    missing = [i for i in ids if i not in answers]
    odd = [i for i in ids if i in answers and not isinstance(answers[i], str)]
    notes = []
    if missing:
        notes.append(f"{len(missing)} questions have no answer (first: {missing[0]!r}): they score 0")
    if odd:
        notes.append(f"{len(odd)} answers are no text (first: question {odd[0]!r}): they score 0")
    if extra:
        notes.append(f"{len(extra)} answered questions are not in {targets.name} (first: {extra[0]!r}): not scored")
    return notes


def _question(row: Mapping[str, Any], where: str) -> Question:
    question_id: Any = row.get("question_id")
    answers = row.get("answers")
    if type(question_id) not in (int, str) or not isinstance(answers, list) or not answers:
        raise DataError(f"{where} needs a question_id and a list of answers: correct it")
    classes = tuple(f"{key}: {row[key]}" for key in ("answer_type", "question_type") if isinstance(row.get(key), str))
    if all(isinstance(answer, str) for answer in answers):
        return Question(question_id, tuple(answers), None, classes)
    if not all(isinstance(answer, dict) and isinstance(answer.get("answer"), str) for answer in answers):
        raise DataError(f'{where} (question {question_id!r}): every answer must be a text or {{"answer": text}}')
    identities = tuple(repr(sorted((k, v) for k, v in answer.items() if k != "answer")) for answer in answers)
    return Question(question_id, tuple(answer["answer"] for answer in answers), identities, classes)


def _data_notes(questions: Sequence[Question], targets: Path) -> list[str]:
    notes = []
    odd = [question for question in questions if len(question.annotators) != 10]
    if odd:
        first = odd[0]
        notes.append(
            f"{len(odd)} questions of {targets.name} do not have 10 answers "
            f"(first: {first.question_id!r} has {len(first.annotators)})"
        )
    twins = [q for q in questions if q.identities is not None and len(set(q.identities)) < len(q.identities)]
    if twins:
        notes.append(
            f"{len(twins)} questions have answers that nothing tells apart (first: {twins[0].question_id!r}): equal "
            "ones are left out together, as in the official script"
        )
    return notes


SCORERS = [
    Scorer(
        name="vqa",
        score=score,
        targets="VQA v2 or OK-VQA annotations JSON, or a TextVQA JSON with answers",
        predictions="VQA results JSON: [{question_id, answer}, …]",
        card=CARD,
        options={
            "variant": "official (default): GT-Vision-Lab's script; lavis: the copy in LAVIS; textvqa: TextVQA's rules"
        },
    )
]
