"""GranD-f's two files a split: how they are joined, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SIZE_WH = (6, 4)


def rle(*pixels, size_hw=(4, 6)):
    canvas = np.zeros(size_hw, dtype=np.uint8, order="F")
    for y, x in pixels:
        canvas[y, x] = 1
    return {"size": list(size_hw), "counts": coco_mask.encode(canvas)["counts"].decode()}


@pytest.fixture
def tables():
    """Two photos: one with two objects, one with an object that covers no pixel; ready to be bent by a test."""
    images = [{"id": name, "height": 4, "width": 6} for name in ("sa_2", "sa_1")]
    masks = [("sa_1", rle((0, 0))), ("sa_2", rle()), ("sa_1", [[2, 1, 5, 1, 5, 3, 2, 3]])]
    annotations = [{"id": k, "image_id": name, "segmentation": own} for k, (name, own) in enumerate(masks, start=1)]
    captions = [
        {"id": 1, "image_id": "sa_1", "caption": "A dog by a house.", "labels": ["A dog", "a house"]},
        {"id": 2, "image_id": "sa_2", "caption": "Fog.", "labels": ["Fog"]},
    ]
    return {"mask": {"images": images, "annotations": annotations}, "caption": {"annotations": captions}}


@pytest.fixture
def write(tmp_path):
    """Write the files of val with their photos; return the data root."""

    def run(tables, split="val"):
        folder, photos = tmp_path / "GranDf/annotations/val_test", tmp_path / "GranDf_HA_images/val_test"
        for each in (folder, photos):
            each.mkdir(parents=True, exist_ok=True)
        for what, content in tables.items():
            (folder / f"{split}_gcg_coco_{what}_gt.json").write_text(json.dumps(content))
        for name in ("sa_1", "sa_2", "7"):
            Image.new("RGB", SIZE_WH).save(photos / f"{name}.jpg")
        return tmp_path

    return run


def opened(root, split="val"):
    return benchmark("grandf").open(root, split, "official")


def test_a_photo_is_a_sample_with_its_caption_labels_and_masks_in_file_order(write, tables):
    split = opened(write(tables))
    assert [sample.id for sample in split.samples] == ["grandf/val/sa_2", "grandf/val/sa_1"]
    truth = split.samples[1].target
    assert (truth.caption, truth.labels) == ("A dog by a house.", ("A dog", "a house"))
    assert coco_mask.area(list(map(dict, truth.masks))).tolist() == [1, 6]
    assert coco_mask.area(dict(split.samples[0].target.masks[0])) == 0
    assert (split.expected, split.complete) == (2_500, False)


def test_a_second_start_gives_the_same_and_another_label_another_fingerprint(write, tables):
    first = opened(write(tables))
    assert opened(write(tables)) == first
    tables["caption"]["annotations"][1]["labels"] = ["The fog"]
    assert opened(write(tables)).fingerprint != first.fingerprint


def test_a_count_that_rounds_to_the_published_one_is_whole(write):
    images = [{"id": k, "height": 4, "width": 6, "file_name": "7.jpg"} for k in range(2_460)]
    captions = [{"id": k, "image_id": k, "caption": "", "labels": []} for k in range(2_460)]
    tables = {"mask": {"images": images, "annotations": []}, "caption": {"annotations": captions}}
    split = opened(write(tables))
    assert (split.expected, split.complete, split.samples[7].id) == (2_460, True, "grandf/val/7")
    assert benchmark("grandf").found(write(tables)) == {"val": 2_460}


@pytest.mark.parametrize(
    ("place", "change", "words"),
    [
        ("mask.images.0", {"id": None}, r"images\[0\]: id: file name None must be a plain name"),
        ("mask.images.0", {"id": "../sa_2"}, "must be a plain name without folders"),
        ("mask.images.0", {"id": "sa_1"}, "image 'sa_1' is listed twice"),
        ("mask.images.0", {"height": 0}, r"images\[0\] needs height and width"),
        ("mask.images.0", {"file_name": "a/b.jpg"}, "must be a plain name without folders"),
        ("mask.images.0", {"height": 6}, "its mask does not fit the image of 6x6"),
        ("mask.annotations.0", {"image_id": "sa_9"}, r"annotations\[0\]: image 'sa_9' is not listed"),
        ("mask.annotations.0", {"id": 2}, r"annotations\[1\]: id 2 is no id or comes twice"),
        ("mask.annotations.0", {"id": None}, "id None is no id"),
        ("mask.annotations.0", {"segmentation": None}, "its mask does not fit the image of 6x4"),
        ("mask.annotations.0", {"segmentation": {"size": [4, 6], "counts": "0"}}, "its mask does not fit"),
        ("mask.annotations.0", {"segmentation": rle(size_hw=(6, 4))}, r"the RLE is for \[6, 4\]"),
        ("caption.annotations.0", {"image_id": "sa_2"}, "image 'sa_2' has two captions"),
        ("caption.annotations.0", {"image_id": "sa_9"}, r"hold different images \(first: 'sa_1'\)"),
        ("caption.annotations.0", {"caption": None}, r"annotations\[0\] needs a caption and a list of labels"),
        ("caption.annotations.0", {"labels": "A dog"}, "needs a caption and a list of labels"),
        ("caption.annotations.0", {"labels": ["A dog", 3]}, "needs a caption and a list of labels"),
        ("caption.annotations.0", {"labels": ["A dog"]}, "image 'sa_1' has 1 labels but 2 masks"),
    ],
)
def test_broken_records_are_one_clear_error(write, tables, place, change, words):
    what, key, number = place.split(".")
    tables[what][key][int(number)].update(change)
    with pytest.raises(DataError, match=words):
        opened(write(tables))


def test_files_that_are_no_tables_are_refused(write, tables):
    for broken in ([], {"images": 3}, {"images": [4]}):
        with pytest.raises(DataError, match="'images' must be a list of records"):
            opened(write({**tables, "mask": broken}))
    empty = {"mask": {"images": [], "annotations": []}, "caption": {"annotations": []}}
    with pytest.raises(DataError, match="lists no image"):
        opened(write(empty))


def test_photos_must_be_there_and_have_the_recorded_size(write, tables):
    root = write(tables)
    photo = root / "GranDf_HA_images/val_test/sa_1.jpg"
    Image.new("RGB", (8, 8)).save(photo)
    with pytest.raises(DataError, match=r"is 8x8 but image 'sa_1' of .* says 6x4"):
        opened(root)
    photo.unlink()
    with pytest.raises(DataError, match=r"1 of 2 photos are missing \(sa_1\.jpg\)"):
        opened(root)


def test_missing_files_and_unknown_splits_are_told(write, tables, tmp_path):
    with pytest.raises(DataError, match=r"holds no val_gcg_coco_mask_gt\.json"):
        benchmark("grandf").found(tmp_path)
    root = write(tables)
    assert benchmark("grandf").splits_present(root) == ("val",)
    with pytest.raises(DataError, match=r"test_gcg_coco_mask_gt\.json is missing"):
        opened(root, "test")
    with pytest.raises(UnknownName, match="did you mean test"):
        opened(root, "tets")
