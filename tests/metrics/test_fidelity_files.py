import json

import pytest

from metrics.errors import DataError
from metrics.fidelity_files import score

DOG, CATS = {"phrase": "a dog", "unit": "box", "count": 1}, {"phrase": "cats", "unit": "mask", "count": 3}
TARGETS = [{"id": "a", "groups": [DOG, CATS]}, {"id": "b", "groups": []}]
ANSWERS = [
    {"id": "a", "parsed": True, "plan": [CATS, DOG], "body": [DOG, CATS]},
    {"id": "b", "parsed": True, "plan": [], "body": [], "refused": True},
]


@pytest.fixture
def scored(tmp_path):
    def run(answers=ANSWERS, targets=TARGETS):
        paths = tmp_path / "targets.jsonl", tmp_path / "answers.jsonl"
        for path, rows in zip(paths, (targets, answers), strict=True):
            path.write_text("\n".join(map(json.dumps, rows)) or "[]")
        return score(*paths, {})

    return run


def test_right_answers_are_perfect(scored):
    report = scored()
    shares = {key: value for key, value in report.metrics.items() if "mae" not in key}
    assert (report.n, report.missing, report.malformed, set(shares.values())) == (2, 0, 0, {1.0})
    assert (report.metrics["count_mae"], report.metrics["plan_count_mae"]) == (0, 0)


def test_one_wrong_count_by_hand(scored):
    fewer = {**CATS, "count": 1}
    report = scored([{**ANSWERS[0], "body": [DOG, fewer], "ordered": False}, ANSWERS[1]])
    # Two samples: the body of the first lacks two cats, and disagrees with its plan by them.
    assert report.metrics == {
        "parse_rate": 1.0, "plan_agreement": 0.5, "count_mae": 1.0, "reference_order": 0.5,
        "unit_accuracy": 1.0, "refusal_accuracy": 1.0, "plan_count_mae": 1.0,
    }  # fmt: skip


def test_missing_and_unparsable_answers_stay_with_the_worst_score(scored):
    report = scored([{"id": "a", "parsed": False}, {"id": "z", "parsed": False}])
    assert (report.n, report.missing, report.malformed) == (2, 1, 1)
    assert (report.metrics["parse_rate"], report.metrics["refusal_accuracy"], report.metrics["count_mae"]) == (0, 0, 2)
    assert report.notes == ("1 answers belong to no sample: not scored",)


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ([{"parsed": True}], "answers.jsonl:1: its id is None"),
        ([ANSWERS[0], ANSWERS[0]], "id 'a' occurs again, after .*answers.jsonl:1"),
        ([{"id": "a", "parsed": 1}], "parsed is 1 but must be true or false"),
        ([{"id": "a", "parsed": True, "plan": []}], "needs a list body"),
        ([{**ANSWERS[0], "plan": [{**DOG, "count": 1.5}]}], r"plan\[0\] needs"),
        ([{**ANSWERS[0], "plan": ["a dog"]}], r"plan\[0\] needs"),
    ],
)
def test_a_broken_line_is_named(scored, answers, text):
    with pytest.raises(DataError, match=text):
        scored(answers)


def test_targets_without_samples_are_refused(scored):
    with pytest.raises(DataError, match="holds no samples"):
        scored(targets=[])
