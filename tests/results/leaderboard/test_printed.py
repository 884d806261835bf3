import pytest

from results.leaderboard.board import Column
from results.leaderboard.printed import published_lines

VAL, TEST = (Column("refcocog_rec", split, "acc@0.5", "fraction", "higher", "", None) for split in ("val", "test"))


def test_sources_that_cover_most_columns_come_first_then_the_best():
    lines, left_out = published_lines([VAL, TEST], 100)
    assert left_out == 0
    covered = [sum(cell.state == "number" for cell in line.cells) for line in lines]
    assert covered == sorted(covered, reverse=True)
    values = [line.cells[0].value for line, count in zip(lines, covered, strict=True) if count == 2]
    assert values == sorted(values, reverse=True)


def test_errors_are_ordered_from_the_smallest():
    column = Column("nyu_depth", "test", "abs_rel", "fraction", "lower", "", None)
    lines, left_out = published_lines([column], 5)
    values = [line.cells[0].value for line in lines]
    assert values == sorted(values) and len(values) == 5
    assert left_out > 0


def test_one_model_of_two_sources_is_two_lines():
    lines, _ = published_lines([VAL], 100)
    of_model = [line for line in lines if line.model == "InternVL2.5-78B"]
    assert len(of_model) == len({line.source.key for line in of_model}) > 1


@pytest.mark.parametrize("task", ["shop_boxes", "vizwiz"])
def test_a_task_without_published_rows_has_none(task):
    assert published_lines([Column(task, "val", "accuracy", "fraction", "higher", "", None)], 10) == ([], 0)
