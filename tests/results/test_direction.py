"""Directions of numbers: what the papers' arrows say."""

import pytest

from metrics.registry import metrics
from results.direction import better


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("acc@0.5", "higher"),
        ("ciou", "higher"),
        ("t_acc", "higher"),
        ("cider", "higher"),
        ("delta1", "higher"),
        ("abs_rel", "lower"),
        ("rmse", "lower"),
        ("log10", "lower"),
        ("mae", "lower"),
        ("ordinal_error", "lower"),
        ("epe", "lower"),
        ("nme", "lower"),
        ("count_mae", "lower"),
        ("yes_ratio", "none"),
        ("a number of a user's own", "higher"),
    ],
)
def test_directions_are_those_of_the_papers(key, expected):
    assert better(key) == expected


def test_a_metric_says_the_direction_of_its_own_headline():
    for metric in metrics():
        assert better(metric.headline, [metric.name]) == ("higher" if metric.higher_is_better else "lower")


def test_a_metric_that_lacks_the_key_leaves_it_to_the_others():
    assert better("abs_rel", ["rec"]) == "lower"
