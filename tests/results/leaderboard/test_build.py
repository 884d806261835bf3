import math
from pathlib import Path

import pytest

from metrics.errors import DataError
from results.leaderboard.build import Rules, suite_board, task_boards
from results.leaderboard.printed import GROUP
from results.record import StoppedEarly
from results.run import Run

FORCED = {"prompt": "locate_expression", "model_args": "decode=teacher_forced"}


@pytest.fixture
def run(make_record):
    """A run of ten digits `digit`, with a value of its headline."""

    def make(digit, value=0.5, ended="2026-11-20", **changes):
        changes = {"metrics": {"acc@0.5": value}, "columns": ("acc@0.5",), **changes}
        record = make_record(**changes)
        return Run(record, Path(f"{record.task}/{record.split}-{str(digit) * 10}"), ended=ended)

    return make


def by_model(board):
    return {line.model: line.cells[0] for line in board.lines}


def test_a_task_has_a_board_for_each_split_with_a_line_for_each_model(run):
    boards = task_boards([run(1, 0.4), run(2, 0.6, model="b"), run(3, split="val")], Rules())
    assert [board.title for board in boards] == ["toy_rec test", "toy_rec val"]
    assert [line.model for line in boards[0].lines] == ["b", "toy"]
    cell = by_model(boards[0])["b"]
    assert (cell.value, cell.interval, cell.n, cell.failed, cell.unparsable) == (0.6, (0.25, 0.75), 8, 1, 1)
    assert (cell.mark, cell.run, cell.code) == ("best", "2222222222", boards[0].columns[0].code)


def test_the_newest_of_equal_runs_stands_for_a_model(run):
    [board] = task_boards([run(1, 0.4, "2026-11-02"), run(2, 0.6, "2026-11-01")], Rules())
    assert [line.cells[0].run for line in board.lines] == ["1111111111"]


def test_other_weights_of_one_name_stand_apart_with_their_ids(run):
    runs = [run(1, digests={"model": "a"}), run(2, digests={"model": "b"})]
    [board] = task_boards(runs, Rules())
    assert sorted(by_model(board)) == ["toy (1111111111)", "toy (2222222222)"]


def test_what_a_model_was_told_is_part_of_its_name(run):
    told = run(1, options={"prompt": "locate_expression", "model_args": "shape=box"})
    [board] = task_boards([told, run(2)], Rules())
    assert sorted(by_model(board)) == ["toy", "toy [shape=box]"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"data": "sample", "expected": None}, "data is sample in other"),
        ({"protocols": {"rec": "rec/2"}}, "metrics is rec=rec/2 in other"),
        ({"digests": {"data": "beef"}}, "truth is beef in other"),
        ({"n": 4, "limit": 4}, "samples is 4 of 8"),
        ({"options": {"prompt": "my own words"}}, "prompt is my own words in other"),
        (
            {"options": {"prompt": "locate_expression", "model_args": "decode=teacher_forced"}},
            "decoding is teacher-forced",
        ),
    ],
)
def test_rows_of_other_protocols_are_refused_with_the_field_unless_mixed(run, changes, field):
    runs = [run(1, 0.4), run(2, 0.4), run(3, 0.6, model="other", **changes)]
    for make in (lambda rules: task_boards(runs, rules)[0], lambda rules: suite_board("s", runs, ["toy_rec"], rules)):
        with pytest.raises(DataError, match=r"rows of 2 protocols are not ranked together.*--mixed") as refusal:
            make(Rules())
        assert field in str(refusal.value)
        board = make(Rules(mixed=True))
        other = next(cell for name, cell in by_model(board).items() if name.startswith("other"))
        assert any(note.startswith("other protocol: ") for note in other.notes)
        assert by_model(board)["toy"].notes == ()
        assert board.columns[0].code == ""


def test_a_part_a_limit_and_an_early_stop_are_told_apart(run):
    stopped = StoppedEarly("acc@0.5", 0.9, 0.5, 0.4, 0.6, 4, 8, "rule")
    rows = {"limit: 4 of 8 samples": {"limit": 4}, "stopped early after 4 of 8 samples": {"stopped_early": stopped}}
    rows["4 of the 8 samples that its publisher states"] = {"available": 4}
    for note, changes in rows.items():
        [board] = task_boards([run(1, n=4, **changes)], Rules())
        assert board.lines[0].cells[0].state == "partial"
        assert board.lines[0].cells[0].notes == (note,)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_number_that_is_none_is_undefined_and_last(run, value):
    [board] = task_boards([run(1, value, model="a"), run(2, 0.1, model="b"), run(3, 0.0, model="c")], Rules())
    assert [line.model for line in board.lines] == ["b", "c", "a"]
    assert by_model(board)["a"].state == "undefined"
    assert by_model(board)["a"].value is None
    assert by_model(board)["b"].mark == "best"


def test_a_number_that_a_run_does_not_print_is_missing_not_undefined(run):
    runs = [run(1, metrics={"a": 1.0, "acc@0.5": 0.5}, columns=("a", "acc@0.5")), run(2, model="b")]
    [board] = task_boards(runs, Rules())
    assert {line.model: line.cells[1].state for line in board.lines} == {"toy": "number", "b": "missing"}


def test_not_run_and_not_possible_are_told_apart(run):
    runs = [run(1), run(2, task="other"), run(3, model="b"), run(4, model="c", task="other")]
    rules = Rules(impossible=lambda model, task: (model, task) == ("b", "other"))
    board = suite_board("s", runs, ["other", "toy_rec"], rules)
    states = {line.model: [cell.state for cell in line.cells] for line in board.lines}
    assert states == {"toy": ["number", "number"], "b": ["impossible", "number"], "c": ["number", "missing"]}
    assert [column.task for column in board.columns] == ["other", "toy_rec"]


def test_bounds_are_shown_last_and_not_ranked(run):
    runs = [run(1, 1.0, model="oracle"), run(2, 0.5, model="a"), run(3, 0.4, model="b")]
    [board] = task_boards(runs, Rules(groups={"oracle": "sanity"}, unranked=frozenset({"sanity"})))
    assert [line.model for line in board.lines] == ["a", "b", "oracle"]
    assert [line.cells[0].mark for line in board.lines] == ["best", "second", ""]


def test_a_metric_of_ones_own_appears_and_takes_its_direction(run):
    own = {"columns": ("wobble",), "headline": "wobble", "units": {"wobble": "mm"}, "protocols": {"own": "own/1"}}
    values = {"a": 3.0, "b": 1.0, "c": 2.0}
    runs = [run(at, model=name, metrics={"wobble": values[name]}, **own) for at, name in enumerate(values)]
    [board] = task_boards(runs, Rules(directions={"wobble": "lower"}))
    assert [(line.model, line.cells[0].mark) for line in board.lines] == [("b", "best"), ("c", "second"), ("a", "")]
    assert (board.columns[0].key, board.columns[0].unit) == ("wobble", "mm")
    [board] = task_boards(runs, Rules())
    assert [line.model for line in board.lines] == ["a", "c", "b"]


def test_chosen_numbers_come_in_the_order_asked_for_and_unknown_ones_are_refused(run):
    runs = [run(1, metrics={"acc@0.5": 0.5, "miou": 0.4}, columns=("acc@0.5", "miou"))]
    [board] = task_boards(runs, Rules(keys=("miou", "acc@0.5")))
    assert [column.key for column in board.columns] == ["miou", "acc@0.5"]
    with pytest.raises(DataError, match=r"toy_rec has no number called 'mio'; it has: acc@0\.5, miou"):
        task_boards(runs, Rules(keys=("mio",)))


def test_published_rows_stand_below_with_their_source_and_are_not_ranked(run):
    own = run(1, 0.5, task="refcoco_rec", split="val")
    [board] = task_boards([own], Rules(published=3))
    assert [line.group == GROUP for line in board.lines] == [False, True, True, True]
    values = [line.cells[0].value for line in board.lines[1:]]
    assert values == sorted(values, reverse=True)
    assert all(line.source and not line.is_ranked and not line.cells[0].mark for line in board.lines[1:])
    assert board.notes[-1] == "76 more published rows are not shown"


def test_published_rows_do_not_stand_beside_the_sample_world_unless_wished(run):
    own = run(1, 0.5, task="refcoco_rec", split="val", data="sample")
    assert len(task_boards([own], Rules(published=3))[0].lines) == 1
    [board] = task_boards([own], Rules(published=3, published_beside_samples=True))
    assert len(board.lines) == 4
    assert "published rows are of official data: no row of the sample world compares with them" in board.notes


def test_a_published_slip_carries_its_doubt(run):
    own = run(
        1, 0.5, task="pope", split="adversarial", columns=("accuracy",), headline="accuracy", metrics={"accuracy": 0.5}
    )
    [board] = task_boards([own], Rules(published=50))
    [cell] = [line.cells[0] for line in board.lines if line.model == "LLaVA-1.5"]
    assert cell.notes == ("doubtful: precision and recall of the same table imply 79.20",)
