"""COCO and LVIS of the sample world: the scenes' objects, read by the readers of the official files."""

import pytest

from benchmarks.registry import benchmark
from benchmarks.world.dense import numbered
from benchmarks.world.write import write_world

SCENES = {"val": 3, "test": 6, "shifted": 2}


@pytest.mark.parametrize(("name", "split"), [("coco", "val2017"), ("lvis/v1", "val")])
def test_what_is_read_is_what_was_drawn(small_world, name, split):
    samples = benchmark(name).open(small_world, split, "sample").samples
    scenes = numbered(3, SCENES, "test")
    assert [int(sample.image_id) for sample in samples] == [image_id for image_id, _ in scenes]
    for sample, (_, scene) in zip(samples, scenes, strict=True):
        drawn = sorted((each.category, int(each.mask.sum())) for each in scene.objects)
        names = {each.id: each.name for each in sample.target.categories}
        assert sorted((names[each.category_id], int(each.area)) for each in sample.target.objects) == drawn
        sample.image.open_rgb()


def test_lvis_says_something_different_of_different_images(small_world):
    samples = benchmark("lvis/v1").open(small_world, "val", "sample").samples
    for sample in samples:
        here = {each.category_id for each in sample.target.objects}
        assert not here & sample.target.absent
        assert sample.target.not_exhaustive <= here
        assert len(here) + len(sample.target.absent) == len(sample.categories) - 1  # nothing is said about one
    assert {bool(sample.target.not_exhaustive) for sample in samples} == {True, False}


def test_a_world_without_test_scenes_has_neither(tmp_path):
    write_world(tmp_path / "world", seed=1, scenes={"val": 1})
    assert not (tmp_path / "world/lvis").exists()
