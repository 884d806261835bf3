"""Counts of n-grams for many captions at once: BLEU and CIDEr-D share them.

Words become numbers, an n-gram the number of its first n-1 words paired with its last word, so that counting is sorting
of integers. A whole set of captions is one table: 5,000 images with five references take a fraction of a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Ints = np.ndarray
LONGEST = 4


@dataclass(frozen=True)
class Grams:
    """How often each caption holds each n-gram of one length; entries ordered by caption, then n-gram.

    Attributes:
        caption: int [E], place of the caption.
        gram: int [E], number of the n-gram; equal n-grams have equal numbers in all captions.
        count: int [E], at least 1.
        distinct: how many numbers there are.
    """

    caption: Ints
    gram: Ints
    count: Ints
    distinct: int


@dataclass(frozen=True)
class Counted:
    """Candidates and references of I images, counted together.

    Attributes:
        grams: entries for n = 1 … 4. Captions 0 … I-1 are the candidates, the rest the references.
        length: int [C], words of each caption.
        image: int [C], place of the image that each caption belongs to.
        images: I.
    """

    grams: tuple[Grams, ...]
    length: Ints
    image: Ints
    images: int


def count(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Counted:
    """Count the n-grams of tokenized captions.

    Args:
        candidates: one caption per image, tokens joined by spaces.
        references: the references of each image, tokenized alike; at least one each.

    Raises:
        ValueError: lists of different lengths, or an image without references.
    """
    if len(candidates) != len(references):
        raise ValueError(f"{len(candidates)} candidates but references of {len(references)} images: give one each")
    per_image = [len(own) for own in references]
    if not all(per_image):
        raise ValueError(f"image {per_image.index(0)} has no references: leave it out")
    words = [caption.split() for caption in candidates]
    words += [caption.split() for own in references for caption in own]
    length = np.array([len(own) for own in words], dtype=np.int64)
    flat = [word for own in words for word in own]
    numbers = {word: number for number, word in enumerate(dict.fromkeys(flat))}
    ids = np.fromiter(map(numbers.__getitem__, flat), np.int64, len(flat))
    places = np.arange(len(candidates))
    image = np.concatenate([places, np.repeat(places, per_image)])
    return Counted(tuple(_all_grams(ids, length, max(len(numbers), 1))), length, image, len(candidates))


def _all_grams(ids: Ints, length: Ints, words: int) -> list[Grams]:
    owner = np.repeat(np.arange(len(length)), length)
    left = np.repeat(np.cumsum(length), length) - np.arange(len(ids))
    gram, start, tables = ids, np.arange(len(ids)), []
    distinct = words
    for n in range(1, LONGEST + 1):
        if n > 1:
            fits = left[start] >= n
            start, gram = start[fits], gram[fits]
            kinds, gram = np.unique(gram * words + ids[start + n - 1], return_inverse=True)
            distinct = max(len(kinds), 1)
        keys, counts = np.unique(owner[start] * distinct + gram, return_counts=True)
        tables.append(Grams(keys // distinct, keys % distinct, counts, distinct))
    return tables


def lookup(keys: Ints, wanted: Ints) -> tuple[Ints, np.ndarray]:
    """Find wanted keys among ascending ones: places, and whether each was found (places are 0 where not)."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    places = np.searchsorted(keys, wanted)
    places[places == len(keys)] = 0
    return places, keys[places] == wanted
