import json
import os
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data" / "pope"
NAME = "COCO_val2014_000000000007.jpg"


def line(number=1, image=NAME, text="Is there a cat in the image?", label="yes", **more):
    return {"question_id": number, "image": image, "text": text, "label": label, **more}


@pytest.fixture
def write(tmp_path):
    """Write questions and a photo; return the data root."""

    def run(*lines, split="random", photos=(NAME,)):
        (tmp_path / "pope").mkdir(exist_ok=True)
        (tmp_path / "images" / "val2014").mkdir(parents=True, exist_ok=True)
        content = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
        (tmp_path / "pope" / f"coco_pope_{split}.json").write_text(content)
        for name in photos:
            Image.new("RGB", (6, 4)).save(tmp_path / "images" / "val2014" / name)
        return tmp_path

    return run


def test_a_line_is_a_sample(write):
    split = benchmark("pope/coco").open(write(line(), "", line(2, label="no")), "random", "official")
    first, second = split.samples
    assert (first.id, first.question) == ("pope/coco/random/question-1", "Is there a cat in the image?")
    assert (first.image.size_hw, first.image_id) == ((4, 6), NAME)
    assert [sample.target.answers for sample in (first, second)] == [("yes",), ("no",)]
    assert (split.expected, split.complete) == (3_000, False)


def test_the_fingerprint_changes_with_a_label(write):
    before = benchmark("pope/coco").open(write(line()), "random", "official").fingerprint
    assert benchmark("pope/coco").open(write(line(label="no")), "random", "official").fingerprint != before


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([line(), line()], "random.json:2: question_id 1 comes twice"),
        ([line(label="maybe")], "random.json:1: needs question_id"),
        ([line("1")], "random.json:1: needs question_id"),
        ([line(image="../x.jpg")], "random.json:1: file name '../x.jpg' must be a plain name"),
        (['{"question_id": 1'], "random.json: broken JSON"),
        (["[1]"], "random.json:1: a line must be a JSON object"),
        ([], "holds no question"),
        ([line(image="COCO_val2014_000000000008.jpg")], "1 of 1 photos are missing"),
    ],
)
def test_a_broken_file_is_one_clear_error(write, lines, words):
    with pytest.raises(DataError, match=words):
        benchmark("pope/coco").open(write(*lines), "random", "official")


def test_a_photo_that_is_none_is_named(write):
    root = write(line())
    (root / "images" / "val2014" / NAME).write_bytes(b"no image")
    with pytest.raises(DataError, match=rf"{NAME} is no image"):
        benchmark("pope/coco").open(root, "random", "official")


def test_unknown_splits_and_empty_roots_are_refused(write, tmp_path):
    with pytest.raises(UnknownName, match="did you mean popular"):
        benchmark("pope/coco").open(tmp_path, "popluar", "official")
    with pytest.raises(DataError, match=r"coco_pope_random\.json is missing"):
        benchmark("pope/coco").found(tmp_path)
    assert benchmark("pope/coco").found(write(line(), split="popular")) == {"popular": 1}


@pytest.mark.skipif(not REAL.is_dir(), reason="the official files are not here")
@pytest.mark.parametrize("split", ["random", "popular"])
def test_the_official_files_hold_the_published_number(write, split):
    lines = (REAL / f"coco_pope_{split}.json").read_text().splitlines()
    names = {json.loads(each)["image"] for each in lines}
    opened = benchmark("pope/coco").open(write(*lines, split=split, photos=names), split, "official")
    assert opened.complete
    assert len({sample.image_id for sample in opened.samples}) == 500
    assert sum(sample.target.answers == ("yes",) for sample in opened.samples) == 1_500
