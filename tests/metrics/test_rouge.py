import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import rouge

CAPTION = st.lists(st.sampled_from("abcd"), max_size=12).map(" ".join)


def test_subsequences_by_eye():
    # LCS "a c d" of length 3: precision 3/4, recall 3/3
    precision, recall, weight = 3 / 4, 1.0, 1.44
    want = (1 + weight) * precision * recall / (recall + weight * precision)
    assert rouge.measure("a b c d", ["a c d"])["rouge_l"] == pytest.approx(want)
    assert rouge.measure("x", ["a"])["rouge_l"] == 0
    assert rouge.measure("a b", ["a b"])["rouge_l"] == 1


@given(CAPTION, st.lists(CAPTION, min_size=1, max_size=4))
def test_equals_coco_caption(candidate, references):
    official = pytest.importorskip("pycocoevalcap.rouge.rouge")
    want = official.Rouge().calc_score([candidate], references)
    assert rouge.measure(candidate, references)["rouge_l"] == pytest.approx(want, abs=1e-12)  # same formula in floats


def test_aggregate_is_the_mean_and_zero_without_images():
    assert rouge.aggregate([{"rouge_l": 1.0}, {"rouge_l": 0.0}]) == {"rouge_l": 0.5}
    assert rouge.aggregate([]) == {"rouge_l": 0.0}
