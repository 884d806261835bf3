import pytest

from metrics.pointing import aggregate, choose_box, choose_letter, measure

FOUR = [(0, 0, 10, 10), (20, 0, 30, 10), (0, 20, 10, 30), (0, 0, 30, 30)]


@pytest.mark.parametrize(
    ("answer", "strict", "parsed"),
    [
        ("B", 1, 1),
        (" d\n", 3, 3),
        ("a", 0, 0),
        ("(B)", None, 1),
        ("B. The red one", None, 1),
        ("The answer is C", None, 2),
        ("A: the cat", None, 0),
        ("A cat sits in D", None, 3),  # an article is no letter
        ("Option A.", None, 0),
        ("E", None, None),
        ("the left one", None, None),
        ("Bob", None, None),
        ("yes", None, None),
        ("", None, None),
    ],
)
def test_letters(answer, strict, parsed):
    assert choose_letter(answer, 4) == strict
    assert choose_letter(answer, 4, "parsed") == parsed


def test_only_the_letters_of_candidates_name_one():
    assert [choose_letter("D", count) for count in (2, 3, 4)] == [None, None, 3]


@pytest.mark.parametrize(
    ("box", "chosen"),
    [
        ((0, 0, 9, 10), [0]),
        ((0, 0, 30, 29), [3]),  # IoU with the large one is higher than with those inside
        ((40, 40, 50, 50), []),
        ((10, 0, 0, 10), []),  # corners in the wrong order
        (None, []),
    ],
)
def test_the_candidate_that_overlaps_most_is_chosen(box, chosen):
    assert choose_box(box, FOUR) == chosen


def test_one_box_twice_is_a_tie():
    assert choose_box((0, 0, 9, 10), [*FOUR[:2], FOUR[0]]) == [0, 2]


def test_accuracy_and_parse_rate_are_shares_of_all_questions():
    rows = [measure([1], 1), measure([0, 1], 1), measure([0], 1), measure([], 1)]
    assert aggregate(rows) == {"accuracy": 0.5, "parse_rate": 0.75}
    with pytest.raises(ValueError, match="score at least one question"):
        aggregate([])
