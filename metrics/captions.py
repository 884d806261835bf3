"""Captions scored as coco-caption does: PTB tokens, then BLEU-1 … 4, METEOR, ROUGE-L and CIDEr-D.

Protocol captions/1. Rows hold the counts of BLEU and METEOR, which are corpus scores, and the values of ROUGE-L and
CIDEr-D of each image. CIDEr-D weighs words by how rare they are in the references of the whole set, so images are
measured together.
"""

from collections.abc import Sequence

from metrics import bleu, cider, meteor, rouge
from metrics.base import Card, Metric, Row
from metrics.ngrams import count
from metrics.ptb import tokenize


def measure_all(
    candidates: Sequence[str], references: Sequence[Sequence[str]], with_meteor: bool | None = None
) -> list[Row]:
    """Measure the captions of a whole set of images.

    Args:
        candidates: one caption per image; "" where there is none.
        references: the references of each image, at least one, in the order of their file.
        with_meteor: whether the jar runs; None means where it can.

    Returns:
        One row per image, in order.

    Raises:
        DataError: METEOR is wanted but cannot be computed.
        ValueError: lists of different lengths, or an image without references.
    """
    tokens = iter(tokenize([caption for own in references for caption in own]))
    tokenized = [[next(tokens) for _ in own] for own in references]
    own_tokens = tokenize(candidates)
    counted = count(own_tokens, tokenized)
    parts = [bleu.measure_all(counted), cider.measure_all(counted)]
    parts.append([rouge.measure(own, theirs) for own, theirs in zip(own_tokens, tokenized, strict=True)])
    if with_meteor or (with_meteor is None and meteor.unavailable() is None):
        parts.append(meteor.measure_all(own_tokens, tokenized))
    return [{key: value for row in rows for key, value in row.items()} for rows in zip(*parts, strict=True)]


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into scores; `meteor` only where all rows hold its statistics.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("captions has no rows to aggregate: score at least one image")
    scores = bleu.aggregate(rows)
    if all("meteor_words" in row for row in rows):
        scores |= meteor.aggregate(rows)
    return {**scores, **rouge.aggregate(rows), **cider.aggregate(rows)}


CARD = Card(
    definition="overlap of generated captions with references: BLEU-n clipped n-gram precision of the corpus, METEOR "
    "aligned words, ROUGE-L longest common subsequence, CIDEr-D tf-idf weighted n-grams (the one coco-caption calls "
    "CIDEr: clipped, with a length penalty, times 10)",
    source="coco-caption (pycocoevalcap 1.2): Papineni 2002, Denkowski and Lavie 2014, Lin 2004, Vedantam 2015",
    edge_rules=(
        "unit: one image with one caption and all its references; n counts images with references",
        "tokens are those of the Stanford PTB tokenizer 3.4.1 with coco-caption's punctuation removed; brackets stay, "
        "as -lrb- and so on, because lower case hides them from the removal",
        "an image without a caption, or with one that is no text, scores as an empty caption and is counted",
        "line separators inside a caption (CR, VT, FF, U+2028, U+2029) count as spaces and are noted; the official "
        "tool would shift all later captions onto wrong images",
        "two captions of one image are refused; captions of unknown images are left out and noted",
        "BLEU is a corpus score, not a mean of images; without any match it is about 1e-9 or less, not 0",
        "CIDEr depends on the evaluated set through document frequencies: subsets are not comparable, a set of one "
        "image scores 0; intervals keep the frequencies fixed",
        "METEOR is the jar's, from summed statistics; None where Java or pycocoevalcap is absent, never imitated",
        "SPICE is not computed: its models cannot be bundled",
    ),
    keys={
        "bleu1": "BLEU with unigrams",
        "bleu2": "BLEU up to bigrams",
        "bleu3": "BLEU up to trigrams",
        "bleu4": "BLEU up to 4-grams",
        "meteor": "METEOR 1.5, English, in [0, 1]",
        "rouge_l": "ROUGE-L F-score, beta 1.2, mean over images, in [0, 1]",
        "cider": "CIDEr-D, mean over images, in [0, 10]; papers print it times 100",
    },
    range=(0.0, 10.0),
    unit="CIDEr-D points",
    bounds={"cider": (0.0, None)},
)
CAPTIONS = Metric(
    name="captions", kind="caption", protocol="captions/1", aggregate=aggregate, headline="cider", card=CARD
)
METRICS = [CAPTIONS]
