import pytest

from metrics.errors import DataError
from results.regression.pairs import best_so_far, match
from results.regression.sources import Source

RIGHT = [1.0] * 8


@pytest.fixture
def source(write_run, tmp_path):
    """Runs of one side, each given by changes to its record."""

    def make(side, *each):
        runs = [
            write_run(tmp_path / side, **{"ious": RIGHT, "name": f"run-{at}", **changes})
            for at, changes in enumerate(each)
        ]
        return Source(side, tuple(runs))

    return make


def test_rows_are_paired_by_task_and_split_and_the_rest_is_named(source):
    old = source("old", {"task": "a"}, {"task": "b"}, {"task": "a", "split": "val"})
    new = source("new", {"task": "a", "split": "val"}, {"task": "c"}, {"task": "a"})
    found = match(old, new)
    assert [(pair.baseline.record.split, pair.candidate.record.split) for pair in found.pairs] == [
        ("val", "val"),
        ("test", "test"),
    ]
    assert [run.record.task for run in found.lost] == ["b"]
    assert [run.record.task for run in found.new] == ["c"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"digests": {"data": "beef", "ids": "1"}}, "truth is f00d in one and beef in the other"),
        ({"ious": [1.0] * 6}, "samples is 8 of 8"),
        ({"protocols": {"rec": "rec/2"}}, "metrics is rec=rec/1 in one and rec=rec/2 in the other"),
        ({"options": {"prompt": "other"}}, "prompt is locate_expression in one and other in the other"),
        ({"data": "sample"}, "data is official in one and sample in the other"),
        ({"dataset": "toy/b"}, "benchmark is toy/a in one and toy/b in the other"),
    ],
)
def test_rows_of_another_protocol_are_refused_and_the_field_is_named(source, changes, field):
    with pytest.raises(DataError, match="toy_rec test cannot be compared") as refused:
        match(source("old", {}), source("new", changes))
    assert field in str(refused.value)


def test_another_protocol_beside_the_right_one_does_no_harm(source):
    found = match(source("old", {"data": "sample"}, {"model": "before"}), source("new", {}))
    assert found.pairs[0].baseline.record.model == "before"


def test_several_runs_that_could_be_meant_are_refused_with_the_flag_that_chooses(source):
    with pytest.raises(DataError, match=r"old holds several runs .*--baseline-model"):
        match(source("old", {"model": "a"}, {"model": "b"}), source("new", {}))
    with pytest.raises(DataError, match=r"two holds several runs .*--candidate-model"):
        match(source("one", {}), source("two", {"model": "a"}, {"model": "b"}))


def test_the_best_so_far_is_the_best_other_run_of_the_model_under_the_protocol(source):
    half = [1.0, 0.0] * 4
    known = source("known", {"ious": half}, {"ious": RIGHT, "model": "other"}, {"ious": RIGHT, "data": "sample"},
                   {"ious": [1.0] * 6 + [0.0] * 2}, {"ious": RIGHT, "split": "val"})  # fmt: skip
    candidate = source("new", {"ious": RIGHT})
    [best] = best_so_far(candidate, [*known.runs, *candidate.runs]).runs
    assert best.record.metrics["acc@0.5"] == 0.75


def test_the_best_of_an_error_is_the_lowest(source):
    errors = [{"headline": "abs_rel", "metrics": {"abs_rel": value}, "intervals": {}, "protocols": {"depth": "depth/1"}}
              for value in (0.3, 0.1, 0.2)]  # fmt: skip
    [best] = best_so_far(source("new", errors[2]), source("known", *errors).runs).runs
    assert best.record.metrics["abs_rel"] == 0.1


def test_without_any_other_run_there_is_no_best(source):
    candidate = source("new", {})
    with pytest.raises(DataError, match="no other run of this model"):
        best_so_far(candidate, candidate.runs)
