"""The kind `salient` through the command line, held to `refbench score salient` and to PySODMetrics' golden figures."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.registry import benchmark
from benchmarks.schema import Group, Instance, Prediction
from benchmarks.world.dense import numbered
from benchmarks.world.salient import salient_mask, write_salient
from tasks import kinds
from tasks.salient import measure

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics")) / "salient"
TASKS = ("duts_te_salient", "dut_omron_salient", "ecssd_salient", "hku_is_salient")


@pytest.fixture
def sample(small_world):
    return benchmark("ecssd").open(small_world, "test", "sample").samples[0]


@pytest.fixture
def soft_maps(small_world, tmp_path):
    """A folder of noisy maps for ECSSD, all but one."""
    rng = np.random.default_rng(5)
    (folder := tmp_path / "maps").mkdir()
    masks = sorted((small_world / "ECSSD/ground_truth_mask").iterdir())
    for path in masks[1:]:
        noisy = np.asarray(Image.open(path)) * 0.6 + rng.uniform(0, 90, size=(128, 128))
        Image.fromarray(noisy.astype(np.uint8)).save(folder / path.name)
    return folder


def test_masks_of_an_answer_count_as_their_union(sample):
    whole = kinds.find("salient").perfect(sample).masks()[0]
    group = Group("thing", "mask", (Instance(mask_rle=whole, score=0.2), Instance(mask_rle=whole)))
    row = measure(sample, Prediction(sample.id, "ok", groups=(group,)))["salient"]
    assert (row["mae"], row["wf"]) == (0.0, pytest.approx(1.0))


def test_no_mask_says_that_nothing_stands_out_and_a_failure_says_nothing(sample):
    share = float(np.mean(sample.target.load() > 128))
    assert measure(sample, Prediction(sample.id, "ok"))["salient"]["mae"] == pytest.approx(share)
    failed = measure(sample, Prediction(sample.id, "failed"))["salient"]
    assert (failed["mae"], failed["s_measure"], failed["f/128"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("task", TASKS)
def test_the_constant_is_far_from_the_oracle(refbench, small_world, task):
    words = ("eval", "--task", task, "--data-root", small_world, "--json", "--model")
    [oracle] = refbench(*words, "oracle").json["rows"]
    [constant] = refbench(*words, "constant").json["rows"]
    assert (oracle["metrics"]["mae"], oracle["metrics"]["f_max"]) == (0.0, 1.0)
    assert constant["metrics"]["mae"] > 0.1
    assert constant["metrics"]["f_max"] < 0.5


def test_a_folder_of_soft_maps_scores_as_the_metric_does(refbench, small_world, soft_maps):
    words = ("--predictions", soft_maps, "--json")
    done = refbench("score", "--task", "ecssd_salient", *words, "--data-root", small_world).json
    metric = refbench("score", "salient", *words, "--targets", small_world / "ECSSD/ground_truth_mask").json
    assert done["metrics"] == metric["metrics"]
    assert (done["n"], done["missing"]) == (metric["n"], 1)
    assert 0 < done["metrics"]["f_mean"] < done["metrics"]["f_max"] < 1


def test_maps_that_cannot_be_scored_are_told(refbench, small_world, soft_maps):
    def err(predictions=soft_maps):
        words = ("--predictions", predictions, "--data-root", small_world)
        done = refbench("score", "--task", "ecssd_salient", *words)
        assert done.code == 2
        return done.err

    path = next(soft_maps.iterdir())
    Image.new("L", (7, 5)).save(path)
    assert "(5, 7) but its photo (128, 128)" in err()
    Image.new("RGB", (128, 128)).save(path)
    assert f"{path.name} is an image of kind RGB" in err()
    path.rename(soft_maps / "other.png")
    assert "1 of 1 maps are of no photo of the split (first: other.png" in err()
    (listing := soft_maps / "list.json").write_text("[]")
    assert "is no folder: put one grey PNG per photo into one" in err(listing)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="golden files are absent")
def test_golden_maps_score_through_the_task_as_pysodmetrics_does(refbench, tmp_path):
    (photos := tmp_path / "ECSSD/images").mkdir(parents=True)
    shutil.copytree(GOLDEN / "gt", tmp_path / "ECSSD/ground_truth_mask")
    for path in (GOLDEN / "gt").iterdir():
        with Image.open(path) as mask:
            Image.new("RGB", mask.size).save(photos / f"{path.stem}.jpg")
    want = json.loads((GOLDEN / "expected.json").read_text())
    words = ("--predictions", GOLDEN / "pred", "--data-root", tmp_path, "--json")
    done = refbench("score", "--task", "ecssd_salient", *words).json
    names = {"mae": "MAE", "s_measure": "Smeasure", "f_max": "maxF", "f_mean": "meanF", "f_adaptive": "adpF"}
    official = {key: want["aggregate"][name] for key, name in names.items()}
    assert {key: done["metrics"][key] for key in names} == pytest.approx(official, abs=want["tolerance"]["all"])


def test_the_world_deals_different_scenes_to_the_datasets(tmp_path):
    write_salient(tmp_path, 0, {"test": 120})
    names = [{path.stem for path in (tmp_path / folder).iterdir()} for folder in
             ("DUTS-TE/DUTS-TE-Mask", "DUT-OMRON/pixelwiseGT-new-PNG", "ECSSD/images", "HKU-IS/imgs")]  # fmt: skip
    assert len(set.union(*names)) == sum(map(len, names)) == 48
    scene = numbered(0, {"test": 120}, "test")[0][1]
    largest = max(scene.objects, key=lambda each: each.mask.sum())
    assert salient_mask(scene)[largest.mask].all()
