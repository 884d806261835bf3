"""The kind `depth` through the command line, held to `refbench score depth` and to the official programs' figures."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.registry import benchmark
from benchmarks.schema import Prediction
from metrics.depth_protocols import PRESETS
from tasks import kinds
from tasks.depth import configure, official
from tasks.registry import find

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics")) / "depth"
TASKS = ("nyu_depth", "kitti_depth", "kitti_depth_raw", "diode_indoor_depth", "diode_outdoor_depth")
NYU = "nyu_depth_v2/official_splits/test"
SUFFIXES = ("--option", "target_suffix=", "pattern=**/sync_depth_*.png")


@pytest.fixture
def samples(small_world):
    return benchmark("nyu").open(small_world, "test", "sample").samples


@pytest.fixture
def noisy(samples, tmp_path):
    """A folder of maps for the NYU photos of the sample world, named as their truths."""
    (folder := tmp_path / "maps").mkdir()
    rng = np.random.default_rng(5)
    for sample in samples:
        (path := folder / f"{sample.target.names[0]}.npy").parent.mkdir(exist_ok=True)
        np.save(path, (sample.target.load() * rng.uniform(0.7, 1.4, (128, 128))).astype(np.float32))
    return folder


@pytest.mark.parametrize("task", TASKS)
def test_the_constant_is_far_from_the_oracle(refbench, small_world, task):
    words = ("eval", "--task", task, "--data-root", small_world, "--json", "--model")
    [oracle] = refbench(*words, "oracle").json["rows"]
    [constant] = refbench(*words, "constant").json["rows"]
    assert (oracle["metrics"]["abs_rel"], oracle["metrics"]["delta1"]) == (pytest.approx(0, abs=1e-6), 1)
    assert constant["metrics"]["abs_rel"] > 0.2
    assert constant["metrics"]["delta1"] < 0.5
    assert constant["metrics"]["coverage"] == 1


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("align", [None, "lstsq_disparity"])
def test_the_truth_is_the_perfect_answer_of_every_preset(samples, preset, align):
    options = {"preset": preset, **({"align": align} if align else {})}
    kind = configure(options)
    row = kind.measure(samples[0], kind.perfect(samples[0]))["depth"]
    assert row["answered"] == 1
    assert (row["abs_rel"], row["delta1"]) == (pytest.approx(0, abs=1e-5), 1)  # a fit in float64 of float32 readings


def test_the_protocol_is_followed_and_printed(samples):
    answer = Prediction(samples[0].id, "ok", depth=DepthMap(values=samples[0].target.load() * 2))
    metric, aligned = configure({}), configure({"preset": "monodepth2"})
    assert metric.measure(samples[0], answer)["depth"]["delta1"] < 0.2
    assert aligned.measure(samples[0], answer)["depth"]["abs_rel"] == pytest.approx(0, abs=1e-6)
    assert metric.metrics[0].protocol.startswith("depth/1 zoedepth nyu cap=0.001..10m bounds=open crop=eigen")
    assert "align=median" in aligned.metrics[0].protocol
    assert find("kitti_depth_raw").kind.metrics[0].protocol.startswith("depth/1 monodepth2 kitti cap=0.001..80m")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"presets": "zoedepth"}, UnknownName, "no protocol option is called 'presets'; did you mean preset"),
        ({"preset": "zoe"}, ConfigError, "no depth preset is called 'zoe'"),
        ({"dataset": "diode"}, ConfigError, "no depth dataset is called 'diode'"),
        ({"crop": "half"}, ConfigError, "option crop=half is not one of none, eigen"),
        ({"max_depth": "far"}, ConfigError, "max_depth"),
    ],
)
def test_options_there_are_not_are_told(options, error, said):
    with pytest.raises(error, match=said):
        configure(options)


def test_no_map_and_a_failed_answer_are_the_worst(samples):
    kind = kinds.find("depth")
    for answer in (Prediction(samples[0].id, "ok"), Prediction(samples[0].id, "failed")):
        row = kind.measure(samples[0], answer)["depth"]
        assert (row["eligible"], row["answered"]) == (1, 0)
        scores = kind.metrics[0].aggregate([row])
        assert (scores["abs_rel_penalised"], scores["delta1_penalised"], scores["coverage"]) == (1, 0, 0)


@pytest.mark.parametrize("ending", ["npy", "npz", "png"])
def test_a_folder_scores_as_the_metric_does(refbench, small_world, noisy, ending):
    for path in list(noisy.rglob("*.npy")):
        values = np.load(path)
        if ending == "npz":
            np.savez(path.with_suffix(".npz"), depth=values, other=values * 2)
        elif ending == "png":
            Image.fromarray(np.round(values * 1000).astype(np.uint16)).save(path.with_suffix(".png"))
        if ending != "npy":
            path.unlink()
    words = ("--predictions", noisy, "--json")
    done = refbench("score", "--task", "nyu_depth", *words, "--data-root", small_world).json
    metric = refbench("score", "depth", *words, "--targets", small_world / NYU, *SUFFIXES).json
    assert done["metrics"] == metric["metrics"]
    assert (done["n"], done["missing"], done["protocol"]) == (metric["n"], 0, metric["protocol"])
    assert 0.05 < done["metrics"]["abs_rel"] < 0.3


@pytest.mark.parametrize("task", ["kitti_depth", "kitti_depth_raw", "diode_indoor_depth"])
def test_files_are_found_by_every_usual_name(small_world, tmp_path, task):
    found = find(task)
    samples = benchmark(found.benchmark).open(small_world, found.splits[0], "sample").samples
    for place, name in enumerate(samples[0].target.names):
        for suffix in ("", "_pred"):
            folder = tmp_path / f"{place}{suffix}"
            (path := folder / f"{name}{suffix}.npy").parent.mkdir(parents=True)
            np.save(path, samples[0].target.load())
            answers = official(folder, samples)
            assert set(answers) == {samples[0].id}
            assert found.kind.measure(samples[0], answers[samples[0].id])["depth"]["delta1"] == 1


def test_missing_and_foreign_files_are_counted(refbench, small_world, noisy, samples):
    (noisy / f"{samples[0].target.names[0]}.npy").rename(noisy / "elsewhere.npy")
    done = refbench("score", "--task", "nyu_depth", "--predictions", noisy, "--json", "--data-root", small_world)
    assert (done.json["missing"], done.json["metrics"]["coverage"]) == (1, 0.5)
    assert "1 answers belong to no sample of the split (first: 'elsewhere'): not scored" in done.err


def test_files_that_cannot_be_scored_are_told(refbench, small_world, noisy, samples):
    def err(predictions=noisy):
        done = refbench("score", "--task", "nyu_depth", "--predictions", predictions, "--data-root", small_world)
        assert done.code == 2
        return done.err

    path = noisy / f"{samples[0].target.names[0]}.npy"
    np.save(path, np.ones((2, 3, 4)))
    assert f"{path.name} holds float64 (2, 3, 4): depth must be a map" in err()
    np.save(path, np.array([{}]), allow_pickle=True)
    assert f"{path.name} cannot be read as a NumPy file" in err()
    path.unlink()
    Image.new("L", (128, 128), 9).save(path.with_suffix(".png"))
    assert "is an image of kind L: write depth as a 16-bit grey PNG" in err()
    shutil.copy(path.with_suffix(".png"), path.with_name(path.stem + "_pred.png"))
    assert "both answer for" in err()
    (listing := noisy / "list.json").write_text("[]")
    assert "is no folder" in err(listing)


def test_two_names_for_one_photo_are_refused(noisy, samples):
    target = samples[0].target
    shutil.copy(noisy / f"{target.names[0]}.npy", noisy / f"{target.names[1]}.npy")
    with pytest.raises(DataError, match=f"{target.names[0]} and {target.names[1]} are both depth of {samples[0].id}"):
        official(noisy, samples)


def test_a_size_that_the_protocol_cannot_bear_names_the_file(refbench, small_world, noisy, samples, tmp_path):
    path = noisy / f"{samples[0].target.names[0]}.npy"
    np.save(path, np.load(path)[::2, ::2])
    words = ("--predictions", noisy, "--data-root", small_world, "--json")
    assert refbench("score", "--task", "nyu_depth", *words).json["metrics"]["coverage"] == 1
    (include := tmp_path / "own").mkdir()
    (include / "strict.yaml").write_text(
        "kind: depth\nbenchmark: nyu\nsplits: [test]\nprompt: estimate_depth\ndescription: mine\n"
        "protocol: {preset: depth_anything_v2, resize: none}\n"
    )
    done = refbench("score", "--task", "strict", "--include", include, *words)
    assert done.code == 2
    assert f"{path.name}: the prediction is (64, 64) but the target is (128, 128)" in done.err


def test_a_runs_own_predictions_score_again_to_the_same_numbers(refbench, small_world, tmp_path):
    words = ("--task", "nyu_depth", "--data-root", small_world, "--json")
    [row] = refbench("eval", *words, "--model", "constant", "--out", tmp_path / "runs").json["rows"]
    predictions = tmp_path / "runs" / row["run"] / "predictions.jsonl"
    again = refbench("score", *words, "--predictions", predictions).json
    assert again["metrics"] == row["metrics"]
    assert (again["missing"], again["malformed"]) == (0, 0)
    next((predictions.parent / "dense").iterdir()).unlink()
    lost = refbench("score", *words, "--predictions", predictions)
    assert lost.code == 2
    assert "holds no depth map" in lost.err


def test_simple_lines_name_maps_beside_them(refbench, small_world, samples, tmp_path):
    (tmp_path / "maps").mkdir()
    np.savez(tmp_path / "maps/a.npz", samples[0].target.load())
    first, second = (sample.id for sample in samples)
    content = [{"sample_id": first, "depth": {"file": "maps/a.npz"}}, {"sample_id": second, "depth": None}]
    (path := tmp_path / "mine.jsonl").write_text("".join(json.dumps(line) + "\n" for line in content))
    words = ("score", "--task", "nyu_depth", "--data-root", small_world, "--json", "--predictions", path)
    done = refbench(*words).json
    assert (done["metrics"]["abs_rel"], done["metrics"]["coverage"], done["malformed"]) == (0, 0.5, 1)
    content[0]["depth"]["file"] = "../maps/a.npz"
    path.write_text(json.dumps(content[0]))
    assert "must be a .npz below the predictions' folder" in refbench(*words).err


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="golden files are absent")
def test_golden_maps_score_through_the_task_as_zoedepth_does(refbench, tmp_path):
    want = json.loads((GOLDEN / "expected.json").read_text())["per_image"]
    root, maps = tmp_path / "data", tmp_path / "maps"
    for folder in (root / NYU / "room", maps / "room"):
        folder.mkdir(parents=True)
    lines = []
    for number, name in enumerate(("nyu_00", "nyu_01")):
        shutil.copy(GOLDEN / f"{name}_gt.png", root / NYU / f"room/sync_depth_{number:05d}.png")
        shutil.copy(GOLDEN / f"{name}_pred.npz", maps / f"room/rgb_{number:05d}.npz")
        with Image.open(GOLDEN / f"{name}_gt.png") as truth:
            Image.new("RGB", truth.size).save(root / NYU / f"room/rgb_{number:05d}.jpg")
        lines.append(f"room/rgb_{number:05d}.jpg room/sync_depth_{number:05d}.png 518.8579\n")
    (root / "nyu_depth_v2/nyudepthv2_test_files_with_gt.txt").write_text("".join(lines))
    done = refbench("score", "--task", "nyu_depth", "--predictions", maps, "--data-root", root, "--json").json
    names = {"abs_rel": "abs_rel", "sq_rel": "sq_rel", "rmse": "rmse", "rmse_log": "rmse_log", "log10": "log_10",
             "silog": "silog", "delta1": "a1", "delta2": "a2", "delta3": "a3"}  # fmt: skip
    official_means = {
        key: np.mean([want[name]["zoedepth_eigen"][other] for name in ("nyu_00", "nyu_01")])
        for key, other in names.items()
    }
    # the golden README allows a relative 2e-5 for their float32 against our float64
    assert {key: done["metrics"][key] for key in names} == pytest.approx(official_means, rel=2e-5)


def test_the_sample_world_is_sparse_for_kitti_and_has_a_line_without_truth(tmp_path):
    from benchmarks.world.depth import write_depth

    write_depth(tmp_path, 0, {"test": 40})
    eigen = benchmark("kitti/eigen").open(tmp_path, "test", "sample").samples
    raw = benchmark("kitti/raw").open(tmp_path, "test", "sample").samples
    assert (len(raw), len(eigen)) == (16, 14)
    for samples, share in ((eigen, 0.2), (raw, 0.05)):
        # 16,384 pixels: four standard deviations of a share of 0.2 are 0.0125
        assert np.mean(samples[0].target.load() > 0) == pytest.approx(share, abs=0.0125)
        assert samples[0].target.load().max() <= 10
    diode = [benchmark(f"diode/{kind}").open(tmp_path, "val", "sample").samples for kind in ("indoor", "outdoor")]
    assert sum(map(len, diode)) == 16
    assert all(diode)
