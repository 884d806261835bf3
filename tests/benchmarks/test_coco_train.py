"""COCO's training splits of panoptic, semantic and keypoints: read where they are named, never run by default."""

import shutil

import pytest

from benchmarks.errors import UnknownName
from benchmarks.registry import benchmark


@pytest.fixture
def trained_on(small_world, tmp_path):
    """A data root whose files of train2017 are those of val2017."""
    root = tmp_path / "root"
    shutil.copytree(small_world / "coco", root / "coco")
    notes = root / "coco" / "annotations"
    (root / "coco" / "val2017").rename(root / "coco" / "train2017")
    for kind in ("panoptic_{}.json", "panoptic_{}", "person_keypoints_{}.json", "instances_{}.json"):
        (notes / kind.format("val2017")).rename(notes / kind.format("train2017"))
    return root


@pytest.mark.parametrize(
    ("name", "split", "official"),
    [
        ("coco/panoptic", "train2017", "val2017"),
        ("coco/semantic", "train2017", "val2017"),
        ("coco_keypoints/2017", "train", "val"),
        ("coco_keypoints_box/2017", "train", "val"),
    ],
)
def test_the_training_split_holds_the_samples_of_its_own_files(trained_on, small_world, name, split, official):
    chosen = benchmark(name)
    opened = chosen.open(trained_on, split, "official")
    before = chosen.open(small_world, official, "sample")
    assert opened.name == split
    assert [each.image_id for each in opened.samples] == [each.image_id for each in before.samples]
    assert [each.id.replace(f"/{split}/", f"/{official}/") for each in opened.samples] == [e.id for e in before.samples]
    assert all(each.image.path.parent.name == "train2017" for each in opened.samples)
    assert list(chosen.splits) == [official]
    with pytest.raises(UnknownName, match=split):
        chosen.open(trained_on, split.replace("train", "trian"), "official")
