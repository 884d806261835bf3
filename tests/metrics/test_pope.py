import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.pope import aggregate, measure, parse_official, parse_strict


@pytest.mark.parametrize(
    ("answer", "official", "strict"),
    [
        ("Yes", "yes", "yes"),
        ("No, there is none.", "no", "no"),
        ("NO", "yes", "no"),
        ("no!", "yes", "no"),
        ("Yes. There is no cat.", "yes", "yes"),
        ("There is not a dog.", "no", None),
        ("Nope", "yes", None),
        ("None", "yes", None),
        ("no-one is there", "yes", "no"),
        ("", "yes", None),
        ("  **Yes**, it is", "yes", "yes"),
        ("I cannot tell", "yes", None),
    ],
)
def test_parsers_read_answers(answer, official, strict):
    assert parse_official(answer) == official
    assert parse_strict(answer) == strict


def test_ratios_by_eye():
    rows = [measure("yes", "yes"), measure("yes", "no"), measure("no", "no"), measure("no", "yes")]
    assert aggregate(rows) == {"accuracy": 0.5, "precision": 0.5, "recall": 0.5, "f1": 0.5, "yes_ratio": 0.5}


def test_saying_nothing_is_wrong_either_way():
    missing = [measure(None, "yes"), measure(None, "no")]
    assert aggregate(missing)["accuracy"] == 0
    assert [(row["fn"], row["fp"], row["yes"]) for row in missing] == [(1, 0, 0), (0, 1, 0)]
    rambling = measure("I cannot tell", "yes", "strict")
    assert (rambling["tp"], rambling["fn"], rambling["unparsable"]) == (0, 1, 1)
    assert measure("I cannot tell", "yes")["tp"] == 1


def test_ratios_without_any_yes_are_zero():
    scores = aggregate([measure("no", "no"), measure("no", "yes")])
    assert (scores["precision"], scores["recall"], scores["f1"], scores["yes_ratio"]) == (0, 0, 0, 0)
    with pytest.raises(ValueError, match="at least one question"):
        aggregate([])


@given(st.text(), st.sampled_from(["yes", "no"]), st.sampled_from(["official", "strict"]))
def test_each_question_falls_into_one_cell(answer, label, parser):
    row = measure(answer, label, parser)
    assert row["tp"] + row["fp"] + row["tn"] + row["fn"] == 1
    assert row["tp"] + row["fn"] == (label == "yes")
