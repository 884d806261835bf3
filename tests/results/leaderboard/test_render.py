from dataclasses import replace

import pytest

from results.leaderboard.board import Cell, Line
from results.leaderboard.render import MARKDOWN, TEXT, render


def rows(text):
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def test_text_shows_counts_interval_marks_and_notes(board):
    found = rows(render(board, TEXT))
    assert found[1] == ["model", "group", "protocol", "n", "failed", "unparsable", "acc@0.5↑", "95% CI"]
    assert found[3] == ["one", "family", "0123abcd", "8", "1", "2", "50.00¹", "25.00 to 75.00"]
    assert found[4] == ["two (a)", "family", "0123abcd", "8", "1", "2", "25.00²†"]
    assert found[5][-1] == "undef."
    assert set(render(board, TEXT).splitlines()[6]) == {"-", " "}, "published rows are set apart"
    assert found[7] == ["peer (b)", "published, not run here", "90.00"]
    text = render(board, TEXT)
    assert "¹ best, ² second best, on unrounded values" in text
    assert "not ranked: published, not run here" in text
    assert text.splitlines()[-3:] == ["about all of it", "(a) limit: 4 of 8 samples", "(b) printed in A paper, Table 1"]


def test_markdown_sets_best_bold_and_second_underlined(board):
    text = render(board, MARKDOWN)
    assert "**50.00**" in text and "<u>25.00</u>†" in text
    assert text.startswith("## toy\\_rec val\n\n| model")


def test_a_board_over_tasks_has_a_line_for_each_and_tells_gaps_apart(board):
    [column], best, low = board.columns, *(line.cells[0] for line in board.lines[:2])
    wide = replace(
        board,
        columns=(column, replace(column, task="other", code="", n=None)),
        lines=(Line("one", "family", (best, Cell("impossible"))), Line("two", "family", (low, Cell("missing")))),
        by_task=True,
    )
    found = rows(render(wide, TEXT))
    assert found[1] == ["task", "split", "number", "protocol", "n", "one", "two"]
    assert found[3] == ["family", "family"]
    assert found[4] == ["toy_rec", "val", "acc@0.5↑", "0123abcd", "8", "50.00¹", "25.00²† (a)"]
    assert found[5] == ["other", "val", "acc@0.5↑", "mixed", "✗", "–"]
    assert "– not run, or not printed; ✗ the model has no such answer" in render(wide, TEXT)


@pytest.mark.parametrize(
    "name", ["a|b", "<script>x</script>", "[x](http://y)", "**x**", "a\nb", "\x1b[31mred", "`x`", "$x$"]
)
def test_a_hostile_name_stays_a_name(board, name):
    hostile = replace(board, lines=(Line(name, name, board.lines[0].cells),))
    markdown = render(hostile, MARKDOWN)
    assert len(markdown.splitlines()) == len(render(replace(board, lines=board.lines[:1]), MARKDOWN).splitlines())
    [line] = [each for each in markdown.splitlines() if "50.00" in each]
    assert line.replace("\\|", "").count("|") == 9
    for bad in ("<script", "[x](", "| **x", "\x1b", " `x`", " $x$"):
        assert bad not in line
    assert "\x1b" not in render(hostile, TEXT)


def test_thousands_of_lines_are_laid_out(board):
    [low] = board.lines[1].cells
    long = replace(board, lines=tuple(Line(f"model {at}", "family", (replace(low, notes=()),)) for at in range(3000)))
    assert len(render(long, TEXT).splitlines()) == 3000 + 5


def test_notes_are_lettered_beyond_z(board):
    [best] = board.lines[0].cells
    lines = tuple(Line(f"m{at}", "g", (replace(best, notes=(f"note {at}",)),)) for at in range(28))
    text = render(replace(board, lines=lines), TEXT)
    assert "(z) note 25" in text and "(aa) note 26" in text and "m27 (ab)" in text
