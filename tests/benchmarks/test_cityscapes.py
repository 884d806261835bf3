"""Cityscapes: the official layout in, one sample a label map out; what is missing or broken is named."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.cityscapes import CLASSES
from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

LABELS = np.array([[0, 7, 33], [24, 4, 23]], dtype=np.uint8)
NAMES = ("bonn_000001_000019", "aachen_000000_000019", "aachen_000002_000019")


@pytest.fixture
def root(tmp_path):
    """A data root with three pictures of two cities."""
    for name in NAMES:
        city = name.split("_")[0]
        photo = tmp_path / f"cityscapes/leftImg8bit/val/{city}/{name}_leftImg8bit.png"
        labels = tmp_path / f"cityscapes/gtFine/val/{city}/{name}_gtFine_labelIds.png"
        for path in (photo, labels):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(photo)
        Image.fromarray(LABELS).save(labels)
    return tmp_path


def opened(root):
    return benchmark("cityscapes/semantic").open(root, "val", "official")


def test_label_ids_become_the_19_classes_and_the_others_are_ignored(root):
    split = opened(root)
    assert [sample.image_id for sample in split.samples] == [NAMES[1], NAMES[2], NAMES[0]]
    assert split.samples[0].id == "cityscapes/semantic/val/aachen_000000_000019"
    names = split.samples[0].categories
    labels = split.samples[0].target.load().tolist()
    assert [[None if place == 255 else names[place] for place in row] for row in labels] == [
        [None, "road", "bicycle"], ["person", None, "sky"],
    ]  # fmt: skip
    assert (split.expected, benchmark("cityscapes/semantic").found(root)) == (500, {"val": 3})


def test_there_are_8_things_and_11_stuff_in_the_order_of_train_ids():
    assert [sum(each.isthing is thing for each in CLASSES) for thing in (True, False)] == [8, 11]
    assert [each.id for each in CLASSES] == sorted(each.id for each in CLASSES)
    assert len({each.name for each in CLASSES}) == 19


def test_a_list_of_labels_takes_the_place_of_the_19(root):
    path = root / "cityscapes/labels.json"
    path.write_text(json.dumps([{"id": 24, "name": "circle", "isthing": 1}]))
    split = opened(root)
    assert split.samples[0].categories == ("circle",)
    assert split.samples[0].target.load().tolist() == [[255, 255, 255], [0, 255, 255]]
    path.write_text(json.dumps([{"id": 34, "name": "circle", "isthing": 1}]))
    with pytest.raises(DataError, match="id 34 is no label id"):
        opened(root)
    path.write_text("{}")
    with pytest.raises(DataError, match=r"labels\.json must be a list of id, name and isthing"):
        opened(root)


def test_photos_and_labels_go_in_pairs(root):
    base = root / "cityscapes"
    (base / f"gtFine/val/aachen/{NAMES[1]}_gtFine_labelIds.png").unlink()
    with pytest.raises(DataError, match=rf"1 photos have no labelIds \(first: {NAMES[1]}\)"):
        opened(root)
    (base / f"leftImg8bit/val/aachen/{NAMES[2]}_leftImg8bit.png").unlink()
    with pytest.raises(DataError, match="1 of 1 photos are missing"):
        opened(root)
    (base / "gtFine/val").rename(base / "gtFine/test")
    with pytest.raises(DataError, match="holds no cities: put the folders of cityscapes-dataset"):
        opened(root)


def test_train_ids_and_other_sizes_are_refused_when_read(root):
    path = root / f"cityscapes/gtFine/val/aachen/{NAMES[1]}_gtFine_labelIds.png"
    Image.fromarray(np.full((2, 3), 255, dtype=np.uint8)).save(path)
    with pytest.raises(DataError, match="holds 255 but label ids end at 33: these may be train ids"):
        opened(root).samples[0].target.load()
    Image.fromarray(LABELS.astype(np.uint16)).save(path)
    with pytest.raises(DataError, match="has 16 bits"):
        opened(root).samples[0].target.load()


def test_unknown_splits_are_refused(root):
    with pytest.raises(UnknownName, match="did you mean val"):
        benchmark("cityscapes/semantic").open(root, "vall", "official")
