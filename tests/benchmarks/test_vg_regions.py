import json

import pytest
from PIL import Image

from benchmarks.errors import DataError
from benchmarks.registry import benchmark

VG = benchmark("vg/regions")


def region(number=71, **changes):
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    return {"region_id": number, "image_id": 7, "phrase": "a red bus", **box, **changes}


def image(number=7, *regions):
    return {"id": number, "regions": list(regions or [region(number * 10)])}


@pytest.fixture
def write(tmp_path):
    """Write both files and the photos 7 and 8, one in each folder; return the data root."""

    def run(images, test=(7,), folders=("VG_100K", "VG_100K_2")):
        (tmp_path / "vg").mkdir(exist_ok=True)
        (tmp_path / "vg" / "region_descriptions.json").write_text(json.dumps(images))
        (tmp_path / "vg" / "densecap_splits.json").write_text(json.dumps({"train": [], "val": [], "test": list(test)}))
        for number, name in zip((7, 8), folders, strict=False):
            (tmp_path / "vg" / name).mkdir(exist_ok=True)
            Image.new("RGB", (20, 10)).save(tmp_path / "vg" / name / f"{number}.jpg")
        return tmp_path

    return run


def opened(root):
    return VG.open(root, "test", "official")


def test_a_region_of_a_test_photo_is_a_sample(write):
    root = write([image(7, region(70), region(71, phrase="sky", height=0)), image(8), image(9)], test=(8, 7))
    split = opened(root)
    assert [sample.id for sample in split.samples] == [f"vg/regions/test/region-{n}" for n in (80, 70, 71)]
    _, first, flat = split.samples
    assert (first.target.answers, first.image_id) == (("a red bus",), "7")
    assert first.regions[0].box_xyxy == (1, 2, 4, 6)
    assert flat.regions[0].box_xyxy == (1, 2, 4, 2)  # without area, as annotated
    assert [sample.image.path.parent.name for sample in split.samples] == ["VG_100K_2", "VG_100K", "VG_100K"]
    assert (split.expected, VG.found(root)) == (None, {"test": 3})


def test_a_region_without_a_phrase_is_no_sample(write):
    assert [s.id[-2:] for s in opened(write([image(7, region(70, phrase=" "), region(71))])).samples] == ["71"]


def test_one_folder_of_photos_is_enough(write):
    assert len(opened(write([image()], folders=["images"])).samples) == 1


@pytest.mark.parametrize(
    ("images", "test", "words"),
    [
        ([image()], (7, 9), "1 of 2 test images of densecap_splits.json are not there, the first is 9"),
        ([image()], (), "'test' must be a list of image ids"),
        ([image()], ("7",), "'test' must be a list of image ids"),
        ([image(), image()], (7,), "image 7 comes twice"),
        ([image(7, region(70), region(70))], (7,), "region 70 comes twice"),
        ([image(7, region(70, phrase=3))], (7,), "image 7: region 70: phrase must be a text, got 3"),
        ([image(7, region(70, width=None))], (7,), "region 70: x, y, width, height must be numbers"),
        ([image(7, 3)], (7,), r"image 7: regions\[0\] must be an object"),
        ([{"id": 7}], (7,), "image 7: regions must be a list"),
        ([{"id": "7"}], (7,), "id must be a whole number"),
        ({}, (7,), "must be a list of images with regions"),
        ([image(), image(9)], (7, 9), r"VG_100K.*: 1 of 2 photos are missing \(9.jpg"),
    ],
)
def test_broken_files_are_one_clear_error(write, images, test, words):
    with pytest.raises(DataError, match=words):
        opened(write(images, test))


def test_missing_photos_are_told_with_the_folders_that_may_hold_them(write):
    with pytest.raises(DataError, match="holds vg but neither visual_genome/VG_100K nor"):
        opened(write([image()], folders=()))
