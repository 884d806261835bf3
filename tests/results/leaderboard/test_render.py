from dataclasses import replace

import pytest

from results.leaderboard.board import Board, Cell, Column, Line
from results.leaderboard.render import MARKDOWN, TEXT, render
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
WIDE = replace(
    BOARD,
    columns=(COLUMN, replace(COLUMN, task="other", code="", n=None)),
    lines=(Line("one", "family", (BEST, Cell("impossible"))), Line("two", "family", (LOW, Cell("missing")))),
    by_task=True,
)


def rows(text):
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def test_text_shows_counts_interval_marks_and_notes():
    found = rows(render(BOARD, TEXT))
    assert found[1] == ["model", "group", "protocol", "n", "failed", "unparsable", "acc@0.5↑", "95% CI"]
    assert found[3] == ["one", "family", "0123abcd", "8", "1", "2", "50.00¹", "25.00 to 75.00"]
    assert found[4] == ["two (a)", "family", "0123abcd", "8", "1", "2", "25.00²†"]
    assert found[5][-1] == "undef."
    assert set(render(BOARD, TEXT).splitlines()[6]) == {"-", " "}, "published rows are set apart"
    assert found[7] == ["peer (b)", "published, not run here", "90.00"]
    text = render(BOARD, TEXT)
    assert "¹ best, ² second best, on unrounded values" in text
    assert "not ranked: published, not run here" in text
    assert text.splitlines()[-3:] == ["about all of it", "(a) limit: 4 of 8 samples", "(b) printed in A paper, Table 1"]


def test_markdown_sets_best_bold_and_second_underlined():
    text = render(BOARD, MARKDOWN)
    assert "**50.00**" in text and "<u>25.00</u>†" in text
    assert text.startswith("## toy\\_rec val\n\n| model")


def test_a_board_over_tasks_has_a_line_for_each_and_tells_gaps_apart():
    found = rows(render(WIDE, TEXT))
    assert found[1] == ["task", "split", "number", "protocol", "n", "one", "two"]
    assert found[3] == ["family", "family"]
    assert found[4] == ["toy_rec", "val", "acc@0.5↑", "0123abcd", "8", "50.00¹", "25.00²† (a)"]
    assert found[5] == ["other", "val", "acc@0.5↑", "mixed", "✗", "–"]
    assert "– not run, or not printed; ✗ the model has no such answer" in render(WIDE, TEXT)


@pytest.mark.parametrize(
    "name", ["a|b", "<script>x</script>", "[x](http://y)", "**x**", "a\nb", "\x1b[31mred", "`x`", "$x$"]
)
def test_a_hostile_name_stays_a_name(name):
    board = replace(BOARD, lines=(Line(name, name, (BEST,)),))
    markdown = render(board, MARKDOWN)
    assert len(markdown.splitlines()) == len(render(replace(BOARD, lines=BOARD.lines[:1]), MARKDOWN).splitlines())
    [line] = [each for each in markdown.splitlines() if "50.00" in each]
    assert line.replace("\\|", "").count("|") == 9
    for bad in ("<script", "[x](", "| **x", "\x1b", " `x`", " $x$"):
        assert bad not in line
    assert "\x1b" not in render(board, TEXT)


def test_thousands_of_lines_are_laid_out():
    board = replace(BOARD, lines=tuple(Line(f"model {at}", "family", (replace(LOW, notes=()),)) for at in range(3000)))
    assert len(render(board, TEXT).splitlines()) == 3000 + 5


def test_notes_are_lettered_beyond_z():
    lines = tuple(Line(f"m{at}", "g", (replace(BEST, notes=(f"note {at}",)),)) for at in range(28))
    text = render(replace(BOARD, lines=lines), TEXT)
    assert "(z) note 25" in text and "(aa) note 26" in text and "m27 (ab)" in text
