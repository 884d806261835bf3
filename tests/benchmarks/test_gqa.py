import json

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

GQA = benchmark("gqa/balanced")


def question(**changes):
    types = {"structural": "verify", "semantic": "obj", "detailed": "existC"}
    return {"question": "Is it red?", "answer": "yes", "imageId": "n7", "types": types, "isBalanced": True, **changes}


@pytest.fixture
def write(tmp_path):
    """Write questions of test-dev and one photo; return the data root."""

    def run(content, folder="gqa/questions1.2", photo="n7.jpg"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "gqa" / "images").mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "testdev_balanced_questions.json").write_text(json.dumps(content))
        Image.new("CMYK", (6, 4)).save(tmp_path / "gqa" / "images" / photo)
        return tmp_path

    return run


def opened(root):
    return GQA.open(root, "testdev_balanced", "official")


@pytest.mark.parametrize("folder", ["gqa/questions1.2", "gqa/questions", "gqa"])
def test_a_question_is_a_sample_with_its_types(write, folder):
    root = write({"201": question(), "1002": question(question="Which colour?", answer="red", types=None)}, folder)
    split = opened(root)
    assert [s.id for s in split.samples] == [f"gqa/balanced/testdev_balanced/question-{n}" for n in ("201", "1002")]
    first, second = split.samples
    assert (first.question, first.target.answers, first.image_id) == ("Is it red?", ("yes",), "n7")
    assert (first.tags, second.tags) == ({"structural": "verify", "semantic": "obj"}, {})
    assert first.image.open_rgb().size == (6, 4)
    assert (split.expected, split.complete) == (12_578, False)
    assert GQA.found(root) == {"testdev_balanced": 2}


def test_a_second_start_gives_the_same_and_another_answer_another_fingerprint(write):
    first = opened(write({"1": question()}))
    assert opened(write({"1": question()})) == first
    assert opened(write({"1": question(answer="no")})).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "must be an object of questions"),
        ({}, "must be an object of questions"),
        ({"1": 3}, "question 1 must be an object"),
        ({"1": question(answer=None)}, "question 1: answer must be a text, got None"),
        ({"1": question(question=" ")}, "question 1: question must be a text"),
        ({"1": question(imageId=7)}, "question 1: imageId must be a text"),
        ({"1": question(imageId="../n7")}, "must be a plain name"),
        ({"1": question(types="verify")}, "question 1: types must be an object"),
        ({"1": question(imageId="n8")}, r"1 of 1 photos are missing \(n8.jpg\)"),
    ],
)
def test_broken_files_are_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        opened(write(content))


def test_a_photo_that_is_none_and_text_that_is_not_utf8_are_told(write):
    root = write({"1": question()})
    (root / "gqa" / "images" / "n7.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"n7\.jpg is no image"):
        opened(root)
    (root / "gqa" / "questions1.2" / "testdev_balanced_questions.json").write_bytes(b'{"1": "\xff"}')
    with pytest.raises(DataError, match="is not utf-8 text"):
        opened(root)


def test_missing_files_and_unknown_splits_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"questions1\.2/testdev_balanced_questions\.json is missing"):
        GQA.found(tmp_path)
    with pytest.raises(DataError, match=r"questions1\.2/val_balanced_questions\.json is missing"):
        GQA.open(tmp_path, "val_balanced", "official")
    with pytest.raises(UnknownName, match="did you mean testdev_balanced"):
        GQA.open(tmp_path, "testdev", "official")
