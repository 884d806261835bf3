import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.vipbench import aggregate, measure, tokens

LONG = "The cat sits on the red mat because it is warm there"


def score(answer, *parts):
    return measure(answer, parts, ["rec"])["score"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = -5.50, or 5!", ("x", "-5.5", "or", "5")),
        ("\u22121,000 cm", ("-1000", "cm")),
        ("3-4 and 0.75", ("3", "4", "and", "0.75")),
        ("$3.65 (50%)", ("3.65", "50")),
        ("Don\u2019t stop at the 3rd", ("don't", "stop", "at", "the", "3", "rd")),
        ("...", ()),
    ],
)
def test_words_are_lowered_and_numbers_read_by_value(text, found):
    assert tokens(text) == found


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [("x = 3", 0), ("x = -1", 0.5), ("x = -5", 0.5), ("x = -5 or 5", 0.5), ("x = -1 or x = -5", 1)],
)
def test_parts_count_one_by_one_as_in_the_examples_of_the_official_judge(answer, wanted):
    assert score(answer, ["-1"], ["-5"]) == wanted


def test_any_alternative_of_a_part_will_do():
    parts = [["0.75", "x=0.75", "3/4"]]
    assert [score(answer, *parts) for answer in ("It is 0.750.", "3/4", "x = 0.75", "0.7")] == [1, 1, 1, 0]


def test_a_short_alternative_is_there_whole_or_not():
    assert score("It is a big red bus.", ["red bus"]) == 1
    assert score("The bus is red.", ["red bus"]) == 0
    assert score("Thirteen redder buses", ["red"]) == 0


def test_of_a_long_alternative_the_share_of_content_words_counts():
    assert score("A warm red cat.", [LONG]) == pytest.approx(3 / 6)  # of: cat sits red mat because warm
    assert score("It is the one that was there", [LONG]) == 0


def test_no_answer_scores_nothing_and_capabilities_share_the_score():
    row = measure("3", [["3"], ["4"]], ["ocr", "math", "odd"])
    assert (row["score"], row["missing"], row["score_ocr"], row["of_math"], row["of_rec"], row["score_rec"]) == (
        0.5, 0, 0.5, 1, 0, 0,
    )  # fmt: skip
    scores = aggregate([row, measure(None, [["3"]], ["math"])])
    assert (scores["overlap"], scores["overlap_math"], scores["overlap_ocr"]) == (0.25, 0.25, 0.5)
    assert math.isnan(scores["overlap_know"])
    with pytest.raises(ValueError, match="score at least one question"):
        aggregate([])


@given(st.lists(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=3), min_size=1, max_size=3), st.text())
def test_a_score_is_a_share_and_the_rubric_itself_is_perfect(parts, answer):
    assert 0 <= score(answer, *parts) <= 1
    if all(tokens(part[0]) for part in parts):
        assert score(" ; ".join(part[0] for part in parts), *parts) == pytest.approx(1, abs=1e-12)
