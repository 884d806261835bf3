"""Cityscapes instances: numbers painted in a PNG become objects; groups become crowds."""

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

NAME = "aachen_000000_000019"
NUMBERS = np.array([[7, 26_000, 26_000, 26_001], [26, 26, 24_000, 26_000], [4, 29_001, 23, 1]], dtype=np.uint16)


@pytest.fixture
def root(tmp_path):
    """A data root with one picture."""
    photo = tmp_path / f"cityscapes/leftImg8bit/val/aachen/{NAME}_leftImg8bit.png"
    labels = tmp_path / f"cityscapes/gtFine/val/aachen/{NAME}_gtFine_instanceIds.png"
    for path in (photo, labels):
        path.parent.mkdir(parents=True)
    Image.new("RGB", (4, 3)).save(photo)
    Image.fromarray(NUMBERS).save(labels)
    return tmp_path


def opened(root):
    return benchmark("cityscapes/instance").open(root, "val", "official")


def test_things_of_the_8_classes_are_objects_and_groups_are_crowds(root):
    split = opened(root)
    [sample] = split.samples
    assert (sample.id, sample.image_id) == (f"cityscapes/instance/val/{NAME}", NAME)
    assert sample.categories == ("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
    objects = sample.target.objects
    assert [(each.id, each.category_id, each.area, each.crowd) for each in objects] == [
        (26, 26, 2.0, True), (24_000, 24, 1.0, False), (26_000, 26, 3.0, False), (26_001, 26, 1.0, False),
    ]  # fmt: skip
    assert objects[2].box_xyxy == (1, 0, 4, 2)
    for each in objects:
        assert coco_mask.area(dict(each.mask_rle)) == (each.id == NUMBERS).sum()
    assert (split.expected, benchmark("cityscapes/instance").found(root)) == (500, {"val": 1})


def test_the_fingerprint_covers_the_pixels(root):
    first = opened(root).fingerprint
    assert opened(root).fingerprint == first
    path = root / f"cityscapes/gtFine/val/aachen/{NAME}_gtFine_instanceIds.png"
    Image.fromarray(NUMBERS[::-1]).save(path)
    assert opened(root).fingerprint != first


def test_what_is_no_instance_id_is_refused_when_read(root):
    path = root / f"cityscapes/gtFine/val/aachen/{NAME}_gtFine_instanceIds.png"
    Image.fromarray(NUMBERS + np.uint16(8_000)).save(path)
    with pytest.raises(DataError, match="holds 37001, which is no instance id"):
        opened(root).samples[0].target.objects  # noqa: B018 - reading is the test
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match="cannot be decoded"):
        opened(root).samples[0].target.objects  # noqa: B018 - reading is the test


def test_photos_without_numbers_and_unknown_splits_are_refused(root):
    Image.new("RGB", (4, 3)).save(root / "cityscapes/leftImg8bit/val/aachen/aachen_000001_000019_leftImg8bit.png")
    with pytest.raises(DataError, match=r"1 photos have no instanceIds \(first: aachen_000001_000019\)"):
        opened(root)
    with pytest.raises(UnknownName, match="no split of cityscapes/instance is called 'test'"):
        benchmark("cityscapes/instance").open(root, "test", "official")
