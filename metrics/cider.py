"""CIDEr-D, which coco-caption calls CIDEr: tf-idf weighted n-grams, clipped, with a penalty on length.

The document frequencies come from the references of the evaluated images, so the score of an image depends on the set:
subsets are not comparable and a set of one image scores 0. Values are times 10, not 100.
Vedantam et al. 2015; coco-caption's cider_scorer (sigma 6, length counted in bigrams).
"""

from collections.abc import Sequence

import numpy as np

from metrics.base import Row
from metrics.ngrams import LONGEST, Counted, Grams, lookup

SIGMA = 6.0


def measure_all(counted: Counted) -> list[Row]:
    """Score every image, with the document frequencies of all of them.

    Returns:
        Rows with `cider` in [0, 10]. Resampling rows keeps these frequencies fixed, as an interval must.
    """
    bigrams = np.maximum(counted.length - 1, 0)
    image = counted.image[counted.images :]
    gap = (bigrams[: counted.images][image] - bigrams[counted.images :]).astype(float)
    likeness = sum(_cosine(counted, grams) for grams in counted.grams) * np.exp(-(gap**2) / (2 * SIGMA**2))
    total = np.bincount(image, likeness, counted.images)
    scores = 10 * total / LONGEST / np.bincount(image, minlength=counted.images)
    return [{"cider": float(score)} for score in scores]


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Mean over images; 0 where there are none."""
    return {"cider": sum(row["cider"] for row in rows) / max(len(rows), 1)}


def _cosine(counted: Counted, grams: Grams) -> np.ndarray:
    """Clipped cosine of each reference with the candidate of its image: float [references]."""
    image = counted.image[grams.caption]
    keys = image * grams.distinct + grams.gram
    own = grams.caption < counted.images
    documents = np.bincount(np.unique(keys[~own]) % grams.distinct, minlength=grams.distinct)
    rarity = np.log(max(counted.images, 1)) - np.log(np.maximum(documents, 1))
    weight = grams.count * rarity[grams.gram]
    norm = np.sqrt(np.bincount(grams.caption, weight**2, len(counted.length)))
    places, found = lookup(keys[own], keys[~own])
    theirs = weight[~own][found]
    product = np.minimum(weight[own][places[found]], theirs) * theirs
    reference = grams.caption[~own][found] - counted.images
    # astype: bincount of nothing is whole numbers, weights or not
    dot = np.bincount(reference, product, len(counted.length) - counted.images).astype(float)
    scale = norm[: counted.images][counted.image[counted.images :]] * norm[counted.images :]
    return np.asarray(np.divide(dot, scale, out=dot, where=scale > 0))
