import json
import os
from pathlib import Path

import pytest

from metrics.errors import DataError
from metrics.vqa_files import read_questions, score

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))


def annotators(*texts):
    return [{"answer": text, "answer_confidence": "yes", "answer_id": i} for i, text in enumerate(texts, start=1)]


TRUTH = {
    "annotations": [
        {"question_id": 1, "answers": annotators(*["yes"] * 10), "answer_type": "yes/no", "question_type": "is"},
        {"question_id": 2, "answers": annotators(*["2"] * 9, "two"), "answer_type": "number", "question_type": "how"},
        {"question_id": 3, "answers": annotators(*["red"] * 10), "answer_type": "other", "question_type": "what"},
    ]
}
GOOD = [{"question_id": 3, "answer": "red"}, {"question_id": 1, "answer": "yes"}, {"question_id": 2, "answer": "two"}]


@pytest.fixture
def scored(tmp_path):
    def run(truth=TRUTH, answers=GOOD, **options):
        for name, content in (("truth.json", truth), ("answers.json", answers)):
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return score(tmp_path / "truth.json", tmp_path / "answers.json", options)

    return run


def test_right_answers_score_one_and_types_are_listed(scored):
    report = scored()
    assert report.metrics == {"accuracy": 1.0}
    assert report.per_class["answer_type: number"] == {"accuracy": 1.0, "n": 1.0}
    assert list(report.per_class)[:3] == ["answer_type: number", "answer_type: other", "answer_type: yes/no"]
    assert report.notes == ()


def test_missing_and_odd_answers_stay_in_the_denominator(scored):
    report = scored(answers=[GOOD[1], {"question_id": 2, "answer": 2}])
    assert (report.n, report.missing, report.malformed) == (3, 1, 1)
    assert report.metrics["accuracy"] == pytest.approx(1 / 3)
    assert "first: 3" in report.notes[0] and "question 2" in report.notes[1]


def test_the_variant_is_named(scored):
    assert scored(variant="lavis").protocol == "vqa/1 variant=lavis"
    with pytest.raises(DataError, match="option variant=other"):
        scored(variant="other")


def test_answers_that_nothing_tells_apart_are_noted(scored):
    truth = {"annotations": [{"question_id": 1, "answers": [{"answer": "yes"}] * 10}]}
    report = scored(truth, GOOD[1:2])
    assert report.metrics["accuracy"] == 0.0
    assert "nothing tells apart" in report.notes[0]
    assert report.per_class is None


def test_another_number_of_annotators_is_noted(scored):
    truth = {"annotations": [{"question_id": 1, "answers": annotators("yes", "yes")}]}
    assert "do not have 10 answers" in scored(truth, GOOD[1:2]).notes[0]


@pytest.mark.parametrize(
    ("truth", "answers", "message"),
    [
        (TRUTH, "", "answers.json is empty"),
        (TRUTH, {}, "must be a list"),
        (TRUTH, [{"question_id": 1}], "entry 0 needs question_id and answer"),
        (TRUTH, [GOOD[0], GOOD[0]], "question 3 has two answers"),
        (TRUTH, [{"question_id": 9, "answer": ""}], "answers no question of truth.json"),
        ({}, GOOD, 'no list "annotations"'),
        ({"annotations": []}, GOOD, 'no list "annotations"'),
        ({"annotations": [{"question_id": 1, "answers": []}]}, GOOD, r"annotations\[0\] needs"),
        ({"annotations": [{"question_id": 1, "answers": [{"text": "a"}]}]}, GOOD, "question 1"),
        ({"annotations": [TRUTH["annotations"][0]] * 2}, GOOD, "question 1 is annotated twice"),
    ],
)
def test_broken_files_are_named(scored, truth, answers, message):
    with pytest.raises(DataError, match=message):
        scored(truth, answers)


def test_textvqa_files_hold_plain_texts(scored):
    truth = {"data": [{"question_id": 1, "answers": ["yes"] * 10}]}
    assert scored(truth, GOOD[1:2]).metrics == {"accuracy": 1.0}


@pytest.mark.parametrize("name", ["TextVQA_0.5.1_val.sample.json", "v2_mscoco_val2014_annotations.sample.json"])
def test_official_files_score_their_most_common_answer_best(tmp_path, name):
    path = SHARED / "data/vqa_samples" / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    questions = read_questions(path)
    assert len(questions) == 100

    def accuracy(pick):
        rows = [{"question_id": q.question_id, "answer": pick(q.annotators)} for q in questions]
        (tmp_path / "answers.json").write_text(json.dumps(rows))
        return score(path, tmp_path / "answers.json", {}).metrics["accuracy"]

    commonest = accuracy(lambda texts: max(texts, key=texts.count))
    rarest = accuracy(lambda texts: min(texts, key=texts.count))
    assert rarest < commonest <= 1
    assert accuracy(lambda texts: "no such answer") == 0
