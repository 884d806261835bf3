"""PointQA on files like the published ones, sound and broken."""

import json

import pytest
from PIL import Image

from benchmarks.errors import DataError
from benchmarks.registry import benchmark

LOOKTWICE, LOCAL = benchmark("pointqa/looktwice"), benchmark("pointqa/local")


def count(**changes):
    """A question of LookTwice-QA with the fields of the published file."""
    return {
        "id": 7, "obj_question": "How many cars are there?", "super_question": "How many of these vehicles are there?",
        "general_question": "How many of these are there?", "ans": "3", "point": {"x": 4, "y": 2, "ans": "3"},
        "bbox": {"x": 2, "y": 1, "w": 4, "h": 2, "names": ["car"]}, "obj_type": "cars", "supercategory": "vehicles",
        **changes,
    }  # fmt: skip


def colour(**changes):
    """A question of Local-QA, of two objects."""
    points = [{"x": 4, "y": 2, "ans": "red"}, {"x": 1, "y": 3, "ans": "blue"}]
    question = {"id": 7, "question": "What color is the shirt?", "all_ans": ["red", "blue"], "all_objs": [{}, {}]}
    return {**question, "points": points, **changes}


@pytest.fixture
def write(tmp_path):
    """Write a data set, the list of its images, and photos of Visual Genome; return the data root."""

    def run(name, dataset, listed, top="pointqa", folder="visual_genome/VG_100K"):
        (tmp_path / top / name).mkdir(parents=True, exist_ok=True)
        split = {"LookTwiceQA": "test", "LocalQA": "testfinal"}[name]
        (tmp_path / top / name / f"{name.lower()}_dataset.json").write_text(json.dumps(dataset))
        (tmp_path / top / name / f"{name.lower()}_{split}_imgs.json").write_text(json.dumps(listed))
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for image_id in (7, 8):
            Image.new("RGB", (6, 4)).save(tmp_path / folder / f"{image_id}.jpg")
        return tmp_path

    return run


def test_each_level_of_looktwice_is_a_split_over_the_listed_images(write):
    root = write("LookTwiceQA", {"5": [count()], "7": [count(), count(ans="1")], "8": [count()]}, ["8", "7"])
    for split, words in (("test_general", "of these are"), ("test_super", "vehicles"), ("test_object", "cars")):
        opened = LOOKTWICE.open(root, split, "official")
        assert [s.id.removeprefix(f"pointqa/looktwice/{split}/question-") for s in opened.samples] == [
            "8-0", "7-0", "7-1",
        ]  # fmt: skip
        assert words in opened.samples[0].question
        assert (opened.expected, opened.complete) == (5_711, False)
    last = opened.samples[-1]
    assert (last.target.answers, last.image_id, last.image.size_hw) == (("1",), "7", (4, 6))
    [region] = last.regions
    assert (region.kind, region.points_xy, region.box_xyxy) == ("point", ((4.0, 2.0),), None)


def test_each_point_of_local_is_a_sample_with_its_own_answer(write):
    root = write("LocalQA", {"7": [colour()]}, [7], top="pointingqa/Datasets")
    opened = LOCAL.open(root, "test_final", "official")
    assert [s.id for s in opened.samples] == [f"pointqa/local/test_final/question-7-0-{k}" for k in (0, 1)]
    assert [s.target.answers for s in opened.samples] == [("red",), ("blue",)]
    assert [s.regions[0].points_xy for s in opened.samples] == [((4.0, 2.0),), ((1.0, 3.0),)]
    assert (opened.expected, opened.complete) == (None, True)
    assert LOCAL.open(root, "test_final", "official") == opened  # now from the cache
    assert LOCAL.found(root) == {"test_final": 2}


def test_photos_lie_in_two_folders(write):
    root = write("LocalQA", {"7": [colour()], "8": [colour()]}, ["7", "8"])
    (root / "visual_genome" / "VG_100K_2").mkdir()
    (root / "visual_genome/VG_100K/8.jpg").rename(root / "visual_genome/VG_100K_2/8.jpg")
    folders = [s.image.path.parent.name for s in LOCAL.open(root, "test_final", "official").samples]
    assert folders == ["VG_100K", "VG_100K", "VG_100K_2", "VG_100K_2"]
    (root / "visual_genome/VG_100K_2/8.jpg").unlink()
    with pytest.raises(DataError, match=r"VG_100K_2: 1 of 2 photos are missing \(8\.jpg\)"):
        LOCAL.open(root, "test_final", "official")


@pytest.mark.parametrize(
    ("dataset", "listed", "words"),
    [
        ([], ["7"], "must be an object of questions by image"),
        ({"7": [colour()]}, {}, "must be a list of image ids"),
        ({"7": [colour()]}, ["7", 7], "an image is listed twice"),
        ({"../7": [colour()]}, ["../7"], "'../7' is no image id"),
        ({"7": [colour()]}, ["7", "8"], "image 8 of localqa_testfinal_imgs.json has no questions"),
        ({"7": [3]}, ["7"], r"image 7\[0\] must be an object"),
        ({"7": [colour(points=[])]}, ["7"], "question 0: points must be a list"),
        ({"7": [colour(question=" ")]}, ["7"], "question must be a text"),
        ({"7": [colour(points=[{"x": 1, "y": 2}])]}, ["7"], "ans must be a text"),
        ({"7": [colour(points=[{"x": "1", "y": 2, "ans": "red"}])]}, ["7"], "needs a point with x and y"),
        ({"7": [colour(points=[{"x": 7, "y": 2, "ans": "red"}])]}, ["7"], "point 7, 2 is not on the photo, 6x4"),
    ],
)
def test_broken_files_are_one_clear_error(write, dataset, listed, words):
    with pytest.raises(DataError, match=words):
        LOCAL.open(write("LocalQA", dataset, listed), "test_final", "official")


def test_a_missing_field_of_looktwice_is_told(write):
    for changes, words in (({"point": None}, "needs a point"), ({"ans": 3}, "ans must be a text")):
        with pytest.raises(DataError, match=words):
            LOOKTWICE.open(write("LookTwiceQA", {"7": [count(**changes)]}, ["7"]), "test_object", "official")
