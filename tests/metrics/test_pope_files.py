import json
import os
from pathlib import Path

import pytest

from metrics.errors import DataError
from metrics.pope_files import score

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
QUESTIONS = [
    {"question_id": n, "image": "a.jpg", "text": f"Is there a {thing}?", "label": label}
    for n, (thing, label) in enumerate([("dog", "yes"), ("cat", "no"), ("car", "no"), ("cup", "yes")], start=1)
]
ANSWERS = [{"question_id": n, "answer": text} for n, text in [(4, "yes"), (2, "no"), (3, "no"), (1, "maybe")]]


def lines(path, rows):
    path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def scored(tmp_path):
    def run(questions=QUESTIONS, answers=ANSWERS, **options):
        return score(lines(tmp_path / "q.json", questions), lines(tmp_path / "a.jsonl", answers), options)

    return run


def test_answers_join_by_id_in_any_order(scored):
    official, strict = scored(), scored(parser="strict")
    assert official.metrics["accuracy"] == 1.0
    assert strict.metrics["accuracy"] == 0.75
    assert official.protocol == "pope/1 parser=official"
    for report in (official, strict):
        assert report.notes[0].startswith("1 of 4 answers do not begin with yes or no")


def test_missing_odd_and_extra_answers_are_counted(scored):
    report = scored(answers=[*ANSWERS[:2], {"question_id": 3, "answer": None}, {"question_id": 9, "answer": "yes"}])
    assert (report.n, report.missing, report.malformed) == (4, 1, 1)
    assert report.metrics["accuracy"] == 0.5
    assert any("2 questions have no usable answer" in note for note in report.notes)
    assert any("1 answers belong to no question" in note for note in report.notes)


def test_answers_without_ids_join_by_line(scored):
    texts = ["yes", "no", "no", "yes"]
    answers = [{"question": q["text"].lower(), "answer": t} for q, t in zip(QUESTIONS, texts, strict=True)]
    report = scored(answers=answers)
    assert report.metrics["accuracy"] == 1.0
    assert "joined by line" in report.notes[-1]
    with pytest.raises(DataError, match=r"a.jsonl:1: answers 'is there a cat\?'"):
        scored(answers=[answers[1], answers[0], *answers[2:]])
    with pytest.raises(DataError, match=r"3 answers but q.json 4 questions"):
        scored(answers=answers[:3])


def test_a_folder_gives_the_mean_over_its_files(tmp_path):
    for kind, answers in (("random", ANSWERS), ("popular", ANSWERS[:2])):
        (tmp_path / "q").mkdir(exist_ok=True)
        (tmp_path / "a").mkdir(exist_ok=True)
        lines(tmp_path / f"q/coco_pope_{kind}.json", QUESTIONS)
        lines(tmp_path / f"a/coco_pope_{kind}.jsonl", answers)
    report = score(tmp_path / "q", tmp_path / "a", {})
    assert report.per_class["coco_pope_random"]["accuracy"] == 1.0
    assert report.per_class["coco_pope_popular"]["accuracy"] == 0.5
    assert report.metrics["accuracy"] == 0.75
    assert (report.n, report.missing) == (8, 2)
    (tmp_path / "a/coco_pope_random.jsonl").unlink()
    with pytest.raises(DataError, match=r"coco_pope_random.json is missing"):
        score(tmp_path / "q", tmp_path / "a", {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no .json"):
        score(tmp_path / "empty", tmp_path / "a", {})


@pytest.mark.parametrize(
    ("questions", "answers", "message"),
    [
        (QUESTIONS, "", "a.jsonl is empty"),
        (QUESTIONS, "{\n", "a.jsonl:1: not a JSON object"),
        (QUESTIONS, [{"question_id": 1}], 'a.jsonl:1: lacks "answer"'),
        (QUESTIONS, "3\n", "a.jsonl:1: holds int instead of a JSON object"),
        (QUESTIONS, "[]", "a.jsonl is an empty list"),
        (QUESTIONS, [ANSWERS[0], ANSWERS[0]], "question_id 4 occurs twice"),
        (QUESTIONS, [{"question_id": None, "answer": ""}], "question_id None"),
        ([{**QUESTIONS[0], "label": "Yes"}], ANSWERS, "question 1 has label 'Yes'"),
    ],
)
def test_broken_files_are_named(scored, questions, answers, message):
    with pytest.raises(DataError, match=message):
        scored(questions, answers)


@pytest.mark.parametrize("name", ["coco_pope_random.json", "coco_pope_popular.json"])
def test_official_questions_are_balanced_and_bounded_by_constant_answers(tmp_path, name):
    path = SHARED / "data/pope" / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    def report(pick):
        return score(path, lines(tmp_path / "a.jsonl", [{**row, "answer": pick(row)} for row in rows]), {}).metrics

    truth = report(lambda row: row["label"])
    assert truth == {"accuracy": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0, "yes_ratio": 0.5}
    always = report(lambda row: "Yes, there is.")
    assert (always["accuracy"], always["recall"], always["yes_ratio"]) == (0.5, 1.0, 1.0)
