import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import meteor
from metrics.captions import aggregate, measure_all
from metrics.errors import DataError

CANDIDATES = ["A dog runs on the grass.", "Two cats sit on a mat!", ""]
REFERENCES = [["A dog runs on the grass"], ["two cats sat on the mat", "cats on a mat"], ["a bird, flying"]]


def test_case_and_punctuation_do_not_count():
    rows = measure_all(CANDIDATES[:2], [["a dog runs on the grass"], ["two cats sit on a mat"]], with_meteor=False)
    scores = aggregate(rows)
    assert scores["bleu4"] == pytest.approx(1.0)
    assert scores["rouge_l"] == 1.0
    assert scores["cider"] == pytest.approx(10.0)
    assert "meteor" not in scores


def test_no_caption_scores_nothing_but_counts():
    rows = measure_all(CANDIDATES, REFERENCES, with_meteor=False)
    assert rows[2]["rouge_l"] == rows[2]["cider"] == rows[2]["words"] == 0
    with_two = aggregate(rows[:2])
    assert all(aggregate(rows)[key] < with_two[key] for key in ("bleu1", "rouge_l", "cider"))


@settings(deadline=None)
@given(st.permutations(range(3)))
def test_images_may_come_in_any_order(order):
    rows = measure_all(CANDIDATES, REFERENCES, with_meteor=False)
    shuffled = measure_all([CANDIDATES[i] for i in order], [REFERENCES[i] for i in order], with_meteor=False)
    assert shuffled == [pytest.approx(rows[i]) for i in order]
    assert aggregate(shuffled) == pytest.approx(aggregate(rows))


def test_an_empty_set_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        aggregate([])


@pytest.mark.skipif(meteor.unavailable() is not None, reason="needs Java and pycocoevalcap")
def test_meteor_joins_where_it_can_be_computed():
    assert list(aggregate(measure_all(CANDIDATES, REFERENCES)))[4] == "meteor"


def test_meteor_is_not_imitated_where_it_cannot_be_computed(monkeypatch):
    monkeypatch.setattr(meteor, "unavailable", lambda: "there is no java")
    assert "meteor" not in aggregate(measure_all(CANDIDATES, REFERENCES))
    with pytest.raises(DataError, match="there is no java"):
        measure_all(CANDIDATES, REFERENCES, with_meteor=True)
