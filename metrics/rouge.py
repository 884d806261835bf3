"""ROUGE-L of captions as coco-caption computes it: the mean over images of an F-score of longest common subsequences.

Precision and recall are each the best over the references, maybe of different ones; recall weighs beta = 1.2.
Lin 2004; the maxima and beta from coco-caption's rouge.
"""

from collections.abc import Sequence

from metrics.base import Row

BETA_SQUARED = 1.2**2


def measure(candidate: str, references: Sequence[str]) -> Row:
    """Score one tokenized candidate against its tokenized references.

    Returns:
        `rouge_l` in [0, 1]. A caption without tokens counts as one empty token, as in coco-caption.
    """
    own = candidate.split(" ")
    places: dict[str, int] = {}
    for place, word in enumerate(own):
        places[word] = places.get(word, 0) | 1 << place
    everything = (1 << len(own)) - 1
    precision = recall = 0.0
    for reference in references:
        words = reference.split(" ")
        common = _common(places, everything, words)
        precision = max(precision, common / len(own))
        recall = max(recall, common / len(words))
    if not precision or not recall:
        return {"rouge_l": 0.0}
    return {"rouge_l": (1 + BETA_SQUARED) * precision * recall / (recall + BETA_SQUARED * precision)}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Mean over images; 0 where there are none."""
    return {"rouge_l": sum(row["rouge_l"] for row in rows) / max(len(rows), 1)}


def _common(places: dict[str, int], everything: int, words: Sequence[str]) -> int:
    """Length of the longest common subsequence, one bit per word of the candidate (Hyyrö 2004): zeros are matches."""
    bits = everything
    for word in words:
        hits = bits & places.get(word, 0)
        if hits:
            bits = (bits + hits | bits - hits) & everything
    return (everything & ~bits).bit_count()
