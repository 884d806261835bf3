"""Curves: their points are the numbers that the metrics print."""

import math
import re

import numpy as np
import pytest

from metrics import rec, res
from metrics.base import Card, Metric
from metrics.depth import METRICS as DEPTH
from metrics.registry import metrics
from results.report.curves import CURVES, Rows, figures, overlaps


def titles(shown):
    return [re.search(r"<title id[^>]*>(.*?)</title>", each.svg)[1] for each in shown]


def described(figure):
    return re.search(r"<desc id[^>]*>(.*?)</desc>", figure.svg)[1]


def number_at(figure, x):
    """Read a curve off its picture, by the first and the last point: plots from x = 0 to 1 and y = 0 to 1."""
    area = re.search(
        r'<clipPath id="[^"]*"><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', figure.svg
    )
    left, top, width, height = map(float, area.groups())
    points = [
        tuple(map(float, each))
        for each in re.findall(r"([\d.]+),([\d.]+)", re.search(r'<path d="([^"]*)"', figure.svg)[1])
    ]
    _, y = min(points, key=lambda point: abs(point[0] - (left + x * width)))
    return 1 - (y - top) / height


def test_every_curve_is_of_a_metric_that_there_is():
    known = {metric.name for metric in metrics()}
    assert set(CURVES) <= known, set(CURVES) - known


def test_p_at_x_starts_with_all_and_ends_with_the_perfect_ones():
    rows = [{"iou": iou, "malformed": 0, "missing": 0} for iou in (0.2, 0.6, 1.0, 1.0)]
    shown = figures(rec.REC, [Rows("m", rows, [0.2, 0.6, 1.0, 1.0])])
    assert "m: 1 at 0 to 0.5 at 1" in described(shown[0])
    assert [float((overlaps(rows) >= x).mean()) for x in (0.25, 0.5, 0.75)] == [
        rec.aggregate(rows)[f"acc@{x}"] for x in (0.25, 0.5, 0.75)
    ]


def test_the_overlap_of_rows_is_what_the_metric_means():
    rows = [{"inter": 1, "union": 4, "missing": 0}, {"inter": 0, "union": 0, "missing": 0}]
    assert overlaps(rows).mean() == pytest.approx(res.aggregate(rows)["giou"])
    told = [{"inter": 0, "union": 0, "no_target": 1, "says_no_target": said, "missing": 0} for said in (0, 1)]
    assert overlaps(told).tolist() == [0, 1]


def test_two_runs_share_a_plot_and_have_a_histogram_each():
    rows = [{"iou": 0.4, "malformed": 0, "missing": 0}]
    shown = figures(rec.REC, [Rows("one", rows, [0.4]), Rows("other", rows, [0.4])])
    assert len(shown) == 3
    assert "one: " in described(shown[0]) and "other: " in described(shown[0])


def test_runs_without_rows_have_no_curves():
    assert figures(rec.REC, [Rows("m", [], [])]) == []


def test_unanswered_depth_counts_as_beyond_every_error():
    answered = {"eligible": 1, "answered": 1, "abs_rel": 0.1, "rmse": 1.0}
    shown = figures(DEPTH[0], [Rows("m", [answered, {"eligible": 1, "answered": 0}], [0.9, 0.0])])
    assert "0.5 at 0.1" in described(shown[0])  # the curve ends at one half: the other image never comes


def test_a_metric_of_the_users_own_has_the_distribution_of_its_values():
    card = Card("mean of x", "nobody", (), {"x": "x"}, range=(0.0, None), unit="metres")
    own = Metric("mine", "mine", "mine/1", lambda rows: {"x": 0.0}, "x", card)
    values = [1.0, 2.0, math.nan, None, 3.0]
    [shown] = figures(own, [Rows("m", [{"x": 1}] * 5, values)])
    assert "3 values" in described(shown)


def test_right_and_wrong_have_no_distribution():
    card = Card("share", "nobody", (), {"x": "x"})
    own = Metric("mine", "mine", "mine/1", lambda rows: {"x": 0.0}, "x", card)
    assert figures(own, [Rows("m", [{}] * 3, [0.0, 1.0, 1.0])]) == []


def test_pckh_read_off_its_curve_is_that_of_the_metric():
    random = np.random.default_rng(0)
    rows = []
    for _ in range(20):
        true = random.uniform(0, 100, 32)
        found = true + random.normal(0, 3, 32)
        rows.append({"true": true.tolist(), "visible": [1] * 16, "head": 6.0, "found": found.tolist()})
    [metric] = [each for each in metrics() if each.name == "pckh"]
    [shown] = figures(metric, [Rows("m", rows, [])])
    at_half = number_at(shown, 0.5)
    assert at_half == pytest.approx(metric.aggregate(rows)["pckh@0.5"], abs=0.005)  # read off pixels
