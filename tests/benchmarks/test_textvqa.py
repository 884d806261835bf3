import json
import os
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.errors import DataError
from benchmarks.registry import benchmark

REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data/vqa_samples"
TEXTVQA, TEXTCAPS = benchmark("textvqa/0.5.1"), benchmark("textcaps/0.1")


def question(number=5, **changes):
    return {"question_id": number, "image_id": "a1", "question": "what is it?", "answers": ["cat"] * 10, **changes}


def caption(number=5, **changes):
    entry = {
        "caption_id": number,
        "image_id": "a1",
        "caption_str": "A sign.",
        "reference_strs": ["A sign.", "Stop sign."],
    }
    return {**entry, **changes}


@pytest.fixture
def write(tmp_path):
    """Write both files and one photo; return the data root."""

    def run(questions=(), captions=(), photos=("a1",)):
        (tmp_path / "textvqa" / "train_images").mkdir(parents=True, exist_ok=True)
        for name, data in (("TextVQA_0.5.1_val", questions), ("TextCaps_0.1_val", captions)):
            (tmp_path / "textvqa" / f"{name}.json").write_text(json.dumps({"dataset_type": "val", "data": list(data)}))
        for name in photos:
            Image.new("LA", (6, 4)).save(tmp_path / "textvqa" / "train_images" / f"{name}.jpg", "PNG")
        return tmp_path

    return run


def test_a_question_is_a_sample_with_ten_answers(write):
    split = TEXTVQA.open(write([question(9, answers=["no"]), question()]), "val", "official")
    assert [sample.id for sample in split.samples] == [f"textvqa/0.5.1/val/question-{n}" for n in (9, 5)]
    assert split.samples[1].target.answers == ("cat",) * 10
    assert split.samples[0].image.size_hw == (4, 6)  # of the header: the recorded size may be another copy's
    assert (split.expected, split.complete) == (5_000, False)


def test_the_captions_of_a_photo_are_one_sample(write):
    root = write(captions=[caption(5), caption(6, caption_str="Stop sign.", reference_strs=["Stop sign.", "A sign."])])
    [sample] = TEXTCAPS.open(root, "val", "official").samples
    assert (sample.id, sample.image_id) == ("textcaps/0.1/val/image-a1", "a1")
    assert sample.target.answers == ("A sign.", "Stop sign.")
    assert TEXTCAPS.found(root) == {"val": 1}


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([question(), question()], "question 5 comes twice"),
        ([question("5")], r"data\[0\]: question_id must be a whole number, got '5'"),
        ([question(answers=[])], r"data\[0\]: answers must be a list of texts"),
        ([question(answers=["cat", None])], r"data\[0\]: answers must be a list of texts"),
        ([question(image_id="../a1")], "must be a plain name"),
        ([question(image_id="b2")], r"photos are missing \(b2.jpg\)"),
        ([3], r"data\[0\] must be an object"),
        ([], "'data' must be a list with records"),
    ],
)
def test_broken_questions_are_one_clear_error(write, questions, words):
    with pytest.raises(DataError, match=words):
        TEXTVQA.open(write(questions), "val", "official")


@pytest.mark.parametrize(
    ("captions", "words"),
    [
        ([caption(reference_strs=None)], r"data\[0\]: reference_strs must be a list of texts"),
        ([caption(), caption(reference_strs=["Another."])], r"data\[1\]: photo a1 has other references"),
        ([caption(image_id="")], r"data\[0\]: image_id must be a text"),
    ],
)
def test_broken_captions_are_one_clear_error(write, captions, words):
    with pytest.raises(DataError, match=words):
        TEXTCAPS.open(write(captions=captions), "val", "official")


@pytest.mark.skipif(not REAL.is_dir(), reason="the official files are not here")
def test_official_files_are_read(write):
    questions, captions = (
        json.loads((REAL / f"{name}_val.sample.json").read_text())["data"] for name in ("TextVQA_0.5.1", "TextCaps_0.1")
    )
    root = write(questions, captions, {entry["image_id"] for entry in (*questions, *captions)})
    asked, described = (each.open(root, "val", "official").samples for each in (TEXTVQA, TEXTCAPS))
    assert (len(asked), len({sample.image_id for sample in asked})) == (100, 64)
    assert {len(sample.target.answers) for sample in asked} == {10}
    assert len(described) == 99  # one photo stands twice in the sample of the file
    assert {len(sample.target.answers) for sample in described} == {5}
