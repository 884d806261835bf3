"""GQA accuracy: does the answer equal the one in the data?

Protocol gqa/1. "exact" compares texts as they are, like the official script; "llava" lowers the case of the answer and
drops a final period first; "lmms" ignores case and punctuation on both sides, like lmms-eval.
"""

import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from metrics.base import Card, Metric, Row, Scorer, ScoreReport
from metrics.errors import DataError
from metrics.json_files import load_json
from metrics.options import choice
from metrics.vqa_files import answer_notes, by_class, read_answers

Match = Literal["exact", "llava", "lmms"]
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def measure(answer: str | None, target: str, match: Match = "exact") -> Row:
    """Compare an answer with the true one.

    Args:
        answer: None where there is no answer, which is wrong.
        target: as in the data.
        match: what is ignored.

    Returns:
        `score` 0 or 1; `missing`.
    """
    if answer is None:
        return {"score": 0, "missing": 1}
    if match == "llava":
        answer = answer.rstrip(".").lower()
    if match == "lmms":
        answer, target = (" ".join(text.lower().translate(_NO_PUNCTUATION).split()) for text in (answer, target))
    return {"score": int(answer == target), "missing": 0}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Share of right answers.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("gqa has no rows to aggregate: score at least one question")
    return {"accuracy": sum(row["score"] for row in rows) / len(rows)}


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score GQA answers.

    Raises:
        DataError: a file breaks its format, no question is answered, or an option cannot be used.
    """
    match = cast(Match, choice(options, "match", ("exact", "llava", "lmms"), "exact"))
    questions = _questions(targets)
    answers: dict[int | str, Any] = {
        str(key): value for key, value in read_answers(predictions, "questionId", "prediction").items()
    }
    texts = [answers.get(i) if isinstance(answers.get(i), str) else None for i in questions]
    rows = [measure(text, entry["answer"], match) for text, entry in zip(texts, questions.values(), strict=True)]
    return ScoreReport(
        metric="gqa",
        protocol=f"gqa/1 match={match}",
        n=len(rows),
        missing=sum(i not in answers for i in questions),
        malformed=sum(i in answers and text is None for i, text in zip(questions, texts, strict=True)),
        metrics=dict(aggregate(rows)),
        per_class=by_class(rows, [_classes(entry) for entry in questions.values()]),
        notes=tuple(answer_notes(list(questions), answers, predictions, targets)),
    )


def _questions(path: Path) -> dict[str, Mapping[str, Any]]:
    content = load_json(path)
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path} must be an object question id -> question: pass a GQA questions JSON")
    for key, entry in content.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("answer"), str):
            raise DataError(f"{path}: question {key!r} has no answer text: pass questions with answers (val, testdev)")
    return content


def _classes(entry: Mapping[str, Any]) -> list[str]:
    types = entry.get("types")
    if not isinstance(types, dict):
        return []
    structural, semantic = types.get("structural"), types.get("semantic")
    classes = [f"semantic: {semantic}"] if isinstance(semantic, str) else []
    if isinstance(structural, str):
        classes += [f"structural: {structural}", "open" if structural == "query" else "binary"]
    return classes


CARD = Card(
    definition="share of questions whose answer equals the true one",
    source="GQA (Hudson and Manning 2019) eval.py; LLaVA convert_gqa_for_eval.py and lmms-eval for the variants",
    edge_rules=(
        "unit: one question",
        "exact: texts must be equal, with case and punctuation",
        "llava: final periods dropped and case lowered in the answer; lmms: case and punctuation ignored on both sides",
        "no answer, or one that is no text: wrong, stays in the denominator, counted",
        "consistency, validity, plausibility and distribution of the official script are not computed",
    ),
    keys={"accuracy": "share of right answers, in [0, 1]"},
)
GQA = Metric(name="gqa", kind="gqa", protocol="gqa/1", aggregate=aggregate, headline="accuracy", card=CARD)
METRICS = [GQA]
SCORERS = [
    Scorer(
        name="gqa",
        score=score,
        targets="GQA questions JSON with answers: question id -> {answer, types}",
        predictions="[{questionId, prediction}, …], the form of the official script",
        card=CARD,
        options={"match": "exact (default), llava or lmms: what is ignored when texts are compared"},
    )
]
