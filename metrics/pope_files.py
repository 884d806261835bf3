"""Score POPE answers, JSON lines, against the official question files; a folder holds several of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from metrics.base import Row, Scorer, ScoreReport
from metrics.errors import DataError
from metrics.json_files import read_lines
from metrics.options import choice
from metrics.pope import CARD, Label, Parser, aggregate, measure


@dataclass(frozen=True)
class Scored:
    """One file of questions with its answers measured.

    Attributes:
        rows: one per question, in file order.
        malformed: answers that are no text.
        extra: answers that belong to no question.
        by_line: whether answers were joined by line.
    """

    rows: list[Row]
    malformed: int
    extra: int
    by_line: bool


def _records(path: Path, needed: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for where, row in read_lines(path):
        lacking = [key for key in needed if key not in row]
        if lacking:
            raise DataError(f'{where}: lacks "{lacking[0]}": every line needs {", ".join(needed)}')
        rows.append(row)
    if not rows:
        raise DataError(f"{path} is an empty list: write one JSON object per question")
    return rows


def score_file(targets: Path, predictions: Path, parser: Parser) -> Scored:
    """Measure the answers to one file of questions.

    Raises:
        DataError: a file breaks its format, an id occurs twice, or answers without ids do not fit line by line.
    """
    questions = _records(targets, ("text", "label"))
    answers = _records(predictions, ("answer",))
    for number, question in enumerate(questions, start=1):
        if question["label"] not in ("yes", "no"):
            raise DataError(f"{targets}: question {number} has label {question['label']!r}: it must be yes or no")
    by_line = not all("question_id" in row for row in (*questions, *answers))
    given = _by_line(targets, predictions, questions, answers) if by_line else _by_id(predictions, answers)
    keys = list(range(len(questions))) if by_line else list(_by_id(targets, questions))
    texts = [given.get(key, {}).get("answer") for key in keys]
    return Scored(
        rows=[
            measure(text if isinstance(text, str) else None, cast(Label, question["label"]), parser)
            for text, question in zip(texts, questions, strict=True)
        ],
        malformed=sum(key in given and not isinstance(text, str) for key, text in zip(keys, texts, strict=True)),
        extra=len(set(given) - set(keys)),
        by_line=by_line,
    )


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score POPE answers, of one file or of all files of a folder.

    Raises:
        DataError: a file breaks its format or an option cannot be used.
    """
    parser = cast(Parser, choice(options, "parser", ("official", "strict"), "official"))
    pairs = _pairs(targets, predictions)
    parts = {target.stem: score_file(target, prediction, parser) for target, prediction in pairs}
    scores = {name: aggregate(part.rows) for name, part in parts.items()}
    rows = [row for part in parts.values() for row in part.rows]
    malformed = sum(part.malformed for part in parts.values())
    return ScoreReport(
        metric="pope",
        protocol=f"pope/1 parser={parser}" + (f" mean of {len(parts)} files" if targets.is_dir() else ""),
        n=len(rows),
        missing=int(sum(row["missing"] for row in rows)) - malformed,
        malformed=malformed,
        metrics={key: sum(own[key] for own in scores.values()) / len(scores) for key in next(iter(scores.values()))},
        per_class=cast(dict[str, dict[str, float | None]], scores) if targets.is_dir() else None,
        notes=_notes(parts, rows, parser),
    )


def _pairs(targets: Path, predictions: Path) -> list[tuple[Path, Path]]:
    if not targets.is_dir():
        return [(targets, predictions)]
    files = sorted(path for path in targets.iterdir() if path.suffix in (".json", ".jsonl"))
    if not files:
        raise DataError(f"{targets} holds no .json or .jsonl files: put the question files there")
    pairs = []
    for target in files:
        named = [predictions / f"{target.stem}{suffix}" for suffix in (".json", ".jsonl")]
        found = [path for path in named if path.is_file()]
        if not found:
            raise DataError(f"{named[0]} is missing: answers to {target.name} go into a file of the same name")
        pairs.append((target, found[0]))
    return pairs


def _by_id(path: Path, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Mapping[str, Any]]:
    found: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        key = row["question_id"]
        if type(key) not in (int, str):
            raise DataError(f"{path}: question_id {key!r} is neither an integer nor a text: correct it")
        if key in found:
            raise DataError(f"{path}: question_id {key!r} occurs twice: keep one line")
        found[key] = row
    return found


def _by_line(
    targets: Path, predictions: Path, questions: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]
) -> dict[Any, Mapping[str, Any]]:
    if len(questions) != len(answers):
        raise DataError(
            f"{predictions} has {len(answers)} answers but {targets.name} {len(questions)} questions: "
            "give every line a question_id, or one line for each question"
        )
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True), start=1):
        asked = answer.get("question")
        if isinstance(asked, str) and str(question["text"]).strip().lower() not in asked.lower():
            raise DataError(
                f"{predictions}:{number}: answers {asked!r} but {targets.name} asks {question['text']!r} there: "
                "keep the order of the questions, or give every line a question_id"
            )
    return dict(enumerate(answers))


def _notes(parts: Mapping[str, Scored], rows: Sequence[Row], parser: Parser) -> tuple[str, ...]:
    unparsable = int(sum(row["unparsable"] for row in rows))
    how = "they count as wrong" if parser == "strict" else "the official parser guesses them"
    notes = [f"{unparsable} of {len(rows)} answers do not begin with yes or no: {how}"]
    missing = int(sum(row["missing"] for row in rows))
    if missing:
        notes.append(f"{missing} questions have no usable answer: they count as wrong")
    extra = sum(part.extra for part in parts.values())
    if extra:
        notes.append(f"{extra} answers belong to no question: not scored")
    if any(part.by_line for part in parts.values()):
        notes.append("answers without question_id were joined by line, as in the official script")
    return tuple(notes)


SCORERS = [
    Scorer(
        name="pope",
        score=score,
        targets="POPE questions, JSON lines [question_id, image, text, label], or a folder of such files",
        predictions="JSON lines [question_id or question, answer]; for a folder, files of the same names",
        card=CARD,
        options={"parser": "official (default) or strict: yes or no as the first word, else unparsable and wrong"},
    )
]
