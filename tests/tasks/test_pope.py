"""The task `pope` through the command line, on the sample world."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

SPLITS = ["random", "popular", "adversarial"]


def test_the_oracle_is_perfect_on_every_split(refbench, small_world):
    done = refbench("eval", "--task", "pope", "--model", "oracle", "--data-root", small_world, "--json")
    assert [row["split"] for row in done.json["rows"]] == SPLITS
    for row in done.json["rows"]:
        assert {row["metrics"][key] for key in ("accuracy", "precision", "recall", "f1")} == {1.0}


def test_always_yes_is_right_half_the_time(refbench, small_world):
    done = refbench("eval", "--task", "pope", "--model", "constant", "--data-root", small_world, "--json")
    for row in done.json["rows"]:
        assert row["metrics"] == pytest.approx(
            {"accuracy": 0.5, "precision": 0.5, "recall": 1.0, "f1": 2 / 3, "yes_ratio": 1.0}
        )
        low, high = row["intervals"]["f1"]
        assert low == high == pytest.approx(2 / 3, abs=1e-6)  # every photo has as many yes as no


def test_a_model_without_words_is_refused(refbench, tmp_path, small_world):
    (tmp_path / "config.json").write_text("{}")
    done = refbench("eval", "--task", "pope", "--weights", tmp_path, "--data-root", small_world)
    assert (done.code, done.out) == (2, "")
    assert "refvlm answers with box, mask, but task pope needs text" in done.err


def test_answers_of_another_program_are_scored_and_absent_ones_are_wrong(refbench, small_world, tmp_path):
    lines = [json.loads(each) for each in (small_world / "pope" / "coco_pope_random.json").read_text().splitlines()]
    answers = [
        {"sample_id": f"pope/coco/random/question-{each['question_id']}", "text": f"{each['label'].title()}, it is so."}
        for each in lines
    ]
    answers[0]["text"] = None
    (path := tmp_path / "answers.jsonl").write_text("".join(json.dumps(each) + "\n" for each in answers[:-1]))
    done = refbench("score", "--task", "pope", "--predictions", path, "--data-root", small_world, "--json")
    # the official parser looks for "No" as a word: "Yes" and "No" are read from the first sentence
    assert done.json["metrics"]["accuracy"] == pytest.approx(1 - 2 / len(lines))
    assert (done.json["n"], done.json["missing"], done.json["malformed"]) == (len(lines), 1, 1)


def test_a_task_whose_kind_does_not_fit_its_data_is_refused(refbench, small_world, tmp_path):
    (tmp_path / "mine").mkdir()
    text = "kind: rec\nbenchmark: pope/coco\nsplits: [random]\nprompt: locate_expression\ndescription: wrong\n"
    (tmp_path / "mine" / "wrong.yaml").write_text(text)
    words = ("--include", tmp_path / "mine", "--data-root", small_world, "--model", "constant")
    done = refbench("eval", "--task", "wrong", *words)
    assert done.code == 2
    assert "has a TextTarget but the task needs a Target" in done.err


REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data/pope"


@pytest.fixture
def real_pope(tmp_path):
    """The real questions of split random, with blank photos."""
    lines = [json.loads(line) for line in (REAL / "coco_pope_random.json").read_text().splitlines()]
    (photos := tmp_path / "data" / "images" / "val2014").mkdir(parents=True)
    (tmp_path / "data" / "pope").mkdir()
    (tmp_path / "data" / "pope" / "coco_pope_random.json").write_bytes((REAL / "coco_pope_random.json").read_bytes())
    for name in {line["image"] for line in lines}:
        Image.new("L", (5, 4)).save(photos / name)
    return tmp_path / "data", lines


@pytest.mark.skipif(not REAL.is_dir(), reason="the official files are not here")
@pytest.mark.parametrize("ids", [False, True])
def test_answer_files_in_the_official_form_score_as_the_metric_scores_them(refbench, real_pope, tmp_path, ids):
    root, lines = real_pope
    answers = [
        {"question": line["text"], "answer": "Yes, there is." if k % 3 else "no"}
        | ({"question_id": line["question_id"]} if ids else {})
        for k, line in enumerate(lines)
    ]
    (path := tmp_path / "answers.json").write_text(
        "".join(json.dumps(each) + "\n" for each in answers[:: -1 if ids else 1])
    )
    done = refbench("score", "--task", "pope", "--predictions", path, "--data-root", root, "--json").json
    official = refbench("score", "pope", "--targets", REAL / "coco_pope_random.json", "--predictions", path, "--json")
    assert done["n"] == 3_000
    assert done["metrics"] == official.json["metrics"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the official files are not here")
def test_the_official_example_answers_too_few_questions(refbench, real_pope):
    done = refbench(
        "score", "--task", "pope", "--predictions", REAL / "answer_example.json", "--data-root", real_pope[0]
    )
    assert done.code == 2
    assert "has 1 answers to 3000 questions: give every line a question_id" in done.err


def test_lines_that_answer_other_questions_are_refused(refbench, small_world, tmp_path):
    asked = [json.loads(each) for each in (small_world / "pope" / "coco_pope_random.json").read_text().splitlines()]
    lines = [json.dumps({"question": each["text"], "answer": "yes"}) + "\n" for each in asked]
    (path := tmp_path / "answers.json").write_text("".join([*lines[1:], lines[0]]))
    words = ("--predictions", path, "--data-root", small_world, "--split", "random")
    done = refbench("score", "--task", "pope", *words)
    assert done.code == 2
    assert f"{path}:1: must answer {asked[0]['text']!r}" in done.err


def test_the_protocol_chooses_the_parser(refbench, small_world, tmp_path):
    text = "kind: pope\nbenchmark: pope/coco\nsplits: [random]\nprompt: answer_yes_or_no\ndescription: mine\n"
    (tmp_path / "mine").mkdir()
    asked = [json.loads(each) for each in (small_world / "pope" / "coco_pope_random.json").read_text().splitlines()]
    lines = [json.dumps({"question_id": each["question_id"], "answer": "There is no such thing."}) for each in asked]
    (path := tmp_path / "answers.json").write_text("\n".join(lines))
    accuracy = {}
    for parser in ("official", "strict", "loose"):
        (tmp_path / "mine" / "mine.yaml").write_text(f"{text}protocol: {{parser: {parser}}}\n")
        words = ("--include", tmp_path / "mine", "--predictions", path, "--data-root", small_world, "--json")
        accuracy[parser] = refbench("score", "--task", "mine", *words)
    assert accuracy["official"].json["metrics"]["accuracy"] == 0.5  # a "no" in the first sentence
    assert accuracy["strict"].json["metrics"]["accuracy"] == 0  # no first word yes or no
    assert "protocol option parser is 'loose', not one of official, strict" in accuracy["loose"].err
