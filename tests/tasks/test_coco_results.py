"""COCO results files become predictions in the order of the file."""

import json

import pytest

from benchmarks.errors import DataError
from benchmarks.schema import ImageRef, Sample
from benchmarks.truth import Category, ObjectsTarget
from tasks.coco_results import read_results

TARGET = ObjectsTarget((), (Category(3, "cat"), Category(5, "dog")))
RLE = {"size": [4, 6], "counts": [3, 5, 16]}


def result(category=3, image_id=7, **more):
    return {"image_id": image_id, "category_id": category, "bbox": [1, 1, 2, 3], "score": 0.5, **more}


@pytest.fixture
def read(tmp_path):
    samples = [
        Sample(f"b/s/image-{number}", ImageRef(tmp_path, (4, 6)), str(number), "", TARGET) for number in (7, 8)
    ]

    def run(content, shape="box"):
        (path := tmp_path / "results.json").write_text(json.dumps(content))
        return read_results(shape, path, samples)

    return run


def test_runs_of_one_category_are_groups_in_file_order(read):
    found = read([result(), result(score=0.4), result(5), result(), result(99, 8)])
    assert [(g.phrase, len(g.instances)) for g in found["b/s/image-7"].groups] == [("cat", 2), ("dog", 1), ("cat", 1)]
    assert found["b/s/image-7"].groups[0].instances[1].score == 0.4
    assert found["b/s/image-7"].boxes()[0] == (1, 1, 3, 4)
    assert [group.phrase for group in found["b/s/image-8"].groups] == ["category_id 99"]


def test_masks_may_be_runs_of_either_kind(read):
    found = read([result(segmentation=RLE), result(segmentation={"size": [4, 6], "counts": "35`0"})], "mask")
    assert found["b/s/image-7"].masks() == [{"size": [4, 6], "counts": "35`0"}] * 2


def test_images_without_results_and_objects_without_scores_are_left_to_the_task(read):
    found = read([{key: value for key, value in result().items() if key != "score"}])
    assert list(found) == ["b/s/image-7"]
    assert found["b/s/image-7"].groups[0].instances[0].score is None


@pytest.mark.parametrize(
    ("content", "shape", "said"),
    [
        ({}, "box", "must be one JSON list of results"),
        ([3], "box", "result 0 needs image_id and category_id"),
        ([result(), result(image_id=9)], "box", "result 1: image 9 is not of this split"),
        ([result(bbox=[1, 2, 3])], "box", r"result 0 \(image 7\): bbox must be x, y, width, height"),
        ([result(bbox=[1, 2, 3, "4"])], "box", "bbox must be"),
        ([result(score="high")], "box", "score is 'high', not a number"),
        ([result()], "mask", "neither a list of polygons nor an RLE"),
        ([result(segmentation={**RLE, "size": [5, 6]})], "mask", r"the RLE is for \[H, W\] = \[5, 6\]"),
    ],
)
def test_a_broken_file_is_told_with_its_entry(read, content, shape, said):
    with pytest.raises(DataError, match=said):
        read(content, shape)


def test_a_folder_is_no_results_file(tmp_path):
    with pytest.raises(DataError, match="must be one JSON list of results"):
        read_results("box", tmp_path, [])
