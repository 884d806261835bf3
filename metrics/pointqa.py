"""PointQA accuracy: does the short answer equal the one in the data?

Protocol pointqa/1. "vip" compares the whole answer without regard to case and outer spaces, as ViP-LLaVA's figures are
counted; "shikra" takes what one sentence "The answer is … ." says and compares it as it is; "vqa" normalises both by
the rules of VQA (punctuation, articles, number words, contractions) and compares then.
"""

import re
from collections.abc import Sequence
from typing import Literal

from metrics import vqa_normalise
from metrics.base import Card, Metric, Row

Match = Literal["vip", "shikra", "vqa"]
_SENTENCE = re.compile(r"The answer is (.+?)\.")


def measure(answer: str | None, target: str, match: Match = "vip") -> Row:
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
    if match == "shikra":
        said = _SENTENCE.findall(answer.strip())
        return {"score": int(len(said) == 1 and said[0].strip() == target), "missing": 0}
    plain = _vqa if match == "vqa" else _folded
    return {"score": int(plain(answer) == plain(target)), "missing": 0}


def _folded(text: str) -> str:
    return text.strip().lower()


def _vqa(text: str) -> str:
    return vqa_normalise.words(vqa_normalise.punctuation(vqa_normalise.strip(text)))


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Share of right answers.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("pointqa has no rows to aggregate: score at least one question")
    return {"accuracy": sum(row["score"] for row in rows) / len(rows)}


CARD = Card(
    definition="share of questions whose answer equals the true one",
    source="PointQA (Mani et al. 2020); ViP-LLaVA (Cai et al. 2024) and Shikra (Chen et al. 2023) for the comparison",
    edge_rules=(
        "unit: one question about one point",
        "vip: whole texts, without regard to case and outer spaces; '4.' is not '4'",
        "shikra: exactly one 'The answer is … .' in the answer, what it says must be the true answer to the letter",
        "vqa: both sides normalised as VQA answers are; 'four' is '4'",
        "no answer, or one that is no text: wrong, stays in the denominator",
    ),
    keys={"accuracy": "share of right answers, in [0, 1]"},
)
POINTQA = Metric(
    name="pointqa", kind="pointqa", protocol="pointqa/1", aggregate=aggregate, headline="accuracy", card=CARD
)
METRICS = [POINTQA]
