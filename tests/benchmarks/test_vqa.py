import json
import os
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data/vqa_samples"


def question(number=5, image_id=7, text="What is it?"):
    return {"question_id": number, "image_id": image_id, "question": text}


def annotation(number=5, image_id=7, answers=("cat", "a cat"), kind="other"):
    texts = [{"answer": answer, "answer_confidence": "yes", "answer_id": k} for k, answer in enumerate(answers)]
    return {"question_id": number, "image_id": image_id, "answers": texts, "answer_type": kind}


@pytest.fixture
def write(tmp_path):
    """Write both files of VQA v2 and the photos they name; return the data root."""

    def run(questions, annotations):
        (tmp_path / "vqav2").mkdir(exist_ok=True)
        (tmp_path / "images" / "val2014").mkdir(parents=True, exist_ok=True)
        for name, key, content in (
            ("v2_OpenEnded_mscoco_val2014_questions", "questions", questions),
            ("v2_mscoco_val2014_annotations", "annotations", annotations),
        ):
            (tmp_path / "vqav2" / f"{name}.json").write_text(json.dumps({key: content}))
        for number in {7, *(each["image_id"] for each in questions if isinstance(each, dict))}:
            Image.new("RGB", (6, 4)).save(tmp_path / "images" / "val2014" / f"COCO_val2014_{number:012d}.jpg")
        return tmp_path

    return run


def opened(root):
    return benchmark("vqav2/val2014").open(root, "val", "official")


def test_a_question_is_a_sample_with_all_its_answers(write):
    split = opened(write([question(9), question()], [annotation(), annotation(9, answers=["no"], kind="yes/no")]))
    assert [sample.id for sample in split.samples] == ["vqav2/val2014/val/question-9", "vqav2/val2014/val/question-5"]
    assert split.samples[1].target.answers == ("cat", "a cat")
    assert (split.samples[0].tags, split.samples[0].image_id) == ({"answer_type": "yes/no"}, "7")
    assert (split.expected, split.complete) == (214_354, False)


def test_a_second_start_gives_the_same_and_another_answer_another_fingerprint(write):
    first = opened(write([question()], [annotation()]))
    assert opened(write([question()], [annotation()])) == first
    assert opened(write([question()], [annotation(answers=["dog"])])).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("questions", "annotations", "words"),
    [
        ([question(), question()], [annotation()], "question 5 comes twice"),
        ([question(text=None)], [annotation()], "question 5 has no text"),
        ([question()], [annotation(), annotation()], "question 5 is annotated twice"),
        ([question()], [annotation(answers=[])], "question 5 needs answers"),
        ([question()], [annotation(answers=[3])], "question 5 needs answers"),
        ([question()], [annotation(image_id=8)], "has no answers for image 7"),
        ([question()], [annotation(6)], "question 5 of .* has no answers"),
        ([question()], [annotation(), annotation(6)], "question 6 is annotated but not asked"),
        ([question("5")], [annotation()], r"questions\[0\] needs question_id"),
        ([question()], [4], r"annotations\[0\] must be an object"),
        ([], [annotation()], "'questions' must be a list with records"),
    ],
)
def test_broken_files_are_one_clear_error(write, questions, annotations, words):
    with pytest.raises(DataError, match=words):
        opened(write(questions, annotations))


def test_unknown_splits_and_missing_files_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="did you mean val"):
        benchmark("okvqa/val2014").open(tmp_path, "vall", "official")
    with pytest.raises(DataError, match=r"mscoco_val2014_questions\.json is missing"):
        benchmark("okvqa/val2014").found(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the official files are not here")
def test_official_annotations_are_read(write):
    annotations = json.loads((REAL / "v2_mscoco_val2014_annotations.sample.json").read_text())["annotations"]
    asked = [question(each["question_id"], each["image_id"]) for each in annotations]  # the texts are in another file
    samples = opened(write(asked, annotations)).samples
    assert len(samples) == 100
    assert {len(sample.target.answers) for sample in samples} == {10}
    assert {sample.tags["answer_type"] for sample in samples} == {"yes/no", "number", "other"}
