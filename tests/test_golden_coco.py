"""Golden files of detection, keypoints and PCK, and the scores of real models' results files.

`REFBENCH_GOLDEN` names another folder of the same layout; `REFBENCH_SHARED` the folder that holds `data`.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from metrics.coco_eval import Rules
from metrics.coco_files import read_truth
from metrics.coco_options import Options
from metrics.coco_overlap import COCO_SIGMAS
from metrics.coco_results import read_results
from metrics.coco_score import evaluate, select
from metrics.detection import AREAS
from metrics.detection import SCORERS as DETECTION
from metrics.keypoints import RULES as KEYPOINT_RULES
from metrics.keypoints import SCORERS as KEYPOINTS
from metrics.pck import SCORERS as PCK

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[1] / "../shared")).resolve()
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics")).resolve()
SCORE = {scorer.name: scorer.score for scorer in (*DETECTION, *KEYPOINTS, *PCK)}
INSTANCES, POSES, PERSONS = GOLDEN / "coco_instances", GOLDEN / "coco_keypoints", GOLDEN / "pck"

# The folder states 1e-10 for COCO; the figures are equal to the last bit, so the tests ask for 1e-12.
EXACT = 1e-12


def expected(folder):
    if not (folder / "expected.json").exists():
        pytest.skip(f"{folder} is absent")
    return json.loads((folder / "expected.json").read_text())


def official(values):
    """Print undefined figures as pycocotools does."""
    return [-1 if value is None else value for value in values]


@pytest.mark.parametrize("kind", ["bbox", "segm", "keypoints"])
def test_precision_recall_and_score_arrays(kind):
    folder = POSES if kind == "keypoints" else INSTANCES
    names = ("person_keypoints_gt", "keypoints_results") if kind == "keypoints" else ("instances_gt", f"{kind}_results")
    expected(folder)
    arrays = np.load(folder / f"expected_{kind}_arrays.npz")
    truth = read_truth(folder / f"{names[0]}.json", kind)
    results = read_results(folder / f"{names[1]}.json", truth)
    rules = KEYPOINT_RULES if kind == "keypoints" else Rules(AREAS, (1, 10, 100))
    _, curves = evaluate(select(truth, results, Options(), COCO_SIGMAS), rules)
    np.testing.assert_allclose(curves.precision, arrays["precision"], rtol=0, atol=EXACT)
    np.testing.assert_allclose(curves.recall, arrays["recall"], rtol=0, atol=EXACT)
    # The folder stores scores as float32.
    np.testing.assert_array_equal(curves.scores.astype(np.float32), arrays["scores"])


def test_annotation_id_zero_is_said_and_can_be_mended():
    expected(INSTANCES)
    files = INSTANCES / "id_zero_gt.json", INSTANCES / "id_zero_bbox_results.json"
    assert any("annotation id 0" in note for note in SCORE["bbox"](*files, {}).notes)
    assert SCORE["bbox"](*files, {"id_zero": "fixed"}).metrics["ap"] == pytest.approx(1.0, abs=EXACT)


@pytest.mark.parametrize("name", ["coco17", "mpii16"])
def test_pck_of_every_joint(name):
    want, tolerance = expected(PERSONS)[name], expected(PERSONS)["tolerance"]["all"]
    file = PERSONS / f"{name}.npz"
    report = SCORE["pck"](file, file, {})
    keys = {"PCKh@0.5_mean_over_joints": "pckh@0.5", **{f"PCK_bbox_max_side@{t}": f"pck@{t}" for t in (0.05, 0.1, 0.2)}}
    for theirs, ours in keys.items():
        per_joint = official(table[ours] for table in report.per_class.values())
        assert per_joint == pytest.approx(want[theirs]["per_joint"], abs=tolerance)


def test_pck_of_the_mpii_table():
    want, tolerance = expected(PERSONS)["mpii16"]["MPII_official_style_percent"], expected(PERSONS)["tolerance"]["all"]
    report = SCORE["pck"](PERSONS / "mpii16.npz", PERSONS / "mpii16.npz", {"style": "mpii"})
    for part, table in report.per_class.items():
        official_percent = want[f"{part.capitalize()} PCK"]
        if table["pckh@0.5"] is None:
            # mmpose averages a -1 for the side that is never visible.
            assert official_percent <= 0
        else:
            # Percentages: the tolerance of a fraction, times 100.
            assert 100 * table["pckh@0.5"] == pytest.approx(official_percent, abs=100 * tolerance)


def published(folder):
    path = SHARED / "data" / folder / "expected_stats.json"
    return json.loads(path.read_text()) if path.exists() else {}


def results_files():
    """List (truth, results, kind, figures) of every results file with published scores."""
    data = SHARED / "data"
    for name, entry in published("real_predictions").items():
        yield data / entry["gt"], data / "real_predictions" / name, entry["iou_type"], entry["stats"]
    for name, stats in published("coco_eval_reference").items():
        folder = data / "coco_eval_reference"
        yield folder / "instances_val2014_100.json", folder / name, "bbox" if "bbox" in name else "segm", stats


CASES = list(results_files())


@pytest.mark.parametrize(("truth", "results", "kind", "stats"), CASES, ids=[case[1].stem for case in CASES])
def test_the_command_prints_the_published_scores_of_real_models(refbench, truth, results, kind, stats):
    done = refbench("score", kind, "--targets", truth, "--predictions", results, "--json")
    # The published figures are rounded to six digits.
    assert official(done.json["metrics"].values()) == pytest.approx(list(stats.values()), abs=5.1e-7)
