"""VQA accuracy: how many of ten annotators gave the answer, as the official scripts and as LAVIS count.

Protocol vqa/1. Variant "official" is GT-Vision-Lab's: both sides are normalised, but only where the annotators'
strings differ. Variant "lavis" always normalises the answer and only removes punctuation from the annotators'.
Variant "textvqa" is the evaluator of TextVQA (M4C): both sides always, after commas and question marks are dropped and
"'s" is split off. Variant "vizwiz" is that of the VizWiz challenge: the answer always, the annotators' never.
"""

from collections.abc import Hashable, Sequence
from typing import Literal

from metrics.base import Card, Metric, Row
from metrics.vqa_normalise import punctuation, strip, words

Variant = Literal["official", "lavis", "textvqa", "vizwiz"]
ENOUGH = 3


def measure(
    answer: str | None,
    annotators: Sequence[str],
    variant: Variant = "official",
    identities: Sequence[Hashable] | None = None,
) -> Row:
    """Compare an answer with those of the annotators.

    Args:
        answer: what the model said; None where there is no answer, which scores 0.
        annotators: their answers, ten in VQA v2; at least one.
        variant: whose rules.
        identities: what else tells the annotators apart (answer_id); the official script leaves out everybody whose
            answer and identity both equal those of the one it leaves out. None means all differ.

    Returns:
        `score` in [0, 1], the mean over annotators of min(matches among the others / 3, 1); `missing`.
    """
    if answer is None:
        return {"score": 0.0, "missing": 1}
    given, theirs = _normalise(answer, annotators, variant)
    agreeing = [i for i, text in enumerate(theirs) if text == given]
    keys = [i if identities is None else identities[i] for i in agreeing]
    alone = [len(agreeing) - keys.count(key) for key in keys]
    total = sum(min(others / ENOUGH, 1.0) for others in alone)
    total += (len(theirs) - len(agreeing)) * min(len(agreeing) / ENOUGH, 1.0)
    return {"score": total / len(theirs), "missing": 0}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Mean score over questions, a fraction; the official script prints round(100 x, 2).

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("vqa has no rows to aggregate: score at least one question")
    return {"accuracy": sum(row["score"] for row in rows) / len(rows)}


def _normalise(answer: str, annotators: Sequence[str], variant: Variant) -> tuple[str, list[str]]:
    given, theirs = strip(answer), list(annotators)
    if variant == "textvqa":
        return _normalise_textvqa(answer), [_normalise_textvqa(text) for text in theirs]
    if variant == "vizwiz":
        return words(punctuation(given)), theirs
    if variant == "lavis":
        given = words(punctuation(given))
        return given, [punctuation(text) for text in theirs] if len(set(theirs)) > 1 else theirs
    theirs = [strip(text) for text in theirs]
    if len(set(theirs)) == 1:
        return given, theirs
    return words(punctuation(given)), [words(punctuation(text)) for text in theirs]


def _normalise_textvqa(text: str) -> str:
    split = text.lower().replace(",", "").replace("?", "").replace("'s", " 's")
    return words(punctuation(strip(split)))


_EDGE_RULES = (
    "unit: one question",
    "no answer, or one that is no text: 0, stays in the denominator, counted",
    "score of a question: mean over annotators of min(matches among the other ones / 3, 1)",
    "newlines and tabs become spaces, ends are stripped",
    "official: where all annotators wrote the same string nothing is normalised, not even case: 'Yes' misses 'yes'",
    "official: otherwise punctuation goes, case is lowered, numbers up to ten become digits ('none' becomes 0), "
    "articles are dropped and contractions mended, on both sides",
    "a mark is deleted if it touches a space anywhere or the text has a comma between digits, else it becomes a space",
    "at most 32 periods are removed, as in the official script",
    "lavis: the answer is always normalised, annotators' answers only lose punctuation and only where they differ",
    "textvqa: both sides are always normalised, after lower-casing, dropping commas and question marks, and setting a "
    "space before 's; otherwise as official",
    "vizwiz: the answer is always normalised, annotators' answers stay as they are in the file; 'unanswerable' is an "
    "answer like any other",
    "OK-VQA: its files hold each of five annotators twice, so one agreeing annotator gives 0.6",
    "values are not rounded; the official script prints percent with two decimals",
)
_KEYS = {"accuracy": "mean score over questions, in [0, 1]"}
CARD = Card(
    definition="share of annotators who gave the answer, three or more counting as all",
    source="GT-Vision-Lab/VQA vqaEval.py (Antol et al. 2015, Goyal et al. 2017); LAVIS vqa_tools, "
    "MMF m4c_evaluators (TextVQA) and the VizWiz challenge's VQAEval for the variants",
    edge_rules=_EDGE_RULES,
    keys=_KEYS,
)
VQA = Metric(name="vqa", kind="vqa", protocol="vqa/1", aggregate=aggregate, headline="accuracy", card=CARD)


def _variant(name: Variant) -> Metric:
    protocol = f"vqa/1 variant={name}"
    return Metric(
        name=f"vqa_{name}", kind="vqa", protocol=protocol, aggregate=aggregate, headline="accuracy", card=CARD
    )


VQA_LAVIS, VQA_TEXTVQA, VQA_VIZWIZ = _variant("lavis"), _variant("textvqa"), _variant("vizwiz")
METRICS = [VQA, VQA_LAVIS, VQA_TEXTVQA, VQA_VIZWIZ]
