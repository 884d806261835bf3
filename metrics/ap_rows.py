"""Rows of average precision: what matching found in one image, as numbers that JSON can carry.

A row holds flat lists. Of each kept detection: `category`, `score`, `rank` among the detections of its category, and
for each area range A `outcome_A`, ten outcomes packed into one number (one digit of base 3 per IoU threshold, lowest
first: 0 ignored, 1 false positive, 2 true positive). Of each object: `true_category` and `counted`, one bit per area
range. `image` is a number by which rows are ordered again, since the order of images breaks ties between equal scores.
"""

from collections.abc import Sequence

import numpy as np

from metrics.base import Row
from metrics.matching import IOU_THRESHOLDS, Ints, Matches

_DIGITS: Ints = 3 ** np.arange(len(IOU_THRESHOLDS), dtype=np.int64)


def to_rows(matches: Matches, numbers: Sequence[int]) -> list[Row]:
    """Split matches into one row per image.

    Args:
        matches: of all images; `image` indexes `numbers`.
        numbers: the number of every image, ascending in the order that breaks ties.
    """
    areas = matches.counted.shape[1]
    packed = np.einsum("dta,t->da", matches.outcome.astype(np.int64) + 1, _DIGITS)
    counted = matches.counted.astype(np.int64) @ (1 << np.arange(areas))
    first = np.searchsorted(matches.image, np.arange(len(numbers) + 1)).tolist()
    order = np.argsort(matches.truth_image, kind="stable")
    true = np.searchsorted(matches.truth_image[order], np.arange(len(numbers) + 1)).tolist()
    rows: list[Row] = []
    for place, number in enumerate(numbers):
        found, objects = slice(first[place], first[place + 1]), order[true[place] : true[place + 1]]
        row: Row = {"image": int(number)}
        row |= {name: getattr(matches, name)[found].tolist() for name in ("category", "score", "rank")}
        row |= {f"outcome_{area}": packed[found, area].tolist() for area in range(areas)}
        row |= {"true_category": matches.truth_category[objects].tolist(), "counted": counted[objects].tolist()}
        rows.append(row)
    return rows


def from_rows(rows: Sequence[Row], areas: int) -> Matches:
    """Join rows in the order of their images; a row given twice counts twice, as a bootstrap needs.

    Args:
        rows: in any order.
        areas: number of area ranges.
    """
    ordered = sorted(rows, key=lambda row: row["image"])

    def ints(name: str) -> Ints:
        return np.array([value for row in ordered for value in row[name]], dtype=np.int64)

    packed = np.stack([ints(f"outcome_{area}") for area in range(areas)], axis=1)
    outcome = packed[:, None, :] // _DIGITS[None, :, None] % 3 - 1
    places = np.arange(len(ordered))
    return Matches(
        image=np.repeat(places, [len(row["category"]) for row in ordered]),
        category=ints("category"),
        score=np.array([value for row in ordered for value in row["score"]], dtype=np.float64),
        rank=ints("rank"),
        outcome=outcome.astype(np.int8),
        truth_image=np.repeat(places, [len(row["true_category"]) for row in ordered]),
        truth_category=ints("true_category"),
        counted=(ints("counted")[:, None] >> np.arange(areas) & 1).astype(bool),
    )


def categories_of(matches: Matches) -> int:
    """Number of categories that curves need: one more than the highest that occurs."""
    return 1 + int(max(matches.category.max(initial=-1), matches.truth_category.max(initial=-1)))
