"""Depth maps lie beside the lines: exact, the same bytes every time, and never outside their folder."""

import hashlib

import numpy as np
import pytest

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import DataError
from benchmarks.schema import Prediction
from tasks import predictions as lines
from tasks.dense import stow

VALUES = np.array([[1.5, 2.25, np.inf], [0.1, 1e-9, 3.0]], dtype=np.float32)


@pytest.fixture
def stowed(tmp_path):
    return stow(Prediction("nyu/test/1", "ok", depth=DepthMap(values=VALUES)), tmp_path)


def test_a_map_is_read_back_exactly_through_its_line(stowed, tmp_path):
    (tmp_path / "predictions.jsonl").write_bytes(lines.to_bytes([stowed]))
    [again] = lines.read(tmp_path / "predictions.jsonl")
    assert again == stowed
    assert again.depth.load().dtype == np.float32
    assert np.array_equal(again.depth.load(), VALUES)


def test_the_line_tells_the_map_and_the_file_is_the_same_every_time(stowed, tmp_path):
    content = lines.to_json(stowed)["depth"]
    assert content["sha256"] == hashlib.sha256(b"(2, 3)" + VALUES.tobytes()).hexdigest()
    again = stow(Prediction("nyu/test/1", "ok", depth=DepthMap(values=VALUES)), tmp_path / "again")
    assert again.depth.file.read_bytes() == (tmp_path / content["file"]).read_bytes()


def test_stowing_twice_or_nothing_changes_nothing(stowed, tmp_path):
    assert stow(stowed, tmp_path) is stowed
    assert stow(empty := Prediction("nyu/test/2", "failed"), tmp_path) is empty


@pytest.mark.parametrize(
    "name", ["/etc/map.npz", "../map.npz", "dense/../../map.npz", "a\\b.npz", "map.npy", 7, "a\0.npz"]
)
def test_a_path_that_leaves_its_folder_or_is_no_npz_is_refused(name, tmp_path):
    content = {"sample_id": "s", "status": "ok", "depth": {"file": name}}
    with pytest.raises(DataError, match="line 1: not a prediction"):
        lines.from_json(content, "line 1", tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", np.zeros(3).tobytes()])
def test_a_file_that_holds_no_map_is_named(tmp_path, content):
    (tmp_path / "map.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"map\.npz holds no depth map"):
        DepthMap(file=tmp_path / "map.npz").load()


def test_an_array_of_another_shape_is_named(tmp_path):
    np.savez(tmp_path / "map.npz", depth=np.zeros((2, 2, 1)))
    with pytest.raises(DataError, match=r"shape \(2, 2, 1\), not \[H, W\]"):
        DepthMap(file=tmp_path / "map.npz").load()


def test_a_pickle_in_the_file_is_never_run(tmp_path):
    np.savez(tmp_path / "map.npz", depth=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="holds no depth map"):
        DepthMap(file=tmp_path / "map.npz").load()
