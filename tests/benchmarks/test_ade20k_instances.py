"""ADE20K instances: COCO's form with names as image ids; broken records are named, none is dropped."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SQUARE = np.array([[0, 1, 1], [0, 1, 0]], dtype=np.uint8, order="F")


def image(name="ADE_val_00000002", **more):
    return {"id": name, "file_name": f"{name}.jpg", "height": 2, "width": 3, **more}


def thing(number=7, image_id="ADE_val_00000002", **more):
    rle = coco_mask.encode(SQUARE)
    mask = {"size": [2, 3], "counts": rle["counts"].decode()}
    told = {"category_id": 12, "iscrowd": 0, "bbox": [1, 0, 2, 2], "area": 3, "segmentation": mask}
    return {"id": number, "image_id": image_id, **told, **more}


@pytest.fixture
def write(tmp_path):
    """Write an annotation file with the photos 1 and 2, and return the data root."""

    def run(images=None, annotations=None, categories=None):
        base = tmp_path / "ADEChallengeData2016"
        (base / "images/validation").mkdir(parents=True, exist_ok=True)
        for number in (1, 2):
            Image.new("RGB", (3, 2)).save(base / f"images/validation/ADE_val_{number:08d}.jpg")
        content = {
            "images": [image(), image("ADE_val_00000001")] if images is None else images,
            "annotations": [thing()] if annotations is None else annotations,
            "categories": [{"id": 12, "name": "person "}, {"id": 7, "name": "bed"}]
            if categories is None
            else categories,
        }
        (base / "ade20k_instance_val.json").write_text(json.dumps(content))
        return tmp_path

    return run


def opened(root):
    return benchmark("ade20k/instance").open(root, "val", "official")


def test_every_listed_image_is_a_sample_also_without_objects(write):
    split = opened(write())
    assert [sample.id for sample in split.samples] == [f"ade20k/instance/val/ADE_val_0000000{k}" for k in (2, 1)]
    [found] = split.samples[0].target.objects
    assert (found.id, found.category_id, found.area, found.crowd) == (7, 12, 3.0, False)
    assert found.box_xyxy == (1, 0, 3, 2)
    assert coco_mask.area(dict(found.mask_rle)) == 3
    assert split.samples[1].target.objects == ()
    assert split.samples[0].categories == ("person", "bed")
    assert (split.expected, benchmark("ade20k/instance").found(write())) == (2_000, {"val": 2})


def test_a_second_start_gives_the_same_and_another_object_another_fingerprint(write):
    first = opened(write())
    assert opened(write()) == first
    assert opened(write(annotations=[thing(area=4)])).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"annotations": [thing(), thing()]}, "annotation 7 comes twice"),
        ({"annotations": [4]}, "annotation None comes twice or has no number"),
        ({"annotations": [thing(image_id="ADE_val_00000003")]}, "'ADE_val_00000003' is not listed under images"),
        ({"annotations": [thing(category_id=3)]}, "category 3 is not listed"),
        ({"annotations": [thing(bbox=[1, 2, 3])]}, r"annotation 7 needs bbox \(four numbers\)"),
        ({"annotations": [thing(area=None)]}, "annotation 7 needs bbox"),
        ({"annotations": [thing(iscrowd=2)]}, "annotation 7 needs bbox"),
        ({"annotations": [thing(segmentation={"size": [3, 2], "counts": "0"})]}, r"the RLE is for \[H, W\] = \[3, 2\]"),
        ({"annotations": [thing(segmentation=None)]}, "neither a list of polygons nor an RLE"),
        (
            {"categories": [{"id": 12, "name": "bed"}, {"id": 7, "name": "bed"}]},
            "two categories have one id or one name",
        ),
        ({"categories": [{"id": 12}]}, "a category needs id and name"),
        ({"images": [image(), image()]}, "image 'ADE_val_00000002' is listed twice"),
        ({"images": [image(file_name="../x.jpg")]}, "must be a plain name"),
    ],
)
def test_broken_records_are_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        opened(write(**content))


def test_missing_files_and_splits_are_named(write, tmp_path):
    with pytest.raises(
        DataError, match=r"ade20k_instance_val\.json is missing: put it there; it comes from sceneparsing"
    ):
        benchmark("ade20k/instance").found(tmp_path)
    root = write(images=[image("ADE_val_00000009"), image()])
    with pytest.raises(DataError, match=r"1 of 2 photos are missing \(ADE_val_00000009\.jpg\)"):
        opened(root)
    with pytest.raises(UnknownName, match="no split of ade20k/instance is called 'test'"):
        benchmark("ade20k/instance").open(root, "test", "official")
