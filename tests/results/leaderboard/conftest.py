"""A board to start from: two models that are ranked, one without a number, and a published row."""

from dataclasses import replace

import pytest

from results.leaderboard.board import Board, Cell, Column, Line
from results.published import Source

COLUMN = Column("toy_rec", "val", "acc@0.5", "fraction", "higher", "0123abcd", 8)
BEST = Cell("number", 0.5, (0.25, 0.75), 8, 1, 2, 0, "0123abcd", "aaaaaaaaaa", mark="best")
LOW = replace(BEST, value=0.25, interval=None, mark="second", notes=("limit: 4 of 8 samples",), state="partial")
SOURCE = Source("k", "A paper", "Table 1")
BOARD = Board(
    "toy_rec val",
    (COLUMN,),
    (
        Line("one", "family", (BEST,)),
        Line("two", "family", (LOW,)),
        Line("three", "family", (Cell("undefined", n=8),)),
        Line("peer", "published, not run here", (Cell("number", 0.9, text="90.0 percent"),), False, SOURCE),
    ),
    ("about all of it",),
)


@pytest.fixture
def board():
    """A table of one task."""
    return BOARD
