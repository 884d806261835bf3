"""Cells of a paper table: which number, why none, marks, averages and differences."""

import math

import pytest

from metrics.errors import DataError
from results.export.build import build
from results.export.cells import OTHER_PROTOCOL, SAMPLE, TEACHER, UNDEFINED
from results.export.layout import lay_out
from results.export.pick import ELSEWHERE, Evidence
from results.export.quoted import Quoted
from results.export.spec import TableSpec

COLUMN = {"head": "Toy", "task": "toy_rec", "splits": ["val", "test"], "metrics": ["acc@0.5"]}
AVERAGE = {"head": "Avg.", "average": "all"}
EVERY = [{"models": "all"}]


def table(evidence, rows=None, columns=(COLUMN,), **more):
    spec = TableSpec(description="d", columns=list(columns), rows=rows or EVERY, **more)
    return build("toy", spec, evidence)


def cell(found, row=0, column=0):
    return found.rows[row].cells[column][0]


def printed(model="Old", split="val", value=0.8712, digits=2, title="A", **more):
    return Quoted(model, "toy_rec", split, "acc@0.5", value, digits, "fraction", title, "Table 1", **more)


def shown(found):
    return [[each.plain for each in row.cells] for row in lay_out(found).rows]


def test_a_missing_an_impossible_and_an_undefined_number_are_told_apart(make_run):
    runs = [make_run("a"), make_run("b", value=None), make_run("c", split="test")]
    found = table(Evidence(runs, cannot=lambda model, task: "no boxes" if model == "c" else ""))
    assert [cell(found, row).state for row in range(3)] == ["number", "undefined", "impossible"]
    assert cell(found, 0, 1).state == "missing"
    assert shown(found) == [["50.0", "–"], ["n/a", "–"], ["×", "50.0"]]
    assert UNDEFINED in cell(found, 1).notes


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_none_has_no_value(make_run, value):
    assert cell(table(Evidence([make_run(value=value)]))).state == "undefined"


def test_an_average_needs_every_number_and_uses_unrounded_ones(make_run):
    runs = [make_run("a", value=0.50149), make_run("a", split="test", value=0.50049), make_run("b", value=0.9)]
    found = table(Evidence(runs), columns=(COLUMN, AVERAGE))
    assert cell(found, 0, 2).value == pytest.approx(0.50099)
    assert cell(found, 1, 2).state == "incomplete"
    assert shown(found)[0] == ["50.1", "50.0", "50.1"]
    assert len(cell(found, 0, 2).sources) == 2


def test_no_average_mixes_the_sample_world_with_official_data(make_run):
    runs = [make_run("a"), make_run("a", split="test", data="sample")]
    assert cell(table(Evidence(runs), columns=(COLUMN, AVERAGE)), 0, 2).state == "incomplete"


def test_best_and_second_follow_unrounded_values_and_ties_share(make_run):
    values = {"a": 0.50101, "b": 0.50102, "c": 0.4, "d": 0.50102}
    found = table(Evidence([make_run(model, value=value) for model, value in values.items()]), best="column")
    assert {shown(found)[row][0] for row in (0, 1, 3)} == {"50.1"}
    assert found.emphasis == {(0, 0, 0): "second", (1, 0, 0): "best", (3, 0, 0): "best"}


def test_a_column_whose_numbers_get_better_downwards_is_ranked_so(make_run):
    column = {**COLUMN, "splits": ["val"], "better": "lower"}
    found = table(Evidence([make_run("a", value=0.2), make_run("b", value=0.3)]), columns=[column])
    assert found.emphasis == {(0, 0, 0): "best", (1, 0, 0): "second"}


@pytest.mark.parametrize(
    ("best", "data", "together"),
    [
        ("column", "official", True),
        ("group", "official", False),
        ("none", "official", False),
        ("column", "sample", False),
    ],
)
def test_a_table_that_ranks_printed_numbers_with_measured_ones_says_so(make_run, best, data, together):
    rows = [
        {"published": "Old", "group": "Published"},
        {"model": "a", "group": "Ours"},
        {"model": "b", "group": "Ours"},
    ]
    runs = [make_run(name, value=0.9, data=data) for name in "ab"]
    found = table(Evidence(runs, published=[printed()]), rows, best=best)
    assert found.ranks_printed is together
    assert any("Printed numbers are ranked together" in text for _, text in lay_out(found).notes) is together


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "sample"},
        {"limit": 10, "n": 10},
        {"options": {"model_args": "decode=teacher_forced"}},
        {"protocols": {"rec": "rec/2"}},
    ],
)
def test_other_data_parts_forced_answers_and_other_protocols_are_not_ranked(make_run, changes):
    runs = [make_run("a", value=0.1), make_run("b", value=0.2), make_run("c", value=0.9, **changes)]
    found = table(Evidence(runs))
    assert found.emphasis == {(0, 0, 0): "second", (1, 0, 0): "best"}
    assert cell(found, 2).notes


def test_footnotes_say_what_is_different(make_run):
    forced = {"options": {"model_args": "decode=teacher_forced"}}
    runs = [
        make_run("a"), make_run("b"), make_run("s", data="sample"), make_run("p", n=10), make_run("f", **forced),
        make_run("o", protocols={"rec": "rec/2"}),
    ]  # fmt: skip
    notes = {row.label: row.cells[0][0].notes for row in table(Evidence(runs)).rows}
    assert notes["a"] == ()
    assert notes["s"][0] == SAMPLE
    assert notes["p"][0] == "on 10 of 100 samples"
    assert notes["f"][0] == TEACHER
    assert notes["o"] == (f"{OTHER_PROTOCOL} (metrics)",)


def test_weights_that_compete_get_a_row_each_and_a_named_model_the_last(make_run):
    runs = [
        make_run(weights="1111111aaa", value=0.1, ended="2026-01-02"),
        make_run(weights="2222222bbb", value=0.2, ended="2026-01-01"),
    ]
    assert [row.label for row in table(Evidence(runs)).rows] == ["toy (2222222)", "toy (1111111)"]
    assert cell(table(Evidence(runs), [{"model": "toy"}])).value == 0.1
    assert cell(table(Evidence(runs), [{"model": "toy", "weights": "222"}])).value == 0.2


def test_a_row_never_mixes_weights(make_run):
    runs = [
        make_run(weights="old", ended="2026-01-01"),
        make_run(weights="old", split="test", ended="2026-01-01"),
        make_run(weights="new", ended="2026-01-02"),
    ]
    assert [each.state for each in (cell(table(Evidence(runs), [{"model": "toy"}]), 0, at) for at in (0, 1))] == [
        "number",
        "missing",
    ]


def test_official_whole_runs_go_before_samples_and_parts(make_run):
    runs = [make_run(value=0.1), make_run(value=0.2, data="sample", ended="2027"), make_run(value=0.3, limit=5, n=5)]
    assert cell(table(Evidence(runs))).value == 0.1


def test_printed_numbers_keep_their_digits_and_their_source():
    rows = [{"published": "Old"}]
    found = table(Evidence(published=[printed(value=0.87, digits=1)]), rows, decimals=2)
    assert shown(found) == [["87.0", "–"]]
    assert cell(found).sources[0].name == "A"


def test_publications_that_disagree_are_not_mixed_and_are_noted():
    quotes = [
        printed(), printed(split="test", value=0.9), printed(value=0.8), printed(title="B", value=0.7),
        printed(title="B", split="testB"),
    ]  # fmt: skip
    column = {**COLUMN, "splits": ["val", "test", "testB"]}
    found = table(Evidence(published=[*quotes]), [{"published": "Old"}], columns=[column])
    assert [cell(found, 0, at).state for at in range(3)] == ["number", "number", "missing"]
    assert cell(found).notes == (ELSEWHERE,)


def test_differences_are_signed_rounded_once_and_only_of_comparable_runs(make_run):
    runs = [make_run("base", value=0.5), make_run("up", value=0.5249), make_run("other", value=0.9, data="sample")]
    rows = [
        {"model": "base"},
        {"model": "up", "delta_to": "base"},
        {"model": "other", "delta_to": "base"},
    ]
    found = table(Evidence(runs), rows, columns=[{**COLUMN, "splits": ["val"]}])
    assert shown(found) == [["50.0"], ["52.5 (+2.5)"], ["90.0"]]


def test_a_difference_to_a_row_that_is_not_there_names_the_nearest(make_run):
    rows = [{"model": "toy", "label": "Full"}, {"model": "toy", "label": "B", "delta_to": "Ful"}]
    with pytest.raises(DataError, match="did you mean 'Full'"):
        table(Evidence([make_run()]), rows)


def test_facts_stand_as_the_description_says_them():
    column = {"head": "Speed", "fact": "speed"}
    found = table(Evidence(), [{"model": "a", "facts": {"speed": "2x"}}, {"model": "b"}], columns=[column])
    assert shown(found) == [["2x"], ["–"]]


def test_ratios_of_numbers_to_another_row(make_run):
    column = {**COLUMN, "splits": ["val"], "ratio_to": "slow", "inverse": True}
    found = table(Evidence([make_run("slow", value=0.9), make_run("fast", value=0.3)]), columns=[column])
    assert shown(found) == [["1.0×"], ["3.0×"]]


def test_rows_may_bring_their_own_split(make_run):
    runs = [make_run(value=0.1), make_run(split="test", value=0.2)]
    rows = [{"model": "toy", "split": name, "label": name} for name in ("val", "test")]
    found = table(Evidence(runs), rows, columns=[{"head": "Acc", "task": "toy_rec", "metrics": ["acc@0.5"]}])
    assert shown(found) == [["10.0"], ["20.0"]]


def test_joined_numbers_share_a_cell_and_models_may_be_columns(make_run):
    runs = [make_run(value=0.1), make_run(split="test", value=0.2)]
    found = table(Evidence(runs), columns=[{**COLUMN, "join": " / "}], transpose=True)
    grid = lay_out(found)
    assert [cell.plain for cell in grid.rows[0].cells] == ["10.0 / 20.0"]
    assert grid.rows[0].stub == ("Toy", "val / test")
    assert grid.heads == (("toy",),)


def test_abilities_are_marks_without_numbers():
    known = {("a", "rec"): True, ("b", "rec"): False}
    evidence = Evidence(abilities=lambda model, kind: known.get((model, kind)))
    rows = [{"model": name} for name in "abc"]
    assert shown(table(evidence, rows, columns=[{"head": "REC", "can": "rec"}])) == [["✓"], ["×"], ["–"]]


def test_bounds_are_grey_and_not_ranked(make_run):
    runs = [make_run("oracle", value=1.0), make_run("a", value=0.1), make_run("b", value=0.2)]
    found = table(Evidence(runs, bounds=frozenset(["oracle"])))
    assert [row.grey for row in found.rows] == [True, False, False]
    assert (0, 0, 0) not in found.emphasis


def test_nothing_at_all_says_what_to_do():
    with pytest.raises(DataError, match="would be empty"):
        table(Evidence())
