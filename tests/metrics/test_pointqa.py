import pytest

from metrics.pointqa import aggregate, measure


@pytest.mark.parametrize(
    ("answer", "target", "vip", "shikra", "vqa"),
    [
        ("4", "4", 1, 0, 1),
        (" Red\n", "red", 1, 0, 1),
        ("4.", "4", 0, 0, 1),
        ("four", "4", 0, 0, 1),
        ("The answer is 4 .", "4", 0, 1, 0),
        ("I count. The answer is 4.", "4", 0, 1, 0),
        ("The answer is 4. The answer is 4.", "4", 0, 0, 0),  # Shikra reads none where there are two
        ("The answer is Red.", "red", 0, 0, 0),
        ("5", "4", 0, 0, 0),
        ("", "4", 0, 0, 0),
        (None, "4", 0, 0, 0),
    ],
)
def test_what_each_comparison_ignores(answer, target, vip, shikra, vqa):
    scores = [measure(answer, target, match)["score"] for match in ("vip", "shikra", "vqa")]
    assert scores == [vip, shikra, vqa]


def test_accuracy_is_the_share_of_right_answers_and_nothing_is_wrong():
    rows = [measure("4", "4"), measure("3", "4"), measure(None, "4"), measure("red", "red")]
    assert aggregate(rows) == {"accuracy": 0.5}
    assert [row["missing"] for row in rows] == [0, 0, 1, 0]
    with pytest.raises(ValueError, match="score at least one question"):
        aggregate([])
