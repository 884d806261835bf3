"""Depth maps through a run: killed at any moment it gives the same bytes, and whatever cannot be scored is counted."""

import json
import re
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import DataError
from benchmarks.schema import Prediction
from results import rows as row_files
from tasks import predictions as lines

PROGRAM = Path(__file__).with_name("toy_depth_run.py")


@pytest.fixture(scope="module")
def deep():
    return SimpleNamespace(**runpy.run_path(str(PROGRAM)))


@pytest.fixture
def killed(tmp_path):
    def run(moment):
        command = [sys.executable, str(PROGRAM), str(tmp_path), str(tmp_path / "runs"), moment]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr

    return run


def content(run):
    """Every byte that must not depend on what happened on the way."""
    lasting = [run / name for name in ("predictions.jsonl", "rows.npz", "result.json")]
    return {path.name: path.read_bytes() for path in [*lasting, *(run / "dense").iterdir()]}


def test_a_run_killed_at_any_moment_gives_the_same_maps_and_numbers(deep, killed, tmp_path):
    record = deep.run(tmp_path, tmp_path / "undisturbed")
    for moment in (f"write:{deep.map_name(1)}", "tear:0", "ask:1", f"write:{deep.map_name(9)}", "write:result.json"):
        killed(moment)
    assert deep.run(tmp_path, tmp_path / "runs") == record
    run = deep.toy.folder_of(tmp_path / "runs")
    assert content(run) == content(deep.toy.folder_of(tmp_path / "undisturbed"))
    assert len(list((run / "dense").iterdir())) == 10
    assert not list(run.rglob(".*.tmp"))


def test_maps_are_kept_exactly_and_none_is_asked_twice(deep, killed, tmp_path):
    killed("ask:2")
    model = deep.Mapper()
    deep.run(tmp_path, tmp_path / "runs", model)
    assert [id for batch in model.asked for id in batch] == [f"toy/test/{number}" for number in range(6, 10)]
    run = deep.toy.folder_of(tmp_path / "runs")
    predictions = lines.read(run / "predictions.jsonl")
    assert [each.depth.load().shape for each in predictions] == [deep.toy.SIZE_HW] * 10
    assert any(not np.isfinite(each.depth.load()).all() for each in predictions)


class Giving:
    """A model that answers every query with what a function makes."""

    def __init__(self, make):
        self._make = make

    def predict(self, queries):
        return [
            Prediction(query.sample_id, "ok", depth=self._make(int(query.sample_id.rpartition("/")[2])))
            for query in queries
        ]

    def fingerprint(self):
        return "giving"


def reasons(deep, out):
    run = deep.toy.folder_of(out)
    return [each.error for each in lines.read(run / "predictions.jsonl")]


def test_a_map_of_another_size_is_resized_or_a_counted_failure_as_the_protocol_says(deep, tmp_path):
    half = Giving(lambda number: DepthMap(values=deep.truth(number)[::2, ::2]))
    resized = deep.run(tmp_path, tmp_path / "a", half)
    assert (resized.failed, resized.metrics["coverage"]) == (0, 1)
    refused = deep.run(tmp_path, tmp_path / "b", half, deep.make_task(resize="none"))
    assert (refused.failed, refused.metrics["coverage"], refused.metrics["abs_rel_penalised"]) == (10, 0, 1)
    assert refused.metrics["abs_rel"] is None
    assert reasons(deep, tmp_path / "b") == [
        "unusable answer: the prediction is (12, 16) but the target is (24, 32): write it at that size"
    ] * 10  # fmt: skip


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.ones((1, 24, 32)), r"depth must be a map of numbers \[H, W\], got float64 \(1, 24, 32\)"),
        (np.ones((0, 32)), r"got float64 \(0, 32\)"),
        (np.full((24, 32), "far"), "got <U3"),
        (np.full((24, 32), 1j), "got complex128"),
        (np.full((24, 32), None), "got object"),
        ([[1, 2], [3]], "inhomogeneous"),
    ],
    ids=["axis", "empty", "text", "complex", "objects", "ragged"],
)
def test_an_answer_that_is_no_map_is_a_failure_with_its_reason(deep, tmp_path, values, said):
    record = deep.run(tmp_path, tmp_path / "runs", Giving(lambda number: DepthMap(values=values)), limit=2)
    assert (record.failed, record.metrics["delta1_penalised"]) == (2, 0)
    assert re.search(said, reasons(deep, tmp_path / "runs")[0])


def test_what_needs_a_gradient_or_exceeds_float32_is_no_crash(deep, tmp_path):
    torch = pytest.importorskip("torch")
    tensors = Giving(lambda number: DepthMap(values=torch.ones(24, 32, requires_grad=number == 0)))
    record = deep.run(tmp_path, tmp_path / "a", tensors)
    assert record.failed == 1
    assert "requires grad" in reasons(deep, tmp_path / "a")[0]
    vast = Giving(lambda number: DepthMap(values=np.full((24, 32), 5.0) * np.where(np.arange(32) % 2, 1, 1e300)))
    assert deep.run(tmp_path, tmp_path / "b", vast).metrics["coverage"] == 1  # infinity becomes the cap


def test_maps_that_a_model_left_in_files_of_its_own_are_taken_in(deep, tmp_path):
    for number in range(10):
        np.savez(tmp_path / f"{number}.npz", depth=deep.truth(number))
    (tmp_path / "4.npz").write_bytes(b"PK cut")
    (tmp_path / "5.npz").unlink()
    model = Giving(lambda number: DepthMap(file=tmp_path / f"{number}.npz"))
    record = deep.run(tmp_path, tmp_path / "runs", model)
    assert (record.failed, record.metrics["coverage"], record.metrics["abs_rel"]) == (2, 0.8, 0)
    run = deep.toy.folder_of(tmp_path / "runs")
    assert len(list((run / "dense").iterdir())) == 8
    told = reasons(deep, tmp_path / "runs")
    assert all("holds no depth map" in told[place] for place in (4, 5))


def test_rows_of_unanswered_and_unscorable_photos_are_kept(deep, tmp_path, monkeypatch):
    """Photos whose truth is empty, that have no answer, and others: their rows differ in columns."""
    real = deep.truth
    monkeypatch.setitem(deep.make_split.__globals__, "truth", lambda n: real(n) * (n != 1))
    model = Giving(lambda number: None if number == 2 else DepthMap(values=real(number)))
    record = deep.run(tmp_path, tmp_path / "runs", model)
    assert (record.n, record.metrics["coverage"]) == (10, pytest.approx(8 / 9))
    assert record.metrics["abs_rel_penalised"] == pytest.approx(1 / 9)
    assert {"coverage", "abs_rel"} <= set(record.intervals)
    _, _, rows = row_files.read(deep.toy.folder_of(tmp_path / "runs") / "rows.npz")
    columns = [set(row) for row in rows["depth"]]
    assert columns[1] == {"valid_px", "eligible"}
    assert columns[2] == {"valid_px", "eligible", "answered"}
    assert columns[0] > columns[2]


def test_a_limited_run_and_a_run_of_nothing_scorable_finish(deep, tmp_path, monkeypatch):
    assert deep.run(tmp_path, tmp_path / "a", limit=4).n == 4
    monkeypatch.setitem(deep.make_split.__globals__, "truth", lambda n: np.zeros(deep.toy.SIZE_HW, np.float32))
    record = deep.run(tmp_path, tmp_path / "b")
    assert set(record.metrics.values()) == {None}
    assert record.intervals == {}


def test_a_map_that_was_exchanged_or_lost_is_told(deep, tmp_path):
    deep.run(tmp_path, tmp_path / "runs")
    run = deep.toy.folder_of(tmp_path / "runs")
    shutil.copy(run / "dense" / deep.map_name(1), run / "dense" / deep.map_name(2))
    third = lines.read(run / "predictions.jsonl")[2]
    with pytest.raises(DataError, match="holds another depth map than its prediction names"):
        third.depth.load()
    (run / "dense" / deep.map_name(2)).unlink()
    with pytest.raises(DataError, match=r"\.npz holds no depth map"):
        third.depth.load()
    line = json.loads((run / "predictions.jsonl").read_text().splitlines()[0])
    line["depth"]["sha256"] = 7
    with pytest.raises(DataError, match="sha256 of a depth map must be text"):
        lines.from_json(line, "line 1", run)
