"""POPE: does a model say yes to objects that are not there? Accuracy, precision, recall and F1 of "yes".

Protocol pope/1. Parser "official" is the one of RUCAIBox/POPE, which takes anything but no, No or not for yes. Parser
"strict" wants yes or no as the first word; everything else is unparsable and counts as the wrong answer.
"""

import re
from collections.abc import Sequence
from typing import Literal

from metrics.base import Card, Metric, Row

Parser = Literal["official", "strict"]
Label = Literal["yes", "no"]
_FIRST_WORD = re.compile(r"\W*(yes|no)(?![\w'’])", re.IGNORECASE)
_NEGATIONS = frozenset(["No", "not", "no"])


def parse_official(text: str) -> Label:
    """Read an answer as the official script does: "no" if a negation is a word of the first sentence, else "yes"."""
    words = text.split(".")[0].replace(",", "").split(" ")
    return "no" if _NEGATIONS.intersection(words) else "yes"


def parse_strict(text: str) -> Label | None:
    """Read an answer whose first word is yes or no in any case; None for all others."""
    found = _FIRST_WORD.match(text)
    if not found:
        return None
    return "yes" if found[1].lower() == "yes" else "no"


def measure(answer: str | None, label: Label, parser: Parser = "official") -> Row:
    """Compare an answer with the label.

    Args:
        answer: what the model said; None where there is no answer, which counts as the wrong one.
        label: "yes" where the object is in the image.
        parser: how the answer is read.

    Returns:
        One of `tp`, `fp`, `tn`, `fn` is 1. `yes` is 1 where the answer was read as yes; `unparsable` is 1 where the
        strict parser cannot read it, whichever parser counts; `missing`.
    """
    strict = parse_strict(answer) if answer is not None else None
    said = parse_official(answer) if answer is not None and parser == "official" else strict
    right = said == label
    return {
        "tp": int(right and label == "yes"),
        "fp": int(not right and label == "no"),
        "tn": int(right and label == "no"),
        "fn": int(not right and label == "yes"),
        "yes": int(said == "yes"),
        "unparsable": int(answer is not None and strict is None),
        "missing": int(answer is None),
    }


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into fractions; a ratio without anything to divide by is 0 (the official script fails there).

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("pope has no rows to aggregate: score at least one question")
    tp, fp, tn, fn, yes = (sum(row[key] for row in rows) for key in ("tp", "fp", "tn", "fn", "yes"))
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    return {
        "accuracy": (tp + tn) / len(rows),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "yes_ratio": yes / len(rows),
    }


CARD = Card(
    definition="binary questions about objects: accuracy, and precision, recall and F1 of the answer yes",
    source="RUCAIBox/POPE evaluate.py (Li et al. 2023)",
    edge_rules=(
        "unit: one question",
        "official parser: the text up to the first period, commas removed, split at spaces; no if it holds the word "
        "No, no or not, else yes: so NO, Nope, isn't, None and an empty answer are yes",
        "strict parser: the first word must be yes or no, in any case; other answers are unparsable and wrong",
        "the number of answers that the strict parser cannot read is reported with either parser",
        "no answer, or one that is no text: wrong (a false yes where no is right), stays in the denominator, counted",
        "yes_ratio is the share of all questions answered with yes; missing and unparsable answers are no yes",
        "answers join questions by question_id where all have one, else by line, as in the official script",
        "precision, recall and F1 without any yes are 0, where the official script fails",
    ),
    keys={
        "accuracy": "share of right answers",
        "precision": "share of right ones among the answers yes",
        "recall": "share of the present objects that got a yes",
        "f1": "harmonic mean of precision and recall",
        "yes_ratio": "share of questions answered with yes; balanced data have 0.5",
    },
    bounds={"yes_ratio": (None, None)},
)
POPE = Metric(name="pope", kind="pope", protocol="pope/1", aggregate=aggregate, headline="f1", card=CARD)
POPE_STRICT = Metric(
    name="pope_strict", kind="pope", protocol="pope/1 parser=strict", aggregate=aggregate, headline="f1", card=CARD
)
METRICS = [POPE, POPE_STRICT]
