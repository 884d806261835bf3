import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import bleu
from metrics.ngrams import count

CAPTION = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)
IMAGES = st.lists(st.tuples(CAPTION, st.lists(CAPTION, min_size=1, max_size=4)), min_size=1, max_size=6)


def test_clipping_and_the_closest_reference_by_eye():
    row = bleu.measure("the the the", ["the cat", "the cat sat on it"])
    assert row == {"words": 3, "reference_words": 2, "match1": 1, "match2": 0, "match3": 0, "match4": 0}
    assert bleu.measure("a b c", ["a b", "a b c d"])["reference_words"] == 2  # of equally close ones the shorter


def test_a_short_corpus_pays_the_brevity_penalty_once():
    rows = [bleu.measure("a b", ["a b c d"]), bleu.measure("a b c d", ["a b c d"])]
    assert bleu.aggregate(rows)["bleu1"] == pytest.approx(2.718281828459045 ** (1 - 8 / 6))


@given(IMAGES)
def test_equals_coco_caption(images):
    official = pytest.importorskip("pycocoevalcap.bleu.bleu")
    candidates, references = [c for c, _ in images], [r for _, r in images]
    want, per_image = official.Bleu(4).compute_score(
        dict(enumerate(references)), {i: [c] for i, c in enumerate(candidates)}, verbose=0
    )
    rows = bleu.measure_all(count(candidates, references))
    # 1e-10 is the tolerance of the golden files; relative, because empty matches give scores around 1e-16.
    assert list(bleu.aggregate(rows).values()) == pytest.approx(want, rel=1e-10)
    for n in range(4):
        assert [bleu.aggregate([row])[f"bleu{n + 1}"] for row in rows] == pytest.approx(per_image[n], rel=1e-10)


@given(IMAGES, st.randoms())
def test_rows_may_come_in_any_order(images, rng):
    rows = bleu.measure_all(count([c for c, _ in images], [r for _, r in images]))
    shuffled = rng.sample(rows, len(rows))
    assert bleu.aggregate(shuffled) == bleu.aggregate(rows)
