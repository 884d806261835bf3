import json

import numpy as np
import pytest

from metrics.depth import DEPTH
from metrics.depth import measure as measure_depth
from metrics.depth_protocols import preset
from metrics.errors import DataError
from metrics.rec import REC
from metrics.res import RES
from results.compare import compare, compare_all
from results.compare_text import collection_json, many_text, one_text, to_json
from results.record import Slice

A, B = "a/toy/test-00000000aa", "b/toy/test-00000000bb"


def rec(ious):
    return [{"iou": float(iou), "missing": 0, "malformed": 0} for iou in ious]


@pytest.fixture
def two(store_run):
    """Boxes of 40 images: small objects get better, large ones stay; two samples get wrong."""
    random = np.random.default_rng(0)
    before = random.uniform(0.2, 0.6, 40)
    after = before + np.where(np.arange(40) < 20, 0.3, 0.0)
    before[38:], after[38:] = 0.9, 0.1
    tags = [{"size": "small" if place < 20 else "large", "name": str(place)} for place in range(40)]
    return [
        store_run(REC, rec(ious), tags=tags, folder=folder, model=model)
        for ious, folder, model in ((before, A, "first"), (after, B, "second"))
    ]


def test_every_score_has_a_change_and_the_headline_comes_first(two):
    found = compare(*two)
    assert found.headline.key == REC.headline
    assert {change.key for change in found.changes} == set(REC.aggregate(two[0].rows["rec"]))
    change = {each.key: each for each in found.changes}["miou"]
    assert change.low < change.difference < change.high
    assert found.verdict(change) == ("better" if change.p < 0.05 else "no evidence")


def test_flips_count_samples_that_changed_sides(two):
    flips = compare(*two).flips
    ious = [np.array([row["iou"] for row in run.rows["rec"]]) for run in two]
    right = [each >= 0.5 for each in ious]
    assert (flips.fixed, flips.broken) == (int((~right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum()))
    assert flips.broken == 2
    assert flips.fixed + flips.broken + flips.unchanged == 40
    assert flips.binary


def test_slices_say_where_the_change_is_and_tags_that_name_samples_are_left_out(two):
    slices = {(each.tag, each.value): each for each in compare(*two).slices}
    assert set(slices) == {("size", "small"), ("size", "large")}
    small = slices["size", "small"]
    assert (small.n, small.adjusted) == (20, pytest.approx(min(1.0, 2 * small.change.p)))
    assert small.change.difference > 0 > slices["size", "large"].change.difference


def test_runs_without_tags_are_sliced_by_their_records(store_run):
    def slices(value):
        return {"kind": {"odd": Slice(5, {"acc@0.5": value}), "even": Slice(3, {"acc@0.5": None})}}

    runs = [
        store_run(REC, rec([0.1, 0.9]), folder=folder, slices=slices(value)) for folder, value in ((A, 0.2), (B, 0.8))
    ]
    [found] = compare(*runs).slices
    assert (found.tag, found.value, found.n, found.a, found.b, found.change) == ("kind", "odd", 5, 0.2, 0.8, None)
    assert "no interval" in one_text(compare(*runs))


def test_the_samples_that_changed_most_come_first(store_run):
    rows = [{"inter": n, "union": 100, "missing": 0} for n in (10, 50, 90)]
    other = [{"inter": n, "union": 100, "missing": 0} for n in (80, 50, 60)]
    found = compare(store_run(RES, rows, folder=A), store_run(RES, other, folder=B))
    assert [(each.id, each.a, each.b) for each in found.moved] == [
        ("toy/a/test/000", 0.1, 0.8), ("toy/a/test/002", 0.9, 0.6)
    ]  # fmt: skip


def test_lower_errors_are_better_and_undefined_scores_are_named(store_run):
    random = np.random.default_rng(1)
    truth = random.uniform(1, 9, (12, 4, 4))
    runs = []
    for folder, noise in ((A, 2.0), (B, 0.1)):
        rows = [measure_depth(np.abs(t + noise), t, preset("depth_anything_v2", "nyu")) for t in truth]
        scores = {**DEPTH.aggregate(rows), "silog": None}
        runs.append(store_run(DEPTH, rows, folder=folder, metrics=scores))
    found = compare(*runs)
    changes = {each.key: each for each in found.changes}
    assert changes["abs_rel"].difference < 0
    assert found.verdict(changes["abs_rel"]) == "better"
    assert found.verdict(changes["abs_rel"], p=0.5) == "no evidence"
    assert found.undefined == ["silog"]
    assert "undefined for at least one: silog" in one_text(found)


def test_whole_models_are_compared_task_by_task_with_holms_rule(store_run):
    random = np.random.default_rng(2)
    sides = []
    for model, gain in (("first", 0.0), ("second", 0.15)):
        own = np.random.default_rng(3)
        sides.append([
            store_run(REC, rec(own.uniform(0, 0.8, 30) + gain), folder=f"{model}/{task}/test-1", model=model, task=task)
            for task in ("t1", "t2", *(["alone"] if model == "second" else []))
        ])  # fmt: skip
    sides[1].append(store_run(REC, rec(random.random(9)), folder="second/t3/test-1", model="second", task="t3"))
    sides[0].append(store_run(REC, rec(random.random(8)), folder="first/t3/test-1", model="first", task="t3"))
    found = compare_all(*sides)
    assert [each.a.record.task for each in found.comparisons] == ["t1", "t2"]
    lowest = min(each.headline.p for each in found.comparisons)
    assert min(each.adjusted for each in found.comparisons) == pytest.approx(min(1.0, 2 * lowest))
    assert found.only_b == ["second/alone/test"]
    assert "samples is" in found.refused["t3/test"]
    assert json.loads(json.dumps(collection_json(found), allow_nan=False))["only_b"] == ["second/alone/test"]
    assert "not compared, t3/test" in many_text(found)
    with pytest.raises(DataError, match="no task and split in common"):
        compare_all(sides[0][:1], sides[1][1:2])
    with pytest.raises(DataError, match="one model a side"):
        compare_all([sides[0][0], sides[1][0]], sides[1])


def test_hostile_names_stay_in_their_cells(store_run):
    name = "\\textbf{x}|<script>alert(1)</script>\x1b[31m"
    tags = [{"kind": name}, {"kind": "b"}, {"kind": name}, {"kind": "b"}]
    runs = [store_run(REC, rec(ious), tags=tags, folder=folder, model=name)
            for ious, folder in (([0.1, 0.2, 0.9, 0.9], A), ([0.9, 0.2, 0.1, 0.9], B))]  # fmt: skip
    found = compare(*runs)
    for markdown in (False, True):
        text = one_text(found, markdown)
        assert "\x1b" not in text
    table = [line for line in one_text(found, markdown=True).splitlines() if line.startswith("| kind")]
    assert len(table) == 2
    assert all("<script>" not in line for line in table)
    assert {line.replace("\\|", "").count("|") for line in table} == {9}
    assert json.loads(json.dumps(to_json(found), allow_nan=False))["slices"][0]["value"] == name
