import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import cider
from metrics.ngrams import count

CAPTION = st.lists(st.sampled_from("abcde"), max_size=9).map(" ".join)
IMAGES = st.lists(st.tuples(CAPTION, st.lists(CAPTION, min_size=1, max_size=4)), min_size=2, max_size=6)


def test_one_image_scores_zero_because_nothing_is_rare():
    assert cider.measure_all(count(["a b c d"], [["a b c d"]])) == [{"cider": 0.0}]


def test_a_repeated_reference_scores_ten():
    rows = cider.measure_all(count(["a b c d", "e f g h"], [["a b c d"], ["e f g h"]]))
    assert [row["cider"] for row in rows] == pytest.approx([10.0, 10.0])


def test_a_word_in_every_image_weighs_nothing():
    rows = cider.measure_all(count(["the", "the"], [["the cat"], ["the dog"]]))
    assert cider.aggregate(rows) == {"cider": 0.0}


@given(IMAGES)
def test_equals_coco_caption(images):
    official = pytest.importorskip("pycocoevalcap.cider.cider_scorer")
    candidates, references = [c for c, _ in images], [r for _, r in images]
    scorer = official.CiderScorer()
    for candidate, own in zip(candidates, references, strict=True):
        scorer += (candidate, own)
    scorer.compute_doc_freq()
    want = scorer.compute_cider()
    rows = cider.measure_all(count(candidates, references))
    # 1e-8 is the tolerance of the golden files: logarithms and sums are taken in another order.
    assert [row["cider"] for row in rows] == pytest.approx(want, abs=1e-8)
    assert cider.aggregate(rows)["cider"] == pytest.approx(float(np.mean(want)), abs=1e-8)
