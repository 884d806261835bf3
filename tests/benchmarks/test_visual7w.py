"""Visual7W's pointing questions on files like the published ones, sound and broken."""

import json

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SOURCE = benchmark("visual7w/pointing")


def boxes(*changes):
    made = [{"box_id": k, "name": "cup", "x": 5 * k, "y": 2, "width": 4, "height": 3} for k in range(1, 7)]
    return [*made, *changes]


def drawn(x, width):
    """Box 9, two pixels high."""
    return {"box_id": 9, "name": "cup", "x": x, "y": 1, "width": width, "height": 2}


def pair(number=11, **changes):
    asked = {"question": "Which cup is red?", "answer": 2, "multiple_choices": [1, 3, 4], "type": "which"}
    return {"qa_id": number, **asked, **changes}


def image(*pairs, **changes):
    return {"image_id": 7, "filename": "v7w_7.jpg", "split": "test", "qa_pairs": list(pairs), **changes}


@pytest.fixture
def write(tmp_path):
    """Write the file and a photo; return the data root."""

    def run(content, name="visual7w/dataset_v7w_pointing.json"):
        for folder in ((tmp_path / name).parent, tmp_path / "visual7w" / "images"):
            folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
        Image.new("RGB", (40, 20)).save(tmp_path / "visual7w" / "images" / "v7w_7.jpg")
        return tmp_path

    return run


def opened(root):
    return SOURCE.open(root, "test", "official")


@pytest.mark.parametrize("name", ["visual7w/dataset_v7w_pointing.json", "visual7w-pointing/dataset.json"])
def test_a_question_has_four_regions_and_one_of_them_is_right(write, name):
    other = image(pair(99), image_id=8, split="val", filename="v7w_8.jpg")
    root = write(
        {"boxes": boxes(), "images": [other, image(pair(13), pair(11, answer=4, multiple_choices=[1, 2, 3]))]}, name
    )
    first, second = opened(root).samples
    assert (first.id, first.question, first.image_id) == (
        "visual7w/pointing/test/question-13", "Which cup is red?", "7",
    )  # fmt: skip
    for sample, right in ((first, 2), (second, 4)):
        truth = sample.target
        assert sorted(truth.ids) == [1, 2, 3, 4]
        assert truth.ids[truth.right] == right
        assert truth.boxes_xyxy[truth.right] == (5 * right, 2, 5 * right + 4, 5)
        assert tuple(region.box_xyxy for region in sample.regions) == truth.boxes_xyxy
    assert (opened(root).expected, SOURCE.found(root)) == (57_265, {"test": 2})


def test_the_right_one_stands_anywhere_but_always_in_the_same_place(write):
    root = write({"boxes": boxes(), "images": [image(*(pair(number) for number in range(200)))]})
    places = [sample.target.right for sample in opened(root).samples]
    assert min(places.count(place) for place in range(4)) > 25  # 50 each on average
    assert [sample.target.right for sample in opened(root).samples] == places


def test_boxes_beyond_the_photo_and_without_area_are_kept_and_told(write):
    odd = {"box_id": 9, "name": "cup", "x": -1, "y": 3, "width": 45, "height": 0}
    asked = pair(answer=9, multiple_choices=[1, 2, 3])
    split = opened(write({"boxes": boxes(odd), "images": [image(asked)]}))
    truth = split.samples[0].target
    assert truth.boxes_xyxy[truth.right] == (-1, 3, 44, 3)
    assert split.notes == ("1 candidate boxes have no area: kept as annotated",)


def test_another_answer_is_another_fingerprint(write):
    first = opened(write({"boxes": boxes(), "images": [image(pair())]}))
    other = pair(answer=1, multiple_choices=[2, 3, 4])
    assert opened(write({"boxes": boxes(), "images": [image(other)]})).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"images": [image(pair())]}, "'boxes' must be a list with records"),
        ({"boxes": boxes()}, "'images' must be a list with records"),
        ({"boxes": boxes(boxes()[0]), "images": [image(pair())]}, "box 1 comes twice"),
        ({"boxes": boxes({"box_id": 9, "x": 1}), "images": [image(pair())]}, "box 9 comes twice or lacks"),
        ({"boxes": boxes(), "images": [image(pair(), split="val")]}, "holds no question of split test"),
        ({"boxes": boxes(), "images": [image(pair(), filename="a/b.jpg")]}, "must be a plain name"),
        ({"boxes": boxes(), "images": [image(qa_pairs=3)]}, "qa_pairs must be a list"),
        ({"boxes": boxes(), "images": [image(pair(), pair())]}, "question 11 comes twice"),
        ({"boxes": boxes(), "images": [image(pair(question=""))]}, "question 11: question must be a text"),
        ({"boxes": boxes(), "images": [image(pair(answer="2"))]}, "question 11: answer must be a whole number"),
        ({"boxes": boxes(), "images": [image(pair(multiple_choices=[1, 3]))]}, "question 11 has 3 candidates, not 4"),
        ({"boxes": boxes(), "images": [image(pair(multiple_choices=[1, 2, 3]))]}, "has 3 candidates, not 4"),
        ({"boxes": boxes(), "images": [image(pair(multiple_choices=[1, 3, 4, 5]))]}, "has 5 candidates, not 4"),
        ({"boxes": boxes(), "images": [image(pair(multiple_choices=[1, 3, 77]))]}, "question 11: there is no box 77"),
        (
            {"boxes": boxes(drawn(50, 2)), "images": [image(pair(answer=9))]},
            "box 50, 1, 52, 3 is not on the photo, 40x20",
        ),
        (
            {"boxes": boxes(drawn(5, -2)), "images": [image(pair(answer=9))]},
            "box 5, 1, 3, 3 is not x1, y1, x2, y2",
        ),
    ],
)  # fmt: skip
def test_broken_files_are_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        opened(write(content))


def test_missing_files_and_unknown_splits_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"dataset_v7w_pointing\.json is missing"):
        SOURCE.found(tmp_path)
    with pytest.raises(UnknownName, match="did you mean test"):
        SOURCE.open(tmp_path, "tests", "official")
