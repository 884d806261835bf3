"""Pointing: which of several candidate boxes is the answer, told by letter or by a box.

Protocol pointing/1. By letter, "strict" wants the letter and nothing else, without regard to case and outer spaces, as
ViP-LLaVA's figures are counted; "parsed" also reads "(B)", "B.", "Option B" and "The answer is B", the first letter
that stands alone. By box, the candidate that overlaps the answer's box most is the chosen one.
"""

import re
from collections.abc import Sequence
from typing import Literal

from metrics.base import Card, Metric, Row
from metrics.boxes import box_iou, is_malformed

Match = Literal["strict", "parsed"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Box = tuple[float, float, float, float]


def choose_letter(answer: str, count: int, match: Match = "strict") -> int | None:
    """Read which candidate an answer in words names.

    Args:
        answer: the words.
        count: number of candidates, which are called A, B, C, …
        match: "strict" or "parsed".

    Returns:
        The candidate's place; None where the answer names none of them.
    """
    letters = LETTERS[:count]
    said = answer.strip()
    if match == "parsed" and len(said) > 1:
        # a lone capital A at the beginning is mostly the article, so it counts only where no word follows it
        found = re.search(rf"(?<![A-Za-z'])(?:[{letters[1:]}]|A(?!\s+[a-z]))(?![A-Za-z'])", said)
        said = found[0] if found else ""
    return letters.index(said.upper()) if said and said.upper() in tuple(letters) else None


def choose_box(answer_xyxy: Box | None, candidates_xyxy: Sequence[Box]) -> list[int]:
    """Find the candidates that overlap a box most: several where they tie, none where nothing overlaps.

    Args:
        answer_xyxy: pixels; None where there is no box.
        candidates_xyxy: pixels.
    """
    if answer_xyxy is None or is_malformed(answer_xyxy):
        return []
    overlaps = [box_iou(answer_xyxy, each) for each in candidates_xyxy]
    return [place for place, iou in enumerate(overlaps) if iou == max(overlaps) > 0]


def measure(chosen: Sequence[int], right: int) -> Row:
    """Compare what was chosen with the right candidate.

    Returns:
        `score` 1 where the right one is among them; `named` 1 where there are any.
    """
    return {"score": int(right in chosen), "named": int(bool(chosen))}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Share of right answers, and of answers that name a candidate.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("pointing has no rows to aggregate: score at least one question")
    return {
        "accuracy": sum(row["score"] for row in rows) / len(rows),
        "parse_rate": sum(row["named"] for row in rows) / len(rows),
    }


CARD = Card(
    definition="share of questions where the right one of the candidate boxes is chosen",
    source="Visual7W (Zhu et al. 2016) evaluate.py, multiple choice; ViP-LLaVA (Cai et al. 2024) for strict letters",
    edge_rules=(
        "unit: one question",
        "strict: the answer is the letter, without regard to case and outer spaces",
        "parsed: the first letter that stands alone; 'A' before a word is the article",
        "box: the candidate with the highest IoU is chosen; where two of the same box tie, either is right",
        "a box that overlaps no candidate, one with x2 < x1, or no answer: wrong, stays in the denominator",
    ),
    keys={
        "accuracy": "share of right choices, in [0, 1]; 0.25 by chance among four",
        "parse_rate": "share of answers that name or overlap a candidate",
    },
)
POINTING = Metric(
    name="pointing", kind="pointing", protocol="pointing/1", aggregate=aggregate, headline="accuracy", card=CARD
)
METRICS = [POINTING]
