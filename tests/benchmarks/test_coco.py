"""COCO instances: official files and photos in, one sample an image out; broken records are named, none is dropped."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from benchmarks.coco_index import open_index
from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
REAL = SHARED / "data/coco_instances_mini"
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not here")
SQUARE = [[2, 1, 8, 1, 8, 5, 2, 5]]


def image(number=7, **more):
    return {"id": number, "file_name": f"{number:012d}.jpg", "height": 10, "width": 12, **more}


def thing(number=70, image_id=7, **more):
    box = {"bbox": [2, 1, 6, 4], "area": 24, "iscrowd": 0, "segmentation": SQUARE}
    return {"id": number, "image_id": image_id, "category_id": 3, **box, **more}


def without(record, key):
    return {name: value for name, value in record.items() if name != key}


def instances(images=None, annotations=None, categories=None):
    return {
        "images": [image(), image(4)] if images is None else images,
        "annotations": [thing()] if annotations is None else annotations,
        "categories": [{"id": 5, "name": "dog"}, {"id": 3, "name": "cat"}] if categories is None else categories,
    }


@pytest.fixture
def write(tmp_path):
    """Write an instances file and the photos 4 and 7; return the data root."""

    def run(content=None, split="val2017"):
        (photos := tmp_path / "coco" / split).mkdir(parents=True, exist_ok=True)
        (tmp_path / "coco/annotations").mkdir(exist_ok=True)
        for number in (4, 7):
            Image.new("RGB", (12, 10)).save(photos / f"{number:012d}.jpg")
        text = json.dumps(instances() if content is None else content)
        (tmp_path / "coco/annotations" / f"instances_{split}.json").write_text(text)
        return tmp_path

    return run


def opened(root, split="val2017"):
    return benchmark("coco").open(root, split, "official")


def test_every_image_is_a_sample_by_id_also_without_objects(write):
    split = opened(write())
    assert [sample.id for sample in split.samples] == [
        "coco/val2017/image-000000000004", "coco/val2017/image-000000000007",
    ]  # fmt: skip
    empty, full = split.samples
    assert empty.target.objects == ()
    assert full.categories == ("cat", "dog")
    [each] = full.target.objects
    assert (each.id, each.category_id, each.box_xyxy, each.area, each.crowd) == (70, 3, (2, 1, 8, 5), 24, False)
    assert (full.image.size_hw, full.image_id, full.question) == ((10, 12), "7", "")
    assert (split.expected, split.complete, split.notes) == (5_000, False, ())
    full.image.open_rgb()


def test_samples_are_a_sequence_and_equal_to_themselves(write):
    samples = opened(write()).samples
    assert samples[1] == samples[-1] == next(iter(samples[1:])) == list(samples)[1]
    assert samples[0] != samples[1]
    assert len(samples) == 2
    with pytest.raises(IndexError):
        samples[2]


def test_masks_are_drawn_from_polygons_and_from_both_kinds_of_runs(write):
    drawn = np.zeros((10, 12), dtype=np.uint8)
    drawn[1:5, 2:8] = 1
    packed = coco_mask.encode(np.asfortranarray(drawn))["counts"].decode()
    runs = {"size": [10, 12], "counts": [21, 4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 4, 45]}
    shapes = [SQUARE, runs, {"size": [10, 12], "counts": packed}]
    annotations = [thing(k, segmentation=shape, iscrowd=int(k == 1)) for k, shape in enumerate(shapes)]
    objects = opened(write(instances(annotations=annotations))).samples[1].target.objects
    assert [dict(each.mask_rle) for each in objects] == [{"size": [10, 12], "counts": packed}] * 3
    assert [each.crowd for each in objects] == [False, True, False]
    assert list(objects[0].mask_rle) == ["size", "counts"]
    with pytest.raises(KeyError):
        objects[0].mask_rle["area"]


@pytest.mark.parametrize("record", [without(thing(), "segmentation"), thing(segmentation=[]), thing(segmentation=None)])
def test_an_object_without_segmentation_has_no_mask(write, record):
    [each] = opened(write(instances(annotations=[record]))).samples[1].target.objects
    assert each.mask_rle is None


def test_boxes_without_area_are_kept_and_stated(write):
    split = opened(write(instances(annotations=[thing(bbox=[2, 1, 0, 4]), thing(71)])))
    assert [each.box_xyxy for each in split.samples[1].target.objects] == [(2, 1, 2, 5), (2, 1, 8, 5)]
    assert split.notes == (
        "instances_val2017.json: 1 objects have a box without area; they count and cannot be found",
    )  # fmt: skip


def test_the_second_start_reads_the_cache_and_a_changed_file_does_not(write):
    first, again = opened(write()), opened(write())
    assert isinstance(again.samples.file.columns["id"].base, np.memmap)
    assert (list(again.samples), again.fingerprint) == (list(first.samples), first.fingerprint)
    assert opened(write(instances(annotations=[thing(area=25)]))).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (instances(annotations=[thing(image_id=8)]), "annotation 70: image_id is of no image that the file lists, got"),
        (instances(annotations=[thing(category_id=4)]), "category_id is of no category that the file lists, got 4"),
        (instances(annotations=[thing(), thing()]), "annotation 70 is listed twice"),
        (instances(images=[image(), image()]), "image 7 is listed twice"),
        (instances(categories=[{"id": 3, "name": "a"}] * 2), "category 3 is listed twice"),
        (instances(categories=[{"id": 3, "name": "a"}, {"id": 4, "name": "a"}]), "two categories have the name 'a'"),
        (instances(categories=[{"id": 3}]), "category 3 needs a name"),
        (instances(annotations=[thing(bbox=[1, 2, 3])]), "bbox must be 4 finite numbers"),
        (instances(annotations=[thing(bbox=[1, 2, "3", 4])]), "bbox must be 4 finite numbers"),
        (instances(annotations=[thing(bbox=[1, 2, -3, 4])]), "bbox has a negative side"),
        (instances(annotations=[without(thing(), "area")]), "area must be a finite number, got None"),
        (instances(annotations=[thing(area=-1)]), "area is negative"),
        (instances(annotations=[thing(iscrowd=2)]), "iscrowd must be 0 or 1"),
        (instances(annotations=[thing("70")]), "annotation 70: id must be a whole number, got '70'"),
        (instances(annotations=[thing(1 << 70)]), "id must be a whole number|id is too large"),
        (instances(annotations=[thing(segmentation=[[1, 2, 3, 4]])]), "a polygon has 4 coordinates"),
        (instances(annotations=[thing(segmentation=[[1, 2, 3, 4, 5, 6, 7]])]), "a polygon has 7 coordinates"),
        (instances(annotations=[thing(segmentation=[[1, 2, 3, 4, 5, 99]])]), "reaches 99.0 px, far outside"),
        (instances(annotations=[thing(segmentation=[["1", 2, 3, 4, 5, 6]])]), "annotation 70: a polygon.* no"),
        (instances(annotations=[thing(segmentation="poly")]), "neither a list of polygons nor an RLE"),
        (instances(annotations=[thing(segmentation={"size": [9, 9], "counts": [81]})]), r"the RLE is for \[H, W\]"),
        (instances(annotations=[thing(segmentation={"size": [10, 12], "counts": [81]})]), "cover 81 of 120 pixels"),
        (instances(annotations=[3]), r"annotations\[0\] is no record"),
        (instances(images=[image(height=0)]), "image 7: has no pixels"),
        (instances(images=[without(image(), "width")]), "image 7: width must be a whole number, got None"),
        (instances(images=[image(file_name="../7.jpg")]), "must be a plain name"),
        (instances(images=[]), "'images' must be a list with records"),
        ({**instances(), "annotations": {}}, "'annotations' must be a list with records"),
        ([], "must be a list with records"),
    ],
)
def test_a_broken_record_is_named(write, content, said):
    with pytest.raises(DataError, match=said) as caught:
        opened(write(content))
    assert "instances_val2017.json" in str(caught.value)


def test_missing_photos_files_and_splits_are_told(write, tmp_path):
    with pytest.raises(UnknownName, match="did you mean val2017"):
        opened(tmp_path, "val2071")
    with pytest.raises(DataError, match=r"instances_val2017\.json is missing"):
        opened(tmp_path)
    with pytest.raises(DataError, match=r"annotations is missing: put instances_val2017\.json there"):
        benchmark("coco").found(tmp_path)
    root = write()
    assert benchmark("coco").found(root) == {"val2017": 2}
    (root / "coco/val2017/000000000007.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 2 photos are missing \(000000000007\.jpg\)"):
        opened(root)
    shutil.rmtree(root / "coco/val2017")
    with pytest.raises(DataError, match="neither coco/val2017 nor images/val2017"):
        opened(root)
    (root / "coco/annotations/instances_val2017.json").rename(root / "coco/annotations/other.json")
    with pytest.raises(DataError, match=r"annotations holds other\.json: put instances_val2017\.json there"):
        benchmark("coco").found(root)


def test_photos_may_lie_in_the_folder_of_all_images(write):
    root = write()
    (root / "images").mkdir()
    (root / "coco/val2017").rename(root / "images/val2017")
    assert opened(root).samples[0].image.path == root / "images/val2017/000000000004.jpg"
    assert benchmark("coco").files(root)[1] == root / "images/val2017"


def test_train_is_there_for_those_who_name_it(write):
    root = write(split="train2017")
    assert benchmark("coco").found(root) == {"train2017": 2}
    assert opened(root, "train2017").expected == 118_287
    assert set(benchmark("coco").splits) == {"val2017"}


def test_annotations_of_train_without_its_photos_are_nothing_to_read(write):
    root = write(split="train2017")
    shutil.rmtree(root / "coco/train2017")
    write()
    assert benchmark("coco").found(root) == {"val2017": 2}


def test_a_rotated_photo_is_read_as_stored_and_one_of_another_size_is_refused(write):
    root = write()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("RGB", (12, 10)).save(root / "coco/val2017/000000000004.jpg", exif=exif)
    Image.new("RGB", (12, 11)).save(root / "coco/val2017/000000000007.jpg")
    turned, other = opened(root).samples
    assert turned.image.open_rgb().size == (12, 10)
    with pytest.raises(DataError, match="is 12x11 but its annotation says 12x10"):
        other.image.open_rgb()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "I;16"])
def test_photos_of_other_modes_are_read_as_rgb(write, mode):
    root = write()
    form = "PNG" if mode in ("RGBA", "I;16") else "JPEG"
    Image.new(mode, (12, 10)).save(root / "coco/val2017/000000000004.jpg", form)
    assert opened(root).samples[0].image.open_rgb().mode == "RGB"


@real_data
def test_real_annotations_are_what_pycocotools_reads(tmp_path):
    (tmp_path / "coco").mkdir()
    for name in ("annotations", "train2017"):
        (tmp_path / "coco" / name).symlink_to(REAL / name)
    split = opened(tmp_path, "train2017")
    peer = COCO(REAL / "annotations/instances_train2017.json")
    assert [int(sample.image_id) for sample in split.samples] == sorted(peer.imgs)
    assert sum(len(sample.target.objects) for sample in split.samples) == 526
    for sample in split.samples:
        theirs = peer.imgToAnns[int(sample.image_id)]
        assert [each.id for each in sample.target.objects] == [each["id"] for each in theirs]
        for own, each in zip(sample.target.objects, theirs, strict=True):
            rle = peer.annToRLE(each)
            assert dict(own.mask_rle) == {"size": rle["size"], "counts": rle["counts"].decode()}
            assert (own.crowd, own.area, own.category_id) == (bool(each["iscrowd"]), each["area"], each["category_id"])
            x, y, width, height = each["bbox"]
            assert own.box_xyxy == (x, y, x + width, y + height)
        assert sample.image.open_rgb().size == sample.image.size_hw[::-1]


@pytest.mark.skipif(not (SHARED / "data/coco_format_samples").is_dir(), reason="the official files are not here")
def test_the_head_of_the_official_file_is_refused_for_its_missing_images():
    with pytest.raises(DataError, match="image_id is of no image that the file lists"):
        open_index(SHARED / "data/coco_format_samples/instances_val2017.sample100.json")
