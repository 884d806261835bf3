"""The world on disk is read by the official readers, by pycocotools too, and is the same every time."""

import contextlib
import filecmp
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from benchmarks.errors import DataError
from benchmarks.registry import benchmark
from benchmarks.world.expressions import KINDS
from benchmarks.world.scenes import generate
from benchmarks.world.write import ensure_world, is_world, write_world

SCENES = {"train": 3, "val": 4, "test": 8, "shifted": 3}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("world") / "root"
    write_world(out, seed=1, scenes=SCENES)
    return out


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("refcoco/unc", {"train", "val", "testA", "testB", "shifted"}),
        ("refcoco+/unc", {"train", "val", "testA", "testB", "shifted"}),
        ("refcocog/umd", {"train", "val", "test", "shifted"}),
        ("refcocog/google", {"train", "val", "test", "shifted"}),
    ],
)
def test_every_split_opens_through_the_official_reader(root, name, splits):
    entry = benchmark(name)
    assert set(entry.found(root)) == splits
    for split in splits:
        opened = entry.open(root, split, "sample")
        assert opened.complete
        assert opened.expected is None
        assert all(sample.tags["kind"] in KINDS for sample in opened.samples)
        assert opened.samples[0].image.open_rgb().size == (128, 128)


def test_targets_are_the_masks_and_boxes_of_the_scene(root):
    annotations = json.loads((root / "refcocog" / "instances.json").read_text())["annotations"]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(root / "refcocog" / "instances.json"))
    scene = generate(1, "train", 0)
    first = [a for a in annotations if a["image_id"] == 1]
    assert len(first) == len(scene.things)
    for annotation, mask in zip(first, scene.masks, strict=True):
        with pytest.warns(DeprecationWarning):
            decoded = coco.annToMask(annotation)
        assert np.array_equal(decoded.astype(bool), mask)
        x, y, w, h = annotation["bbox"]
        assert mask[y : y + h, x : x + w].sum() == mask.sum() == annotation["area"]


def test_refcoco_plus_has_no_location_words(root):
    samples = benchmark("refcoco+/unc").open(root, "testA", "sample").samples
    words = {word for sample in samples for word in sample.question.split()}
    assert not words & {"left", "right", "above", "below", "closest", "leftmost", "rightmost", "topmost", "bottommost"}


def test_writing_twice_gives_the_same_bytes(root, tmp_path):
    write_world(tmp_path / "again", seed=1, scenes=SCENES)
    names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    assert len(names) > sum(SCENES.values())
    assert filecmp.cmpfiles(root, tmp_path / "again", names, shallow=False) == (names, [], [])


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="not an empty folder"):
        write_world(tmp_path, scenes=SCENES)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_default_world_is_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.world.write.SCENES", SCENES)
    steps = []
    first = ensure_world(tmp_path, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (sum(SCENES.values()),) * 2
    steps.clear()
    assert ensure_world(tmp_path, lambda done, total: steps.append((done, total))) == first
    assert steps == []
    assert is_world(first)


def test_a_cache_that_cannot_be_written_says_how_to_move_it(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DataError, match="REFBENCH_CACHE"):
        ensure_world(blocked / "cache")
