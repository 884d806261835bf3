import pytest

from benchmarks.schema import Group, Instance, Prediction
from tasks.rec import measure


@pytest.fixture
def sample(toy, tmp_path):
    """Its box is 0, 0, 9, 8."""
    return toy.make_split(tmp_path, 1).samples[0]


def answer(*boxes, status="ok"):
    return Prediction("s", status, groups=tuple(Group("thing", "box", (Instance(box_xyxy=box),)) for box in boxes))


def test_the_first_box_counts_never_any_other(sample):
    right, wrong = sample.target.box_xyxy, (20.0, 20.0, 22.0, 22.0)
    assert measure(sample, answer(right, wrong))["rec"]["iou"] == 1
    assert measure(sample, answer(wrong, right))["rec"]["iou"] == 0


@pytest.mark.parametrize("status", ["failed", "parse_error"])
def test_an_answer_that_is_not_ok_is_wrong_even_with_a_box(sample, status):
    assert measure(sample, answer(sample.target.box_xyxy, status=status))["rec"] == {
        "iou": 0,
        "missing": 1,
        "malformed": 0,
    }


def test_an_answer_without_a_box_is_missing_and_a_swapped_one_malformed(sample):
    assert measure(sample, answer())["rec"]["missing"] == 1
    assert measure(sample, answer((9.0, 8.0, 0.0, 0.0)))["rec"]["malformed"] == 1
