"""Intervals and paired tests equal scipy.stats on the golden scores; tolerances are those that the file states."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from metrics.stats import bootstrap, mcnemar, sign_flip, unit_sums, wilson

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[1] / "../shared"))
FOLDER = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics")) / "stats"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="golden files are absent")


@pytest.fixture
def want():
    return json.loads((FOLDER / "expected.json").read_text())


@pytest.fixture
def scores():
    return np.load(FOLDER / "scores.npz")


def test_scores_are_sums_over_sums(want, scores):
    close = want["tolerance"]["exact"]
    assert unit_sums(scores["a"]).value() == pytest.approx(want["mean_a"], abs=close)
    assert unit_sums(scores["b"]).value() == pytest.approx(want["mean_b"], abs=close)
    assert unit_sums(scores["inter"], scores["union"]).value() == pytest.approx(want["oIoU"], abs=close)


@pytest.mark.parametrize(
    ("columns", "method", "key"),
    [
        (["a"], "percentile", "bootstrap_percentile_95_mean_a"),
        (["a"], "bca", "bootstrap_bca_95_mean_a"),
        (["inter", "union"], "percentile", "bootstrap_percentile_95_oIoU"),
    ],
)
def test_bootstrap_intervals(want, scores, columns, method, key):
    interval = bootstrap(unit_sums(*(scores[name] for name in columns)), method)
    assert interval == pytest.approx(want[key], abs=want["tolerance"]["bootstrap_endpoints_abs"])


def test_paired_tests_and_the_interval_of_a_share_are_exact(want, scores):
    close = want["tolerance"]["exact"]
    p = sign_flip((scores["a"] - scores["b"])[:16])
    assert p == pytest.approx(want["paired_sign_flip_exact_first16_two_sided_p"], abs=close)
    only_a, only_b, p = mcnemar(scores["correct_a"], scores["correct_b"])
    assert {only_a, only_b} == {want["mcnemar_exact"]["n10"], want["mcnemar_exact"]["n01"]}
    assert p == pytest.approx(want["mcnemar_exact"]["p"], abs=close)
    right = scores["correct_a"]
    assert wilson(int(right.sum()), len(right)) == pytest.approx(want["wilson_95_correct_a"], abs=close)
