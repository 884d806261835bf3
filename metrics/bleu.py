"""BLEU-1 … BLEU-4 of a corpus as coco-caption computes them: clipped counts are summed before any division.

The brevity penalty uses the reference whose length is closest to the candidate's (of equals the shorter). Tiny
constants keep empty counts from dividing by zero, so a score without any match is about 1e-9 or less, not 0.
Papineni et al. 2002; constants and "closest" from coco-caption's bleu_scorer.
"""

import math
from collections.abc import Sequence

import numpy as np

from metrics.base import Row
from metrics.ngrams import LONGEST, Counted, Ints, count, lookup

TINY, SMALL = 1e-15, 1e-9


def measure(candidate: str, references: Sequence[str]) -> Row:
    """Count one tokenized candidate against its tokenized references: see `measure_all`."""
    return measure_all(count([candidate], [references]))[0]


def measure_all(counted: Counted) -> list[Row]:
    """Count every image.

    Returns:
        Rows with `words` (of the candidate), `reference_words` (of the closest reference) and `match1` … `match4`,
        the n-grams that a reference holds too, each at most as often as the reference that holds it most often.
    """
    matches = [_matches(counted, n) for n in range(LONGEST)]
    closest = _closest_lengths(counted)
    rows: list[Row] = []
    for image in range(counted.images):
        row: Row = {"words": int(counted.length[image]), "reference_words": int(closest[image])}
        row.update({f"match{n + 1}": int(matches[n][image]) for n in range(LONGEST)})
        rows.append(row)
    return rows


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into `bleu1` … `bleu4`, fractions."""
    words, reference_words = (float(sum(row[key] for row in rows)) for key in ("words", "reference_words"))
    ratio = (words + TINY) / (reference_words + SMALL)
    penalty = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    scores, product = {}, 1.0
    for n in range(1, LONGEST + 1):
        possible = sum(max(0, row["words"] - n + 1) for row in rows)
        product *= (sum(row[f"match{n}"] for row in rows) + TINY) / (possible + SMALL)
        scores[f"bleu{n}"] = product ** (1 / n) * penalty
    return scores


def _matches(counted: Counted, n: int) -> Ints:
    grams = counted.grams[n]
    keys = counted.image[grams.caption] * grams.distinct + grams.gram
    own = grams.caption < counted.images
    order = np.argsort(keys[~own], kind="stable")
    held, counts = keys[~own][order], grams.count[~own][order]
    first = np.flatnonzero(np.concatenate([[True], held[1:] != held[:-1]])) if len(held) else np.zeros(0, np.int64)
    most = np.maximum.reduceat(counts, first) if len(first) else counts
    places, found = lookup(held[first], keys[own])
    clipped = np.minimum(grams.count[own][found], most[places[found]])
    return np.bincount(grams.caption[own][found], clipped, counted.images)


def _closest_lengths(counted: Counted) -> Ints:
    lengths = counted.length[counted.images :]
    image = counted.image[counted.images :]
    order = np.lexsort((lengths, np.abs(lengths - counted.length[image]), image))
    first = np.searchsorted(image[order], np.arange(counted.images))
    return lengths[order][first]
