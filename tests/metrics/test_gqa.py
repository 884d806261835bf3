import json

import pytest

from metrics.errors import DataError
from metrics.gqa import aggregate, measure, score

TRUTH = {
    "07": {"answer": "yes", "types": {"structural": "verify", "semantic": "attr"}},
    "08": {"answer": "t-shirt", "types": {"structural": "query", "semantic": "obj"}},
    "09": {"answer": "red"},
}
GOOD = [{"questionId": "07", "prediction": "Yes."}, {"questionId": "08", "prediction": "t shirt"},
        {"questionId": "09", "prediction": "red"}]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "target", "exact", "llava", "lmms"),
    [
        ("red", "red", 1, 1, 1),
        ("Red", "red", 0, 1, 1),
        ("red.", "red", 0, 1, 1),
        ("re-d!", "red", 0, 0, 1),
        ("blue", "red", 0, 0, 0),
        (None, "red", 0, 0, 0),
    ],
)
def test_variants_ignore_more_and_more(answer, target, exact, llava, lmms):
    assert [measure(answer, target, match)["score"] for match in ("exact", "llava", "lmms")] == [exact, llava, lmms]


def test_aggregate_keeps_missing_answers():
    assert aggregate([measure("a", "a"), measure(None, "a")]) == {"accuracy": 0.5}
    with pytest.raises(ValueError, match="at least one question"):
        aggregate([])


@pytest.fixture
def scored(tmp_path):
    def run(truth=TRUTH, answers=GOOD, **options):
        for name, content in (("truth.json", truth), ("answers.json", answers)):
            (tmp_path / name).write_text(json.dumps(content))
        return score(tmp_path / "truth.json", tmp_path / "answers.json", options)

    return run


def test_official_files_are_read(scored):
    report = scored()
    assert report.metrics["accuracy"] == pytest.approx(1 / 3)
    assert scored(match="llava").metrics["accuracy"] == pytest.approx(2 / 3)
    assert report.per_class["binary"] == {"accuracy": 0.0, "n": 1.0}
    assert set(report.per_class) == {
        "binary", "open", "semantic: attr", "semantic: obj", "structural: query", "structural: verify",
    }  # fmt: skip
    assert scored(answers=GOOD[2:]).missing == 2


@pytest.mark.parametrize(
    ("truth", "answers", "message"),
    [
        ([], GOOD, "must be an object"),
        ({"1": {"question": "?"}}, GOOD, "question '1' has no answer"),
        (TRUTH, [*GOOD, GOOD[0]], "question '07' has two answers"),
        (TRUTH, [{"questionId": "1", "prediction": "a"}], "answers no question"),
        (TRUTH, [{"question_id": "1", "answer": "a"}], "needs questionId and prediction"),
    ],
)
def test_broken_files_are_named(scored, truth, answers, message):
    with pytest.raises(DataError, match=message):
        scored(truth, answers)
