"""Dense metrics equal their official evaluators on the golden files; tolerances are those that the files state."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics import depth_files, panoptic_files, salient_files, semantic
from metrics.depth import errors
from metrics.depth_protocols import ALIGNMENTS, fit_scale_shift, median_scale, preset
from metrics.image_pairs import LABEL_MODES, read_plane
from metrics.panoptic import category_counts
from metrics.salient import E_CURVE, F_CURVE, measure

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[1] / "../shared"))
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics"))
pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="golden files are absent")


def expected(family):
    path = GOLDEN / family / "expected.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return json.loads(path.read_text())


def panoptic_truth():
    return panoptic_files.read_file(GOLDEN / "panoptic/panoptic_gt.json")


def panoptic_report(**options):
    folder = GOLDEN / "panoptic"
    return panoptic_files.score(folder / "panoptic_gt.json", folder / "panoptic_pred.json", options)


def test_panoptic_counts_equal_panopticapi_per_class_and_image():
    want, truth = expected("panoptic"), panoptic_truth()
    answer = panoptic_files.read_file(GOLDEN / "panoptic/panoptic_pred.json")
    rows = dict(zip(truth.annotations, panoptic_files.measure_files(truth, answer), strict=True))
    close = want["tolerance"]["iou_sum"]
    total = {str(c): values for (_, c), values in category_counts(list(rows.values())).items()}
    assert set(total) == set(want["counts_per_class"])
    for category, counts in want["counts_per_class"].items():
        assert [total[category][k] for k in ("tp", "fp", "fn")] == [counts[k] for k in ("tp", "fp", "fn")]
        assert total[category]["iou"] == pytest.approx(counts["iou_sum"], abs=close)
    for image, categories in want["counts_per_image"].items():
        own = {str(c): values for (_, c), values in category_counts([rows[int(image)]]).items()}
        assert set(own) == set(categories)
        for category, counts in categories.items():
            assert own[category] == pytest.approx(counts, abs=close)


def test_panoptic_workers_change_nothing():
    expected("panoptic")
    assert panoptic_report(workers="2") == panoptic_report()


def test_panoptic_sample_of_the_official_tool_scores_perfectly_against_itself(refbench):
    path = (SHARED / "data/panopticapi_sample/sample_data/panoptic_examples.json").resolve()
    if not path.exists():
        pytest.skip(f"{path} is absent")
    done = refbench("score", "panoptic", "--targets", path, "--predictions", path, "--json")
    assert done.json["n"] == 2
    assert set(done.json["metrics"].values()) == {1.0}


def test_semantic_classes_that_are_only_predicted_are_counted_by_mmseg():
    want = expected("semseg")["variant_pred_only_class_counts_as_zero"]
    report = semantic.score(GOLDEN / "semseg/gt", GOLDEN / "semseg/pred", {"average": "mmseg"})
    assert sum(scores["iou"] is not None for scores in report.per_class.values()) == want["n_classes"]


def test_semantic_confusion_is_exact():
    want = expected("semseg")
    total = 0
    for path in sorted((GOLDEN / "semseg/gt").glob("*.png")):
        target, pred = (read_plane(p, LABEL_MODES, "labels") for p in (path, GOLDEN / "semseg/pred" / path.name))
        total = total + semantic.confusion(pred, target, want["num_classes"], want["ignore_label"])
    assert total.tolist() == want["confusion_pred_rows_gt_cols_last_is_ignore"]


ANYTHING = {"delta1": "d1", "delta2": "d2", "delta3": "d3", "abs_rel": "abs_rel", "sq_rel": "sq_rel", "rmse": "rmse",
            "rmse_log": "rmse_log", "log10": "log10", "silog": "silog"}  # fmt: skip
VARIANTS = {
    "depth_anything_v2": {"preset": "depth_anything_v2"},
    "monodepth2_median_scaling": {"preset": "monodepth2", "resize": "align_corners", "clean": "clip"},
    "marigold_least_square": {"preset": "marigold", "resize": "align_corners", "clean": "clip", "min_depth": "0.001"},
    "marigold_least_square_disparity": {
        "preset": "marigold", "resize": "align_corners", "align": "lstsq_disparity", "min_depth": "0.001",
    },
}


def depth_protocol(variant, dataset):
    options = {**VARIANTS[variant], "dataset": dataset}
    if variant.startswith("marigold"):
        options["crop"] = "garg" if dataset == "kitti" else "none"
    return depth_files.read_protocol(options)


def agrees(got, want):
    """Official code works in float32: 2e-5 relative, and a few pixels at a threshold of delta (stated tolerance)."""
    return not math.isfinite(got) if want is None else got == pytest.approx(want, rel=2e-5, abs=2e-5)


def test_depth_pixels_and_errors_where_nothing_is_clamped_equal_the_official_code():
    for name, image in expected("depth")["per_image"].items():
        protocol, want = depth_protocol("depth_anything_v2", image["dataset"]), image["depth_anything_v2"]
        target = depth_files.read_target(GOLDEN / f"depth/{name}_gt.png", image["png_scale"])
        pred = depth_files.read_prediction(GOLDEN / f"depth/{name}_pred.npz", "depth", 1.0)
        valid = protocol.valid(target)
        full = protocol.prepare(pred, target, valid)
        got = errors(full[valid], target[valid].astype(float), (protocol.silog_lambda, protocol.silog_scale))
        assert int(valid.sum()) == want["n_valid"]
        for ours, theirs in ANYTHING.items():
            assert agrees(got[ours], want["metrics"][theirs]), (name, ours, got[ours])


def test_depth_alignment_finds_the_official_scale_and_shift():
    for name, image in expected("depth")["per_image"].items():
        target = depth_files.read_target(GOLDEN / f"depth/{name}_gt.png", image["png_scale"]).astype(float)
        for variant in ("monodepth2_median_scaling", "marigold_least_square", "marigold_least_square_disparity"):
            protocol = depth_protocol(variant, image["dataset"])
            valid = protocol.valid(target)
            key = "relative_disparity" if protocol.align == "lstsq_disparity" else "depth"
            pred = depth_files.read_prediction(GOLDEN / f"depth/{name}_pred.npz", key, 1.0)
            plain = replace(protocol, align="none", clamp=False).prepare(pred, target, valid)
            if variant == "monodepth2_median_scaling":
                assert median_scale(plain, target, valid) == pytest.approx(image[variant]["ratio"], rel=1e-3)
                continue
            if protocol.align == "lstsq_disparity":
                usable = valid & (plain > 0)
                scale, shift = fit_scale_shift(plain[usable], 1 / target[usable])
            else:
                scale, shift = fit_scale_shift(plain[valid], target[valid])
            assert scale == pytest.approx(image[variant]["scale"], rel=1e-3)
            assert shift == pytest.approx(image[variant]["shift"], rel=1e-3)


def test_depth_map_with_nan_is_malformed_where_nothing_is_clamped():
    images = {name: i for name, i in expected("depth")["per_image"].items() if i["dataset"] == "nyu"}
    bad = sum(None in image["depth_anything_v2"]["metrics"].values() for image in images.values())
    options = {"preset": "depth_anything_v2", "dataset": "nyu", "pattern": "nyu_*_gt.png"}
    report = depth_files.score(GOLDEN / "depth", GOLDEN / "depth", options)
    assert (report.n, report.missing, report.malformed) == (len(images), 0, bad)
    assert report.metrics["coverage"] == 1 - bad / len(images)
    assert report.metrics["delta1_penalised"] == pytest.approx(report.metrics["delta1"] * report.metrics["coverage"])


def test_every_alignment_has_a_preset_or_a_golden_variant():
    used = {depth_protocol(v, "nyu").align for v in VARIANTS} | {preset("zoedepth", "kitti").align}
    assert used == set(ALIGNMENTS)


def test_salient_curves_equal_pysodmetrics():
    want = expected("salient")
    folders = [GOLDEN / "salient" / side for side in ("pred", "gt")]
    maps = [[salient_files.read_map(folder / name) for folder in folders] for name in want["per_image"]]
    rows = [measure(pred, target) for pred, target in maps]
    for letter, keys in (("F", F_CURVE), ("E", E_CURVE)):
        curve = np.mean([[row[key] for key in keys] for row in rows], axis=0)
        official = want["curves_threshold_descending_255_to_0"][letter]
        assert curve == pytest.approx(official, abs=want["tolerance"]["all"])
