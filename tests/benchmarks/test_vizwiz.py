import json

import pytest
from PIL import Image

from benchmarks.errors import DataError
from benchmarks.registry import benchmark

VIZWIZ = benchmark("vizwiz/vqa")
PHOTO = "VizWiz_val_00000007.jpg"


def question(**changes):
    answers = [{"answer": text, "answer_confidence": "yes"} for text in ("red", "unanswerable")]
    entry = {"image": PHOTO, "question": "Which colour?", "answers": answers, "answer_type": "other", "answerable": 1}
    return {**entry, **changes}


@pytest.fixture
def write(tmp_path):
    """Write the annotations and one photo; return the data root."""

    def run(content, place="vizwiz/Annotations/val.json"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(json.dumps(content))
        (tmp_path / "vizwiz" / "val").mkdir(exist_ok=True)
        exif = Image.Exif()
        exif[0x0112] = 6  # "rotate by a quarter": ignored, as by the official annotations
        Image.new("RGB", (6, 4)).save(tmp_path / "vizwiz" / "val" / PHOTO, exif=exif)
        return tmp_path

    return run


@pytest.mark.parametrize("place", ["vizwiz/Annotations/val.json", "vizwiz/val.json"])
def test_a_photo_is_a_sample_that_may_be_unanswerable(write, place):
    [sample] = VIZWIZ.open(write([question(answerable=0)], place), "val", "official").samples
    assert sample.id == f"vizwiz/vqa/val/image-{PHOTO}"
    assert sample.target.answers == ("red", "unanswerable")
    assert sample.tags == {"answerable": "no", "answer_type": "other"}
    assert sample.image.size_hw == (4, 6)
    assert sample.image.open_rgb().size == (6, 4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "must be a list of questions"),
        ([], "must be a list of questions"),
        ([3], r"val\.json\[0\] must be an object"),
        ([question(), question()], rf"image {PHOTO} comes twice"),
        ([question(answerable=2)], "answerable must be 0 or 1, got 2"),
        ([{k: v for k, v in question().items() if k != "answers"}], "answers must be a list of objects"),
        ([question(answers=["red"])], "answers must be a list of objects"),
        ([question(image="../x.jpg")], "must be a plain name"),
        ([question(question=None)], "question must be a text"),
        ([question(image="x.jpg")], r"photos are missing \(x.jpg\)"),
    ],
)
def test_broken_files_are_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        VIZWIZ.open(write(content), "val", "official")


def test_the_missing_file_is_named_where_it_should_be(tmp_path):
    with pytest.raises(DataError, match=r"vizwiz/Annotations/val\.json is missing"):
        VIZWIZ.open(tmp_path, "val", "official")
