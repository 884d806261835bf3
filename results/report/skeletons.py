"""Which joints a line joins, counted from 0, in the joint orders of COCO and MPII."""

from collections.abc import Mapping

Edges = tuple[tuple[int, int], ...]
COCO_17: Edges = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10),
    (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
"""The `skeleton` of COCO's person category, which counts from 1."""
MPII_16: Edges = (
    (0, 1), (1, 2), (2, 6), (3, 6), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9), (7, 12), (12, 11), (11, 10), (7, 13),
    (13, 14), (14, 15),
)  # fmt: skip
"""Ankles to pelvis, pelvis to thorax, neck and head, thorax to shoulders and wrists."""
BY_JOINTS: Mapping[int, Edges] = {17: COCO_17, 16: MPII_16}
"""Number of joints -> the skeleton that is drawn when none is given."""
