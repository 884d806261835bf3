"""Mean and spread over wordings: only rows that differ in nothing else are joined."""

import pytest

from results.robustness import over_prompt_sets


@pytest.fixture
def worded(make_record):
    """Build a record of a prompt set with one number."""

    def build(prompt_set, value, regime="full", **changes):
        options = {"prompt_set": prompt_set, "regime": regime}
        return make_record(options=options, columns=("acc@0.5",), metrics={"acc@0.5": value}, **changes)

    return build


def test_mean_and_spread_over_three_wordings(worded):
    [group] = over_prompt_sets([worded("default", 0.5), worded("1", 0.25), worded("2", 0.3)])
    assert group.mean["acc@0.5"] == pytest.approx(0.35)
    assert group.spread["acc@0.5"] == 0.25
    answer = group.to_json()
    assert (answer["task"], answer["split"], answer["regime"]) == ("toy_rec", "test", "full")
    assert answer["prompt_sets"] == ["default", "1", "2"]


def test_rows_that_differ_in_anything_else_are_not_joined(worded):
    rows = [worded("default", 0.5), worded("1", 0.5, regime="wrong"), worded("1", 0.5, split="val"),
            worded("1", 0.5, model="other")]  # fmt: skip
    assert over_prompt_sets(rows) == []


def test_a_number_that_is_undefined_once_has_no_mean(worded):
    [group] = over_prompt_sets([worded("default", 0.5), worded("1", None)])
    assert (group.mean, group.spread) == ({"acc@0.5": None}, {"acc@0.5": None})


def test_records_without_a_prompt_set_are_left_out(make_record):
    assert over_prompt_sets([make_record(), make_record()]) == []
