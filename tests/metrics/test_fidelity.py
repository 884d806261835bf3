import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.fidelity import Item, ParsedAnswer, aggregate, measure

CATS, DOG = Item("two cats", "mask", 2), Item("a dog", "box", 1)
ITEMS = st.lists(
    st.builds(Item, st.sampled_from("ab"), st.sampled_from(["box", "mask"]), st.integers(1, 3)), max_size=3
)


def answer(plan, body, **flags):
    return ParsedAnswer(True, tuple(plan), tuple(body), **flags)


def test_a_right_answer_passes_everything():
    row = measure(answer([CATS, DOG], [CATS, DOG]), [CATS, DOG])
    assert aggregate([row]) == {
        "parse_rate": 1.0, "plan_agreement": 1.0, "count_mae": 0.0, "reference_order": 1.0, "unit_accuracy": 1.0,
        "refusal_accuracy": 1.0, "plan_count_mae": 0.0,
    }  # fmt: skip


def test_plan_and_body_agree_in_any_order_case_and_spacing():
    assert measure(answer([CATS, DOG], [Item("A  Dog", "box", 1), CATS]), [])["agrees"] == 1


@pytest.mark.parametrize("other", [Item("a cat", "mask", 2), Item("two cats", "box", 2), Item("two cats", "mask", 3)])
def test_another_phrase_unit_or_count_disagrees(other):
    assert measure(answer([CATS], [other]), [CATS])["agrees"] == 0
    assert measure(answer([CATS, CATS], [CATS]), [CATS])["agrees"] == 0


def test_counts_are_compared_with_truth_and_with_the_plan():
    row = measure(answer([CATS], [CATS, DOG]), [Item("cats", "mask", 5)])
    assert (row["count_error"], row["plan_error"]) == (2, 1)


def test_a_refusal_is_right_only_where_nothing_is_there():
    refusal, finding = answer([], [], refused=True), answer([DOG], [DOG])
    assert [measure(a, t)["refusal_right"] for a in (refusal, finding) for t in ([], [DOG])] == [1, 0, 0, 1]


def test_order_is_what_the_parser_says():
    assert measure(answer([DOG], [DOG], ordered=False), [DOG])["ordered"] == 0


@pytest.mark.parametrize(("given_answer", "missing"), [(None, 1), (ParsedAnswer(False, (DOG,), (DOG,)), 0)])
def test_no_answer_and_an_unreadable_one_fail_everything(given_answer, missing):
    row = measure(given_answer, [CATS, DOG])
    assert row["missing"] == missing
    assert aggregate([row]) == {
        "parse_rate": 0.0, "plan_agreement": 0.0, "count_mae": 3.0, "reference_order": 0.0, "unit_accuracy": 0.0,
        "refusal_accuracy": 0.0, "plan_count_mae": 3.0,
    }  # fmt: skip


@given(ITEMS, ITEMS)
def test_repeating_the_truth_is_perfect_and_nothing_beats_it(body, target):
    best = aggregate([measure(answer(target, target, refused=not target), target)])
    other = aggregate([measure(answer(body, body), target)])
    for key, value in other.items():
        assert value >= best[key] if key.endswith("_mae") else value <= best[key]


def test_an_empty_set_is_refused():
    with pytest.raises(ValueError, match="at least one answer"):
        aggregate([])
