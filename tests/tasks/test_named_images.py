"""Instance tasks whose images have names for ids (ADE20K, Cityscapes), held to pycocotools."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchmarks.registry import benchmark
from benchmarks.truth import ObjectsTarget
from metrics.masks import decode, encode


def results(samples):
    """Moved masks, some of another category, some not there, with scores that tie between images."""
    rng = np.random.default_rng(5)
    found = []
    for sample in samples:
        categories = [category.id for category in sample.truth(ObjectsTarget).categories]
        for each in sample.truth(ObjectsTarget).objects:
            if rng.random() < 0.15:
                continue
            moved = np.roll(decode(each.mask_rle), tuple(rng.integers(0, 4, 2)), axis=(0, 1))
            category = each.category_id if rng.random() < 0.8 else int(rng.choice(categories))
            found.append({"image_id": sample.image_id, "category_id": category, "segmentation": dict(encode(moved)),
                          "score": float(rng.integers(1, 6)) / 5})  # fmt: skip
    return found


def by_pycocotools(samples, found):
    """The twelve figures for the same objects, with images numbered in the order of their names."""
    number = {name: place + 1 for place, name in enumerate(sorted(sample.image_id for sample in samples))}
    objects = [(sample, each) for sample in samples for each in sample.truth(ObjectsTarget).objects]
    truth, told = COCO(), sorted(number.values())
    truth.dataset = {
        "info": {},
        "images": [{"id": each, "height": 128, "width": 128} for each in told],
        "categories": [{"id": each.id, "name": each.name} for each in samples[0].truth(ObjectsTarget).categories],
        "annotations": [
            {"id": place, "image_id": number[sample.image_id], "category_id": each.category_id, "area": each.area,
             "iscrowd": int(each.crowd), "segmentation": dict(each.mask_rle),
             "bbox": coco_mask.toBbox(dict(each.mask_rle)).tolist()}
            for place, (sample, each) in enumerate(objects, start=1)
        ],
    }  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        ours = truth.loadRes([{**each, "image_id": number[each["image_id"]]} for each in found])
        evaluation = COCOeval(truth, ours, "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", ["ade20k", "cityscapes"])
def test_moved_masks_have_the_ap_of_pycocotools(refbench, small_world, tmp_path, name):
    samples = benchmark(f"{name}/instance").open(small_world, "val", "sample").samples
    (path := tmp_path / "results.json").write_text(json.dumps(found := results(samples)))
    words = ("--task", f"{name}_instance", "--data-root", small_world, "--predictions", path, "--json")
    metrics = refbench("score", *words).json["metrics"]
    keys = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
            "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large")  # fmt: skip
    expected = by_pycocotools(samples, found)
    assert 0.1 < metrics["ap"] < 0.9
    for key, value in zip(keys, expected.tolist(), strict=True):
        # the same matches and precisions: only the order of summation may differ
        assert metrics[key] == (None if value < 0 else pytest.approx(value, abs=1e-10))


@pytest.mark.parametrize(("task", "key"), [("instance", "ap"), ("panoptic", "pq")])
@pytest.mark.parametrize("name", ["ade20k", "cityscapes"])
def test_the_constant_is_far_from_perfect(refbench, small_world, name, task, key):
    words = ("--task", f"{name}_{task}", "--model", "constant", "--data-root", small_world, "--json")
    [row] = refbench("eval", *words).json["rows"]
    assert row["metrics"][key] < 0.1
