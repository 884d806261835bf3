"""A metric in one file of the user's goes through every command that makes or reads runs."""

import json
import math
import re
import shutil
from pathlib import Path

import pytest

from benchmarks.errors import ConfigError, UnknownName
from results.direction import of_record
from results.record import Record
from results.store import Store
from tasks import registry
from tasks.own_metrics import own_metrics

FILE = Path(__file__).with_name("own_metric_file.py")
TASK = {
    "kind": "rec",
    "benchmark": "refcoco/unc",
    "splits": ["val"],
    "prompt": "Where is {question}?",
    "metrics": ["middle"],
    "description": "boxes, and the distance of their middles",
}


MODELS = """
from benchmarks.schema import Group, Instance, Prediction
from tasks.base import ModelEntry

class Fixed:
    def __init__(self, share):
        self.share = share
    def predict(self, queries):
        return [Prediction(each.sample_id, "ok", groups=(self.group(each),)) for each in queries]
    def group(self, query):
        x, y = (self.share * side for side in reversed(query.image.size_hw))
        return Group(query.question, "box", (Instance(box_xyxy=(x - 4, y - 4, x + 4, y + 4)),))
    def fingerprint(self):
        return f"fixed/{self.share}"

MODELS = [
    ModelEntry("far", "toy", ("box",), lambda options: Fixed(0.05)),
    ModelEntry("near", "toy", ("box",), lambda options: Fixed(0.5)),
]
"""
"""A model that answers in the middle, and one in a corner, which is farther from most things."""


def write(folder, text=None, **changes):
    """Write the metric and a task that names it; return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "middle.py").write_text(FILE.read_text() if text is None else text)
    (folder / "shop.yaml").write_text(json.dumps({**TASK, **changes}))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "own")


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_world):
    """Runs of two models on the user's task, and the folder that it lies in: read only."""
    from tasks.cli import main

    root = tmp_path_factory.mktemp("made")
    include = write(root / "own")
    (include / "fixed.py").write_text(MODELS)
    words = ["--task", "shop", "--include", include, "--data-root", small_world, "--json", "--out", root / "runs"]
    assert main(["eval", *map(str, words), "--model", "near,far"]) == 0
    return include, root / "runs"


def run_of(root, model):
    [run] = [run for run in Store(root).runs() if run.record.model == model]
    return run


def test_a_row_has_the_scores_with_intervals_and_every_slice(refbench, folder, small_world, tmp_path):
    given = ("--include", folder, "--data-root", small_world, "--out", tmp_path / "runs", "--json")
    row = refbench("eval", "--task", "shop", "--model", "constant", *given).json["rows"][0]
    rows = run_of(tmp_path / "runs", "constant").rows["middle"]
    assert len(rows) == row["n"] > 3
    assert row["metrics"]["middle_error"] == pytest.approx(math.fsum(each["distance"] for each in rows) / row["n"])
    low, high = row["intervals"]["middle_error"]
    assert low < row["metrics"]["middle_error"] < high
    record = run_of(tmp_path / "runs", "constant").record
    assert record.protocols["middle"] == "middle/1"
    assert all("middle_error" in part.metrics for values in record.slices.values() for part in values.values())
    oracle = refbench("eval", "--task", "shop", "--model", "oracle", *given).json["rows"][0]
    assert oracle["metrics"]["middle_error"] == 0


def test_the_record_tells_the_direction_without_the_file(made):
    record = run_of(made[1], "near").record
    assert dict(record.directions) == {"middle_error": "lower", "middle_answered": "higher"}
    assert (of_record(record, "middle_error"), of_record(record, "acc@0.5")) == ("lower", "higher")
    again = Record.from_json(json.loads(json.dumps(record.to_json())), record.run, "there")
    assert again == record


def test_records_of_our_own_metrics_stay_as_they_were(refbench, small_world, tmp_path):
    refbench(
        *("eval", "--task", "refcoco_rec", "--split", "val", "--model", "constant"),
        *("--data-root", small_world, "--out", tmp_path / "runs", "--limit", 2),
    )
    assert "directions" not in run_of(tmp_path / "runs", "constant").record.to_json()


def test_the_leaderboard_puts_the_smaller_error_first_without_the_file(refbench, made):
    values = {name: run_of(made[1], name).record.metrics["middle_error"] for name in ("near", "far")}
    words = ("leaderboard", "--task", "shop", "--metric", "middle_error", "--runs", made[1])
    [board] = refbench(*words, "--json").json["boards"]
    assert [(column["key"], column["better"]) for column in board["columns"]] == [("middle_error", "lower")]
    assert [line["model"] for line in board["lines"]] == sorted(values, key=values.__getitem__)


def test_compare_says_which_is_better(refbench, made):
    words = ("compare", "near", "far", "--runs", made[1], "--include", made[0])
    [found] = refbench(*words, "--json").json["comparisons"]
    values = [run_of(made[1], name).record.metrics["middle_error"] for name in ("near", "far")]
    change = found["metrics"]["middle_error"]
    assert change["difference"] == pytest.approx(values[1] - values[0])
    assert change["difference"] > 0
    assert change["better"] == "lower"
    without = refbench("compare", "near", "far", "--runs", made[1])
    assert "no metric is called middle: name the folder that holds it (--include)" in without.out + without.err


def test_the_gate_fails_where_the_error_grows(refbench, made, tmp_path):
    rules = tmp_path / "gate.yaml"
    rules.write_text("rules: [{kind: absolute, metrics: [middle_error], max_drop: 0.001}]")
    given = ("--include", made[0], "--rules", rules, "--runs", made[1])
    near, far = (run_of(made[1], name).folder for name in ("near", "far"))
    assert refbench("regress", "--candidate", near, "--baseline", far, *given).code == 0
    failed = refbench("regress", "--candidate", far, "--baseline", near, *given)
    assert failed.code == 1
    assert "middle_error" in failed.out


def test_a_paper_table_marks_the_smaller_error(refbench, made, tmp_path):
    table = {
        "description": "middles",
        "caption": "Middles",
        "arrows": True,
        "columns": [{"head": "shop", "task": "shop", "splits": ["val"], "metrics": ["acc@0.5", "middle_error"]}],
        "rows": [{"model": "far"}, {"model": "near"}],
    }
    (tmp_path / "middles.yaml").write_text(json.dumps(table))
    done = refbench("export", "--table", tmp_path / "middles.yaml", "--runs", made[1], "--include", made[0])
    assert done.code == 0, done.err
    assert "middle_error ↓" in done.out.replace("\\", "")
    [near] = [line for line in done.out.splitlines() if line.startswith("| near")]
    assert near.endswith("**19.7** |")


def test_a_report_shows_it_with_its_meaning(refbench, made, tmp_path):
    out = tmp_path / "report.html"
    words = ("report", run_of(made[1], "near").folder, run_of(made[1], "far").folder, "--include", made[0])
    done = refbench(*words, "--runs", made[1], "--out", out, "--pictures", 2)
    assert done.code == 0, done.err
    page = out.read_text()
    assert "middle_error" in page
    assert "mean distance of the middles" in page


def test_power_and_runs_show_know_it(refbench, made):
    given = ("--runs", made[1], "--include", made[0])
    found = refbench("power", run_of(made[1], "near").folder, "--metric", "middle_error", *given, "--json")
    assert found.code == 0, found.err
    shown = refbench("runs", "show", run_of(made[1], "near").folder, *given, "--json").json
    assert shown["recomputed"] == ["rec", "middle"]
    assert not shown["problems"]


def test_predictions_of_others_are_scored_with_it(refbench, made, small_world):
    run = run_of(made[1], "near")
    words = ("score", "--task", "shop", "--include", made[0], "--data-root", small_world, "--json")
    told = refbench(*words, "--predictions", run.predictions).json["metrics"]
    assert told == pytest.approx(run.record.metrics)


def test_it_is_listed_and_shown_beside_ours(refbench, folder):
    assert "middle " in refbench("metrics", "--include", folder).out
    [card] = refbench("metrics", "middle", "--include", folder, "--json").json
    assert (card["protocol"], card["measures"], card["direction"]) == ("middle/1", ["rec"], "lower is better")
    assert card["from"].endswith("middle.py")
    assert refbench("metrics", "middle").code == 2
    told = refbench("tasks", "shop", "--include", folder, "--json").json[0]
    assert told["metrics"]["middle_error"] == "mean distance of the middles"


def test_the_headline_can_be_ones_own(refbench, small_world, tmp_path):
    folder = write(tmp_path / "own", headline="middle")
    given = ("--include", folder, "--data-root", small_world, "--out", tmp_path / "runs", "--limit", 4)
    assert refbench("eval", "--task", "shop", "--model", "constant,oracle", *given).code == 0
    record = run_of(tmp_path / "runs", "constant").record
    assert (record.headline, record.columns[0]) == ("middle_error", "middle_error")
    [board] = refbench("leaderboard", "--runs", tmp_path / "runs", "--json").json["boards"]
    assert board["columns"][0]["better"] == "lower"
    out = tmp_path / "report.html"
    run = run_of(tmp_path / "runs", "constant").folder
    assert refbench("report", run, "--runs", tmp_path / "runs", "--include", folder, "--out", out).code == 0


def test_kinds_that_measure_all_samples_at_once_take_it_too(small_world, tmp_path):
    text = FILE.read_text().replace("OwnMetric(MIDDLE, measure)", 'OwnMetric(MIDDLE, measure, ("detection",))')
    folder = write(tmp_path / "own", text.replace("sample.target.box_xyxy", "sample.target.objects[0].box_xyxy"))
    assert own_metrics(folder)["middle"].kinds == ("detection",)
    with pytest.raises(ConfigError, match=r"shop\.yaml: metric middle .* measures detection, not rec"):
        registry.find("shop", folder)


@pytest.mark.parametrize(
    ("was", "instead", "complaint"),
    [
        ('name="middle"', 'name="rec"', "there is a metric called 'rec' already"),
        ('name="middle"', 'name="my/middle"', "needs a name of letters"),
        ('kind="rec"', 'kind="recc"', "did you mean rec"),
        ('headline="middle_error"', 'headline="error"', "has headline 'error', which the keys of its card lack"),
        ('protocol="middle/1"', 'protocol=""', "has no protocol"),
        ("[OwnMetric(MIDDLE, measure)]", "[MIDDLE]", "must be a list of tasks.base.OwnMetric"),
    ],
)
def test_a_metric_that_breaks_the_rules_is_named(tmp_path, was, instead, complaint):
    assert was in FILE.read_text()
    folder = write(tmp_path / "own", FILE.read_text().replace(was, instead))
    with pytest.raises((ConfigError, UnknownName), match=rf"middle\.py.*{complaint}"):
        own_metrics(folder)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"metrics": ["midle"]}, "no metric of your own is called 'midle'; did you mean middle"),
        ({"metrics": ["rec"]}, "kind rec measures rec anyway"),
        ({"metrics": ["middle", "middle"]}, "names one of them twice"),
        ({"headline": "midle"}, "no metric of this task is called 'midle'; did you mean middle"),
        ({"kind": "res", "prompt": "segment_expression"}, "measures rec, not res"),
    ],
)
def test_a_task_that_names_it_wrongly_is_refused(tmp_path, changes, complaint):
    folder = write(tmp_path / "own", **changes)
    with pytest.raises((ConfigError, UnknownName), match=rf"shop\.yaml: .*{complaint}"):
        registry.find("shop", folder)


@pytest.mark.parametrize(
    ("was", "instead", "complaint"),
    [
        ("if not boxes:", "if boxes[0]:", "failed \\(IndexError.*mend its measure"),
        ('return {"distance": 1.0, "answered": 0}', "return None", "gave None, not a row"),
        ('return {"distance": 1.0, "answered": 0}', "return {'distance': {1.0}, 'answered': 0}", "cannot be kept"),
        ('return {"distance": 1.0, "answered": 0}', "return {'distance': 'far', 'answered': 0}", "cannot be kept"),
        ('return {"distance": 1.0, "answered": 0}', "return {'answered': 0}", "cannot aggregate"),
        ('"middle_answered": sum', '"other": sum', "every score needs its line"),
        ('"middle_error": sum(distances)', '"middle_error": 3 + sum(distances)', "outside the range of its card"),
    ],
)
def test_a_slip_shows_before_anything_is_asked(refbench, small_world, tmp_path, was, instead, complaint):
    assert was in FILE.read_text()
    folder = write(tmp_path / "own", FILE.read_text().replace(was, instead))
    words = ("eval", "--task", "shop", "--include", folder, "--data-root", small_world, "--out", tmp_path / "runs")
    outcome = refbench(*words, "--model", "constant")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert re.search(complaint, outcome.err), outcome.err
    assert not list((tmp_path / "runs").rglob("*.json*"))


def test_numbers_of_numpy_are_kept_as_plain_ones(refbench, small_world, tmp_path):
    text = FILE.read_text().replace('"answered": 1', '"answered": np.int64(1), "both": np.ones(2, np.float32)')
    folder = write(tmp_path / "own", "import numpy as np\n" + text)
    words = ("eval", "--task", "shop", "--include", folder, "--data-root", small_world, "--out", tmp_path / "runs")
    assert refbench(*words, "--model", "constant", "--limit", 3).code == 0
    assert run_of(tmp_path / "runs", "constant").rows["middle"][0]["both"] == [1.0, 1.0]


def test_an_installed_package_brings_it(refbench, small_world, tmp_path, monkeypatch):
    """As pip leaves a package: a module and its metadata, in a folder of sys.path."""
    site, metadata = tmp_path / "site", tmp_path / "site" / "shop_metrics-1.0.dist-info"
    metadata.mkdir(parents=True)
    shutil.copy(FILE, site / "shop_metrics.py")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-metrics\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[refbench.metrics]\nmiddle = shop_metrics:METRICS\n")
    monkeypatch.syspath_prepend(site)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "shop.yaml").write_text(json.dumps(TASK))
    own_metrics.cache_clear()
    try:
        assert refbench("metrics", "middle", "--json").json[0]["from"] == "entry point middle of package shop-metrics"
        words = ("eval", "--task", "shop", "--include", tmp_path / "own", "--data-root", small_world, "--limit", 2)
        row = refbench(*words, "--model", "oracle", "--out", tmp_path / "runs", "--json").json["rows"][0]
        assert row["metrics"]["middle_error"] == 0
    finally:
        own_metrics.cache_clear()
