"""Matches of a set as rows of plain numbers, one per sample, and rows of any samples back as matches.

A row holds what its sample answered and what it asked for, as flat lists:
    image, place      rank of its image by id, and rank among all samples: the order in which ties are broken
    score, rank, category     of each detection
    outcome           per detection and area range: the outcome + 1 at all thresholds, as digits to base 3
    truth_category    of each object
    counted           per object: bit a is set where it counts in area range a
"""

from collections.abc import Sequence

import numpy as np

from metrics.base import Row
from metrics.matching import IOU_THRESHOLDS, Ints, Matches

_WEIGHTS: Ints = 3 ** np.arange(len(IOU_THRESHOLDS), dtype=np.int64)


def to_rows(matches: Matches, found_by: Ints, asked_in: Ints, image: Ints) -> list[Row]:
    """Give every sample its share of the matches.

    Args:
        matches: of a whole set.
        found_by: int [D], the sample that each of its detections answers.
        asked_in: int [G], the sample that asks for each of its objects; -1 for one that counts nowhere.
        image: int [S], rank of each sample's image.
    """
    codes = np.einsum("dta,t->da", matches.outcome.astype(np.int64) + 1, _WEIGHTS)
    bits = matches.counted @ (1 << np.arange(matches.counted.shape[1]))
    answers, objects = _split(found_by, len(image)), _split(asked_in, len(image))
    return [
        {
            "image": int(image[place]),
            "place": place,
            "score": matches.score[mine].tolist(),
            "rank": matches.rank[mine].tolist(),
            "category": matches.category[mine].tolist(),
            "outcome": codes[mine].ravel().tolist(),
            "truth_category": matches.truth_category[asked].tolist(),
            "counted": bits[asked].tolist(),
        }
        for place, (mine, asked) in enumerate(zip(answers, objects, strict=True))
    ]


def from_rows(rows: Sequence[Row], areas: int) -> Matches:
    """Put rows together again, in the order of their images whatever order they come in; one given twice counts twice.

    Args:
        rows: as `to_rows` makes them, or read from a file.
        areas: number of area ranges A.
    """
    ordered = sorted(rows, key=lambda row: (row["image"], row["place"]))
    codes = _flat(ordered, "outcome").reshape(-1, 1, areas)
    bits = _flat(ordered, "counted")
    return Matches(
        image=_owners(ordered, "score"),
        category=_flat(ordered, "category"),
        score=np.array([score for row in ordered for score in row["score"]], dtype=np.float64),
        rank=_flat(ordered, "rank"),
        outcome=(codes // _WEIGHTS[:, None] % 3 - 1).astype(np.int8),
        truth_image=_owners(ordered, "counted"),
        truth_category=_flat(ordered, "truth_category"),
        counted=(bits[:, None] >> np.arange(areas)) % 2 == 1,
    )


def _split(owner: Ints, count: int) -> list[Ints]:
    """Places of each owner's entries, in their order; those of no owner (-1) are left out."""
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(count + 1))
    return [order[bounds[place] : bounds[place + 1]] for place in range(count)]


def _flat(rows: Sequence[Row], key: str) -> Ints:
    return np.array([value for row in rows for value in row[key]], dtype=np.int64)


def _owners(rows: Sequence[Row], key: str) -> Ints:
    """Rank of the image of every entry of a list column."""
    return np.repeat(np.array([row["image"] for row in rows], dtype=np.int64), [len(row[key]) for row in rows])
