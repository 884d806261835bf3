"""The world's panoptic, semantic and instance files describe the same pixels in every form."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.registry import benchmark
from benchmarks.world.ade20k import write_ade20k
from benchmarks.world.cityscapes import write_cityscapes
from benchmarks.world.panoptic import write_coco
from metrics.panoptic_files import read_file, score

FORMS = [
    ("coco", "val2017", "coco/annotations/panoptic_val2017.json"),
    ("ade20k", "val", "ADEChallengeData2016/ade20k_panoptic_val.json"),
    ("cityscapes", "val", "cityscapes/gtFine/cityscapes_panoptic_val.json"),
]


@pytest.mark.parametrize(("name", "split", "path"), FORMS)
def test_panoptic_and_semantic_truth_agree_on_every_pixel(small_world, name, split, path):
    found = [
        benchmark(f"{name}/{kind}").open(small_world, split, "sample").samples for kind in ("panoptic", "semantic")
    ]
    assert len(found[0]) == len(found[1]) >= 2
    for panoptic, semantic in zip(*found, strict=True):
        assert panoptic.image == semantic.image
        ids, labels = panoptic.target.ids(), semantic.target.load()
        names = {each.id: each.name for each in panoptic.target.categories}
        for segment in panoptic.target.segments:
            assert {semantic.categories[k] for k in np.unique(labels[ids == segment.id])} == {
                names[segment.category_id]
            }
        assert (ids > 0).all()


@pytest.mark.parametrize(("name", "split", "path"), FORMS)
def test_the_official_evaluator_accepts_the_files(small_world, name, split, path):
    report = score(small_world / path, small_world / path, {})
    assert report.metrics["rq_stuff"] == 1.0
    assert report.notes == ()
    assert len(read_file(small_world / path).categories) == 13


def test_cityscapes_has_groups_and_its_instance_ids_are_its_segment_ids(small_world):
    samples = benchmark("cityscapes/panoptic").open(small_world, "val", "sample").samples
    assert any(segment.crowd for sample in samples for segment in sample.target.segments)
    for sample in samples:
        name = f"cityscapes/gtFine/val/shapes/{sample.image_id}_gtFine_instanceIds.png"
        assert (np.array(Image.open(small_world / name)) == sample.target.ids()).all()


def test_the_same_seed_gives_the_same_bytes_and_no_scenes_give_no_files(tmp_path):
    for part in (write_coco, write_ade20k, write_cityscapes):
        folders = [tmp_path / f"{part.__name__}{k}" for k in range(3)]
        for folder, seed in zip(folders, (3, 3, 4), strict=True):
            part(folder, seed, {"test": 3})
        first, same, other = ({f.relative_to(r): f.read_bytes() for f in r.rglob("*.*")} for r in folders)
        assert first == same != other
        part(tmp_path / "none", 3, {"val": 2})
    assert not (tmp_path / "none").exists()
