"""Ordinal error of relative depth: the share of point pairs whose order, nearer, equal or farther, is told wrongly.

Protocol ordinal/1, for a truth that is disparity without a unit. The relation of a pair (i, j) is +1 where
d_i / d_j >= 1 + tau, -1 where d_i / d_j <= 1 / (1 + tau), else 0, with d the disparity (1 / depth) and tau = 0.03.

Source: Xian et al., Structure-Guided Ranking Loss for Single Image Depth Prediction, CVPR 2020. The relation and its
tau are those of the authors' published `ranking_loss.py` (sigma). The evaluation itself (50,000 pairs of an image, all
weights 1) follows the text of the paper from memory: the authors publish neither its code nor its pairs. Pairs are
drawn here, always the same ones for an image, so numbers compare between runs of refbench and with nothing else.
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from metrics.base import Card, Metric, Row
from metrics.errors import DataError

TAU = 0.03
PAIRS = 50_000
_UNKNOWN = 2
_EDGE = 1e-6
"""Share by which a ratio may miss 1 + tau and still reach it: depth is stored as float32, which holds no more."""


def depth_of(disparity: np.ndarray) -> np.ndarray:
    """Turn disparity [H, W] into depth, float32: infinite where disparity is 0, NaN where it is NaN."""
    with np.errstate(divide="ignore"):
        return np.float32(1) / disparity.astype(np.float32)


def draw(key: str, pixels: int, count: int = PAIRS) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs of two different pixels, uniformly and always the same for a key.

    The raw stream of PCG64 is used, which NumPy promises never to change; its distributions may.

    Args:
        key: whose SHA-256 seeds the generator, the id of a sample.
        pixels: number to draw from, 2 or more.
        count: number of pairs.

    Returns:
        Two int64 [count], 0 <= index < pixels.
    """
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest())
    raw = np.random.PCG64(seed).random_raw(2 * count)
    first = (raw[:count] % np.uint64(pixels)).astype(np.int64)
    other = (raw[count:] % np.uint64(pixels - 1)).astype(np.int64)
    return first, other + (other >= first)


def relations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Tell which of two points is nearer.

    Args:
        first: disparity [N], 0 or more.
        second: likewise.

    Returns:
        int8 [N]: 1 where the first is nearer, -1 where the second is, 0 where they are as good as equal.
    """
    bar = (1 + TAU) * (1 - _EDGE)
    nearer = (first >= bar * second) & (first > second)
    farther = (second >= bar * first) & (second > first)
    return nearer.astype(np.int8) - farther.astype(np.int8)


def measure(pred: np.ndarray | None, disparity: np.ndarray, key: str) -> Row:
    """Compare the order of pairs in one predicted depth map with the true one.

    Args:
        pred: float [H, W], depth above 0 in any unit, infinity allowed; None when there is none. A pair with a pixel
            that is NaN, 0 or less is told wrongly.
        disparity: float [H, W], 0 or more, higher = nearer, in any unit; NaN = no reading.
        key: id of the sample, which fixes the pairs.

    Returns:
        `eligible` (0 when fewer than two pixels have a reading: such an image is left out), and for eligible images
        `ordinal_error`, 0 to 1.

    Raises:
        DataError: the maps differ in size, are no maps, or a disparity is negative or infinite.
    """
    if disparity.ndim != 2 or not disparity.size:
        raise DataError(f"the target must be a map [H, W] with at least one pixel, got {disparity.shape}")
    if pred is not None and pred.shape != disparity.shape:
        raise DataError(f"the prediction is {pred.shape} but the target is {disparity.shape} (rows, columns)")
    if (disparity < 0).any() or np.isinf(disparity).any():
        raise DataError("the target holds a negative or infinite disparity")
    valid = ~np.isnan(disparity)
    if np.count_nonzero(valid) < 2:
        return {"eligible": 0}
    if pred is None:
        return {"eligible": 1, "ordinal_error": 1.0}
    pairs = draw(key, int(np.count_nonzero(valid)))
    # Both go through float32 depth, so that a truth handed back as depth agrees with itself to the last bit.
    true, told = (_of_pairs(depth[valid], pairs) for depth in (depth_of(disparity), pred))
    return {"eligible": 1, "ordinal_error": float(np.mean((true != told) | (told == _UNKNOWN)))}


def _of_pairs(depth: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Relations of pairs of depths [M]: int8 [N], _UNKNOWN where one of the two is no depth."""
    usable = depth > 0
    near = 1 / np.where(usable, depth, 1).astype(np.float64)
    first, second = pairs
    told = relations(near[first], near[second])
    return np.where(usable[first] & usable[second], told, np.int8(_UNKNOWN))


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Average over the images that can be scored: `ordinal_error`, NaN without any."""
    errors = [row["ordinal_error"] for row in rows if row["eligible"]]
    return {"ordinal_error": math.fsum(errors) / len(errors) if errors else math.nan}


CARD = Card(
    definition=(
        "per image, the share of 50,000 pairs of pixels whose predicted relation differs from the true one (WHDR with "
        "weights 1), then the mean over images; the relation of disparities is +1 where d_i/d_j >= 1.03, -1 where "
        "d_i/d_j <= 1/1.03, else 0"
    ),
    source=(
        "Xian et al., Structure-Guided Ranking Loss for Single Image Depth Prediction, CVPR 2020: the relation is that "
        "of the authors' ranking_loss.py, the evaluation follows the text of the paper from memory; their point pairs "
        "are not published, so numbers compare only between runs of refbench"
    ),
    edge_rules=(
        "pairs are two different pixels with a reading, drawn uniformly by PCG64 seeded with the SHA-256 of the "
        "sample's id: always the same",
        "predictions are depth above 0 in any unit: their disparity is 1 / depth, and of infinite depth 0",
        "two disparities of 0 are equal; any other is nearer than 0",
        "both maps are compared as float32 depth, and a ratio within a millionth of 1.03 reaches it",
        "a pair with a predicted pixel that is NaN, 0 or less is wrong; a missing prediction is wrong on every pair",
        "a prediction of another size than the photo is refused unless the task's protocol resizes it",
        "an image with fewer than two readings is left out",
    ),
    keys={"ordinal_error": "share of pairs in the wrong order (lower is better)"},
    bounds={"ordinal_error": (1.0, 0.0)},
)
ORDINAL = Metric(
    name="ordinal",
    kind="ordinal",
    protocol="ordinal/1",
    aggregate=aggregate,
    headline="ordinal_error",
    card=CARD,
    higher_is_better=False,
)
METRICS = [ORDINAL]
