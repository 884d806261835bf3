import pytest

from benchmarks.schema import Group, Instance, Prediction
from tasks.res import measure


@pytest.fixture
def sample(toy, tmp_path):
    """Its mask is the box 0, 0, 9, 8: 72 pixels."""
    return toy.make_split(tmp_path, 1).samples[0]


def answer(*masks, status="ok"):
    return Prediction("s", status, groups=tuple(Group("thing", "mask", (Instance(mask_rle=mask),)) for mask in masks))


def test_several_masks_count_as_their_union(sample, toy):
    left, right = toy.rle_of((0, 0, 5, 8)), toy.rle_of((4, 0, 9, 8))
    row = measure(sample, answer(left, right))["res"]
    assert (row["inter"], row["union"]) == (72, 72)


def test_one_mask_is_taken_as_it_is(sample, toy):
    row = measure(sample, answer(toy.rle_of((0, 0, 5, 8))))["res"]
    assert (row["inter"], row["union"]) == (40, 72)


@pytest.mark.parametrize("status", ["failed", "parse_error"])
def test_an_answer_that_is_not_ok_counts_as_an_empty_mask(sample, status):
    row = measure(sample, answer(sample.target.mask_rle, status=status))["res"]
    assert (row["inter"], row["union"], row["missing"]) == (0, 72, 1)


def test_an_answer_without_a_mask_is_missing(sample):
    assert measure(sample, answer())["res"]["missing"] == 1
