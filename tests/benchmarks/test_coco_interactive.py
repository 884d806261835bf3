"""COCO-Interactive on files like PSALM's, sound and broken."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SOURCE = benchmark("coco_interactive/val2017")
KINDS = ("point", "scribble", "box", "mask")


def rle(*pixels, size=(8, 10)):
    """A mask of some pixels (x, y)."""
    canvas = np.zeros(size, dtype=np.uint8, order="F")
    for x, y in pixels:
        canvas[y, x] = 1
    packed = coco.encode(canvas)
    return {"size": list(size), "counts": packed["counts"].decode("ascii")}


def annotation(number=5, **changes):
    drawn = {
        "point": rle((3, 2), (7, 6)), "scribble": rle((2, 2), (3, 3), (4, 2)),
        "box": rle(*((x, y) for x in range(2, 6) for y in range(1, 4))), "mask": rle((3, 2), (4, 2), (4, 3)),
    }  # fmt: skip
    prompts = {f"{kind}_visual_prompt_mask": drawn[kind] for kind in KINDS}
    polygon = [2, 1, 6, 1, 6, 4, 2, 4]
    return {"id": number, "image_id": 7, "category_id": 1, "iscrowd": 0, "area": 12.0, "bbox": [2, 1, 4, 3],
            "segmentation": [polygon], **prompts, **changes}  # fmt: skip


def record(*annotations, **changes):
    info = {"id": 7, "file_name": "000000000007.jpg", "height": 8, "width": 10}
    return {"image": "000000000007.jpg", "image_info": info, "new_img_id": 0, "anns": list(annotations), **changes}


@pytest.fixture
def write(tmp_path):
    """Write the file and its photo; return the data root."""

    def run(content, folder="coco_interactive"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "coco" / "val2017").mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "coco_interactive_val_psalm.json").write_text(json.dumps(content))
        Image.new("L", (10, 8)).save(tmp_path / "coco" / "val2017" / "000000000007.jpg")
        return tmp_path

    return run


def opened(root, kind="point"):
    return SOURCE.open(root, kind, "official")


def test_a_sample_is_an_object_with_one_prompt_which_keeps_its_raster(write):
    root = write([record(annotation())])
    regions = {}
    for kind in KINDS:
        [sample] = opened(root, kind).samples
        assert sample.id == f"coco_interactive/val2017/{kind}/annotation-5"
        assert (sample.question, sample.tags, sample.image_id) == ("", {"size": "small"}, "7")
        assert sample.target.box_xyxy == (2, 1, 6, 4)
        assert int(coco.area(dict(sample.target.mask_rle))) == 12
        [regions[kind]] = sample.regions
        assert regions[kind].mask_rle == annotation()[f"{kind}_visual_prompt_mask"]
    assert [regions[kind].kind for kind in KINDS] == list(KINDS)
    assert regions["point"].points_xy == ((3.5, 2.5), (7.5, 6.5))  # middles of pixels, x before y, row by row
    assert regions["box"].box_xyxy == (2, 1, 6, 4)
    assert (regions["scribble"].points_xy, regions["mask"].box_xyxy) == ((), None)


@pytest.mark.parametrize("folder", ["coco_interactive", "coco", "."])
def test_the_file_may_lie_beside_coco(write, folder):
    assert SOURCE.found(write([record(annotation())], folder)) == dict.fromkeys(KINDS, 1)


def test_one_pixel_is_one_point(write):
    [region] = opened(write([record(annotation(point_visual_prompt_mask=rle((9, 7))))])).samples[0].regions
    assert region.points_xy == ((9.5, 7.5),)


def test_groups_and_empty_prompts_are_not_asked_and_are_told(write):
    group, tiny = annotation(6, iscrowd=1), annotation(8, point_visual_prompt_mask=rle())
    root = write([record(annotation(), group, tiny)])
    point, box = opened(root), opened(root, "box")
    assert [sample.id.rpartition("-")[2] for sample in point.samples] == ["5"]
    assert [sample.id.rpartition("-")[2] for sample in box.samples] == ["5", "8"]
    assert point.notes == (
        "1 groups (iscrowd) are not asked, as PSALM leaves them out",
        "1 objects have an empty point prompt and are not asked, as PSALM leaves them out",
    )
    assert box.notes == point.notes[:1]
    assert (point.expected, box.expected, point.complete) == (36_334, 36_335, False)


def test_a_second_start_gives_the_same_and_another_prompt_another_fingerprint(write):
    first = opened(write([record(annotation())]))
    assert opened(write([record(annotation())])) == first
    moved = annotation(point_visual_prompt_mask=rle((4, 2)))
    assert opened(write([record(moved)])).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "must be a list with a record for each photo"),
        ([], "must be a list with a record for each photo"),
        ([3], r"\[0\] needs image_info"),
        ([record(image_info={"id": 7, "height": 0, "width": 10})], "needs image_info with id, height and width"),
        ([record(anns=None)], "needs anns"),
        ([record(image="../7.jpg")], "must be a plain name"),
        ([record(annotation()), record(annotation(6))], "image 7 comes twice"),
        ([record(3)], "an annotation needs id, area and iscrowd"),
        ([record(annotation(iscrowd=2))], "an annotation needs id, area and iscrowd"),
        ([record(annotation(), annotation())], "annotation 5 comes twice"),
        ([record(annotation(image_id=8))], "annotation 5 is of image 8"),
        ([record(annotation(bbox=[1, 2, -1, 2]))], "bbox must be x, y, width, height"),
        ([record(annotation(segmentation=[[1, 2]]))], "annotation 5: segmentation: a polygon has 2 coordinates"),
        ([record(annotation(segmentation=rle()))], "has a point prompt but its segmentation covers no pixel"),
        ([record(annotation(box_visual_prompt_mask=None))], "box_visual_prompt_mask: .* neither a list"),
        (
            [record(annotation(point_visual_prompt_mask=rle((3, 2), size=(4, 4))))],
            r"point_visual_prompt_mask: the RLE is for \[H, W\] = \[4, 4\] but the image is \[8, 10\]",
        ),
        (
            [record(annotation(box_visual_prompt_mask={**rle(size=(8, 11)), "size": [8, 10]}))],
            "box_visual_prompt_mask: the RLE's runs cover 88 of 80 pixels",
        ),
        (
            [record(annotation(scribble_visual_prompt_mask={"size": [8, 10], "counts": "\u20ac"}))],
            "scribble_visual_prompt_mask: ",
        ),
        (
            [record(annotation(point_visual_prompt_mask={"size": [8, 10], "counts": [100, 1]}))],
            "point_visual_prompt_mask: the RLE's runs cover 101 of 80 pixels",
        ),
    ],
)
def test_broken_files_are_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        opened(write(content))


def test_missing_files_and_photos_and_unknown_prompts_are_refused(tmp_path, write):
    with pytest.raises(DataError, match=r"coco_interactive_val_psalm\.json is missing"):
        SOURCE.found(tmp_path)
    root = write([record(annotation())])
    with pytest.raises(UnknownName, match="did you mean point"):
        SOURCE.open(root, "points", "official")
    (root / "coco" / "val2017" / "000000000007.jpg").unlink()
    with pytest.raises(DataError, match="1 of 1 photos are missing"):
        opened(root)
