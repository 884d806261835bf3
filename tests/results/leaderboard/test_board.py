import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.leaderboard.board import Cell, Column, Line, marked, marks, sort

UP = Column("t", "val", "acc", "fraction", "higher", "c", 4)


def line(model, value, group="a", is_ranked=True):
    cell = Cell("missing") if value is None else Cell("number", value)
    return Line(model, group, (cell,), is_ranked)


def found(lines):
    return {each.model: each.cells[0].mark for each in lines if each.cells[0].mark}


def test_values_are_ranked_as_they_are_not_as_they_print():
    """Both print as 50.00."""
    assert marks({0: 0.500001, 1: 0.5, 2: 0.4}, "higher") == {0: "best", 1: "second"}


@pytest.mark.parametrize(("better", "best"), [("higher", 2), ("lower", 0)])
def test_the_direction_decides(better, best):
    assert marks({0: 1.0, 1: 2.0, 2: 3.0}, better) == {best: "best", 1: "second"}


def test_a_number_without_direction_or_rival_is_not_marked():
    assert marks({0: 1.0, 1: 2.0}, "none") == {}
    assert marks({0: 1.0}, "higher") == {}


def test_ties_share_their_mark():
    assert marks({0: 2.0, 1: 2.0, 2: 1.0, 3: 1.0, 4: 0.0}, "higher") == {0: "best", 1: "best", 2: "second", 3: "second"}


@given(st.dictionaries(st.integers(0, 30), st.floats(-10, 10), min_size=2))
def test_nothing_beats_the_best_and_only_the_best_beats_the_second(values):
    for better, sign in (("higher", 1), ("lower", -1)):
        got = marks(values, better)
        best = {sign * values[at] for at, mark in got.items() if mark == "best"}
        second = {sign * values[at] for at, mark in got.items() if mark == "second"}
        assert best == {max(sign * value for value in values.values())}
        assert second == set(sorted({sign * value for value in values.values()})[-2:-1])


def test_marks_are_given_over_the_column_or_in_each_group():
    lines = [line("x", 0.9), line("y", 0.8), line("z", 0.7, "b"), line("w", 0.6, "b")]
    assert found(marked(lines, [UP], per_group=False)) == {"x": "best", "y": "second"}
    assert found(marked(lines, [UP], per_group=True)) == {"x": "best", "y": "second", "z": "best", "w": "second"}


def test_bounds_and_gaps_are_never_marked():
    lines = [line("oracle", 1.0, is_ranked=False), line("x", 0.5), line("y", 0.4), line("z", None)]
    assert found(marked(lines, [UP], per_group=False)) == {"x": "best", "y": "second"}


def test_lines_stand_group_by_group_ranked_ones_first_the_best_on_top():
    lines = [line("oracle", 1.0, "sanity", False), line("c", 0.2), line("n", None), line("b", 0.3), line("d", 0.9, "z")]
    assert [each.model for each in sort(lines, "higher")] == ["b", "c", "n", "d", "oracle"]
    assert [each.model for each in sort(lines, "lower")] == ["c", "b", "n", "d", "oracle"]
