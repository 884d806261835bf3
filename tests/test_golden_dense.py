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
from metrics.salient import E_CURVE, F_CURVE, aggregate, measure

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


def test_panoptic_scores_equal_panopticapi():
    want, report = expected("panoptic"), panoptic_report()
    close = want["tolerance"]["pq_sq_rq"]
    for suffix, group in {"": "All", "_things": "Things", "_stuff": "Stuff"}.items():
        for key in ("pq", "sq", "rq"):
            assert report.metrics[key + suffix] == pytest.approx(want[group][key], abs=close)
    names = {str(c["id"]): c["name"] for c in panoptic_truth().categories}
    for category, scores in want["per_class"].items():
        for key, value in scores.items():
            assert report.per_class[names[category]][key] == pytest.approx(value, abs=close)


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


def test_panoptic_sample_of_the_official_tool_scores_perfectly_against_itself():
    path = SHARED / "data/panopticapi_sample/sample_data/panoptic_examples.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    report = panoptic_files.score(path, path, {})
    assert report.n == 2
    assert set(report.metrics.values()) == {1.0}


def test_semantic_equals_detectron2():
    want = expected("semseg")
    report = semantic.score(GOLDEN / "semseg/gt", GOLDEN / "semseg/pred", {"num_classes": str(want["num_classes"])})
    close = want["tolerance"]["metrics"] / 100
    official = {"miou": "mIoU", "fwiou": "fwIoU", "macc": "mACC", "pacc": "pACC"}
    for key, name in official.items():
        assert report.metrics[key] == pytest.approx(want["detectron2"][name] / 100, abs=close)
    for name, scores in report.per_class.items():
        iou = want["detectron2"][f"IoU-{name}"]
        assert scores["iou"] == (None if iou is None else pytest.approx(iou / 100, abs=close))


def test_semantic_other_average_counts_a_class_that_is_only_predicted():
    want = expected("semseg")["variant_pred_only_class_counts_as_zero"]
    report = semantic.score(GOLDEN / "semseg/gt", GOLDEN / "semseg/pred", {"average": "mmseg"})
    assert report.metrics["miou"] == pytest.approx(want["mIoU"] / 100, abs=1e-11)
    assert sum(scores["iou"] is not None for scores in report.per_class.values()) == want["n_classes"]


def test_semantic_confusion_is_exact():
    want = expected("semseg")
    total = 0
    for path in sorted((GOLDEN / "semseg/gt").glob("*.png")):
        target, pred = (read_plane(p, LABEL_MODES, "labels") for p in (path, GOLDEN / "semseg/pred" / path.name))
        total = total + semantic.confusion(pred, target, want["num_classes"], want["ignore_label"])
    assert total.tolist() == want["confusion_pred_rows_gt_cols_last_is_ignore"]


ZOE = {"delta1": "a1", "delta2": "a2", "delta3": "a3", "abs_rel": "abs_rel", "rmse": "rmse", "log10": "log_10",
       "rmse_log": "rmse_log", "silog": "silog", "sq_rel": "sq_rel"}
MONODEPTH = {key: name for key, name in ZOE.items() if key not in ("log10", "silog")}
ANYTHING = {**ZOE, "delta1": "d1", "delta2": "d2", "delta3": "d3", "log10": "log10"}
MARIGOLD = {"delta1": "delta1_acc", "delta2": "delta2_acc", "delta3": "delta3_acc", "log10": "log10",
            "abs_rel": "abs_relative_difference", "sq_rel": "squared_relative_difference", "rmse": "rmse_linear",
            "rmse_log": "rmse_log", "silog": "silog_rmse", "silog_l1_x100": "silog_rmse", "i_rmse": "i_rmse"}
VARIANTS = {
    "zoedepth_nocrop": (ZOE, {"preset": "zoedepth", "crop": "none"}),
    "zoedepth_eigen": (ZOE, {"preset": "zoedepth", "crop": "eigen"}),
    "zoedepth_garg": (ZOE, {"preset": "zoedepth", "crop": "garg"}),
    "depth_anything_v2": (ANYTHING, {"preset": "depth_anything_v2"}),
    "monodepth2_median_scaling": (
        MONODEPTH, {"preset": "monodepth2", "resize": "align_corners", "clean": "clip"}),
    "marigold_least_square": (
        MARIGOLD, {"preset": "marigold", "resize": "align_corners", "clean": "clip", "min_depth": "0.001"}),
    "marigold_least_square_disparity": (
        MARIGOLD,
        {"preset": "marigold", "resize": "align_corners", "align": "lstsq_disparity", "min_depth": "0.001"}),
}


def depth_protocol(variant, dataset):
    options = {**VARIANTS[variant][1], "dataset": dataset}
    if variant.startswith("marigold"):
        options["crop"] = "garg" if dataset == "kitti" else "none"
    return options, depth_files.read_protocol(options)


def agrees(got, want):
    """Official code works in float32: 2e-5 relative, and a few pixels at a threshold of delta (stated tolerance)."""
    return not math.isfinite(got) if want is None else got == pytest.approx(want, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_depth_of_every_image_equals_the_official_code(variant):
    for name, image in expected("depth")["per_image"].items():
        if variant not in image:
            continue
        _, protocol = depth_protocol(variant, image["dataset"])
        target = depth_files.read_target(GOLDEN / f"depth/{name}_gt.png", image["png_scale"])
        key = "relative_disparity" if protocol.align == "lstsq_disparity" else "depth"
        pred = depth_files.read_prediction(GOLDEN / f"depth/{name}_pred.npz", key, 1.0)
        valid = protocol.valid(target)
        full = protocol.prepare(pred, target, valid)
        got = errors(full[valid], target[valid].astype(float), (protocol.silog_lambda, protocol.silog_scale))
        want = image[variant].get("metrics", image[variant])
        assert int(valid.sum()) == image[variant].get("n_valid", int(valid.sum()))
        for ours, theirs in VARIANTS[variant][0].items():
            assert agrees(got[ours], want[theirs]), (name, variant, ours, got[ours], want[theirs])


def test_depth_alignment_finds_the_official_scale_and_shift():
    for name, image in expected("depth")["per_image"].items():
        target = depth_files.read_target(GOLDEN / f"depth/{name}_gt.png", image["png_scale"]).astype(float)
        for variant in ("monodepth2_median_scaling", "marigold_least_square", "marigold_least_square_disparity"):
            _, protocol = depth_protocol(variant, image["dataset"])
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


@pytest.mark.parametrize("dataset", ["nyu", "kitti"])
@pytest.mark.parametrize("variant", [v for v in VARIANTS if v != "depth_anything_v2"])
def test_depth_means_come_out_of_the_files(dataset, variant):
    want = expected("depth")["per_image_mean"].get(f"{dataset}/{variant}")
    if want is None:
        pytest.skip(f"no golden mean of {variant} on {dataset}")
    options, _ = depth_protocol(variant, dataset)
    report = depth_files.score(GOLDEN / "depth", GOLDEN / "depth", {**options, "pattern": f"{dataset}_*_gt.png"})
    assert (report.n, report.missing, report.malformed) == (2, 0, 0)
    for ours, theirs in VARIANTS[variant][0].items():
        assert agrees(report.metrics[ours], want[theirs]), (ours, report.metrics[ours], want[theirs])


def test_depth_map_with_nan_is_malformed_where_nothing_is_clamped():
    expected("depth")
    options = {"preset": "depth_anything_v2", "dataset": "nyu", "pattern": "nyu_*_gt.png"}
    report = depth_files.score(GOLDEN / "depth", GOLDEN / "depth", options)
    assert (report.n, report.missing, report.malformed) == (2, 0, 1)
    assert report.metrics["coverage"] == 0.5
    assert report.metrics["delta1_penalised"] == pytest.approx(report.metrics["delta1"] / 2)


def test_every_alignment_has_a_preset_or_a_golden_variant():
    used = {depth_protocol(v, "nyu")[1].align for v in VARIANTS} | {preset("zoedepth", "kitti").align}
    assert used == set(ALIGNMENTS)


SALIENT = {"MAE": "mae", "Smeasure": "s_measure", "maxF": "f_max", "meanF": "f_mean", "adpF": "f_adaptive",
           "maxE": "e_max", "meanE": "e_mean", "adpE": "e_adaptive", "wFmeasure": "wf"}


def test_salient_scores_equal_pysodmetrics():
    want = expected("salient")
    close = want["tolerance"]["all"]
    report = salient_files.score(GOLDEN / "salient/gt", GOLDEN / "salient/pred", {})
    assert {name: report.metrics[key] for name, key in SALIENT.items()} == pytest.approx(want["aggregate"], abs=close)
    rows = []
    for name, scores in want["per_image"].items():
        pred, target = (salient_files.read_map(GOLDEN / "salient" / side / name) for side in ("pred", "gt"))
        rows.append(measure(pred, target))
        got = aggregate(rows[-1:])
        assert {k: got[key] for k, key in SALIENT.items()} == pytest.approx(scores, abs=close), name
    for letter, keys in (("F", F_CURVE), ("E", E_CURVE)):
        curve = np.mean([[row[key] for key in keys] for row in rows], axis=0)
        assert curve == pytest.approx(want["curves_threshold_descending_255_to_0"][letter], abs=close)
