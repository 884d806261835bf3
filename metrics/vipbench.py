"""Overlap of open answers with a rubric: how much of what an answer should hold is in it. A measure of our own.

Protocol vipbench_overlap/1. ViP-Bench is officially graded by a language model; this needs none, so it is no substitute
for the published scores and never mixed with them. An answer's score is the mean over the parts of the rubric of its
best alternative. A short alternative (up to four words, a number among them) is in the answer or it is not: its words
must stand there in a row, numbers are compared by value. Of a longer one the share of content words counts that the
answer has. Who lists everything is rewarded: read it beside the length of answers.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from metrics.base import Card, Metric, Row

CAPABILITIES = ("rec", "ocr", "know", "math", "rel", "lang")
SHORT = 4
_TOKEN = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+|[^\W_]+(?:'[^\W_]+)*")
_LIST = """
a an and are as at be been being but by can could did do does for from had has have he her his how i if in into is it
its may of on or our she so such than that the their them then there these they this those to was we were what when
where which while who will with would you your
"""
FUNCTION_WORDS = frozenset(_LIST.split())


def measure(answer: str | None, parts: Sequence[Sequence[str]], capabilities: Sequence[str]) -> Row:
    """Compare an answer with its rubric.

    Args:
        answer: None where there is no answer, which scores 0.
        parts: alternatives of every part.
        capabilities: names that the question belongs to; those that are none of `CAPABILITIES` count in the whole only.

    Returns:
        `score` in [0, 1], `missing`; for every capability `of_…` 1 where it belongs to it, and `score_…`, its share.
    """
    said = () if answer is None else tokens(answer)
    score = math.fsum(max(_overlap(said, tokens(each)) for each in part) for part in parts) / len(parts)
    row: Row = {"score": score, "missing": int(answer is None)}
    for name in CAPABILITIES:
        row |= {f"of_{name}": int(name in capabilities), f"score_{name}": score * (name in capabilities)}
    return row


@lru_cache(maxsize=1 << 14)
def tokens(text: str) -> tuple[str, ...]:
    """Cut a text into words in lower case and numbers by value: "-1.50" is "-1.5", "1,000" is "1000"."""
    return tuple(_number(each) if each[-1].isdigit() and not each[0].isalpha() else each for each in _words(text))


def _words(text: str) -> list[str]:
    return _TOKEN.findall(text.lower().replace("\u2212", "-").replace("\u2019", "'"))


def _number(word: str) -> str:
    try:
        return f"{float(word.replace(',', '')):.12g}"
    except ValueError:  # a word that begins with a digit: 3rd, 2x4
        return word


def _overlap(said: tuple[str, ...], wanted: tuple[str, ...]) -> float:
    if len(wanted) <= SHORT:
        starts = range(len(said) - len(wanted) + 1)
        return float(bool(wanted) and any(said[start : start + len(wanted)] == wanted for start in starts))
    content = {word for word in wanted if word not in FUNCTION_WORDS} or set(wanted)
    return len(content & set(said)) / len(content)


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Mean over all questions, and over those of each capability (NaN where there are none).

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("vipbench has no rows to aggregate: score at least one question")
    scores = {"overlap": math.fsum(row["score"] for row in rows) / len(rows)}
    for name in CAPABILITIES:
        count = sum(row[f"of_{name}"] for row in rows)
        whole = math.fsum(row[f"score_{name}"] for row in rows)
        scores[f"overlap_{name}"] = whole / count if count else math.nan
    return scores


CARD = Card(
    definition="mean over questions of the share of the rubric's parts that the answer holds",
    source="this project; the rubric is that of ViP-Bench (Cai et al. 2024), whose official judge is a language model",
    edge_rules=(
        "no official score: the run directory holds the file that the official judge takes",
        "parts are joined by <AND>, alternatives of a part by <OR>; the best alternative counts",
        "up to four words: all of them in a row, 1 or 0; numbers by value, -5 is not 5",
        "more than four words: share of the content words that the answer has, in any order",
        "no answer: 0, stays in the denominator",
        "a capability that no question belongs to has no score",
    ),
    keys={
        "overlap": "mean over all questions",
        **{f"overlap_{name}": f"mean over the questions of capability {name}" for name in CAPABILITIES},
    },
)
VIPBENCH = Metric(
    name="vipbench",
    kind="vipbench",
    protocol="vipbench_overlap/1",
    aggregate=aggregate,
    headline="overlap",
    card=CARD,
)
METRICS = [VIPBENCH]
