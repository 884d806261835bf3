"""Answers as files: what is downloaded is read by what reads predictions, and scores the same."""

import zipfile

import numpy as np
from PIL import Image

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Group, Instance, Prediction
from results.report.sheet import Panel
from tasks import predictions
from tasks.demo import files

ANSWER = Prediction("set/val/7", "ok", "a", "b", (Group("x", "box", (Instance(score=0.5, box_xyxy=(1, 2, 3, 4)),)),))


def test_an_answer_is_a_line_of_the_predictions_format(tmp_path):
    path = files.save_prediction(ANSWER, "toy", tmp_path)
    assert path.name.startswith("toy-set-val-7-") and path.suffix == ".jsonl"
    assert predictions.read(path) == [ANSWER]


def test_a_depth_map_lies_beside_its_line(tmp_path):
    depth = np.linspace(1, 5, 12, dtype=np.float32).reshape(3, 4)
    path = files.save_prediction(Prediction("a", "ok", depth=DepthMap(values=depth)), "toy", tmp_path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    [answer] = predictions.read(tmp_path / "out" / "predictions.jsonl")
    np.testing.assert_array_equal(answer.depth.load(), depth)


def test_the_same_sample_of_two_people_never_shares_a_file(tmp_path):
    assert files.save_prediction(ANSWER, "toy", tmp_path) != files.save_prediction(ANSWER, "toy", tmp_path)


def test_names_cannot_leave_the_folder(tmp_path):
    path = files.save_prediction(Prediction("../../x/\0y", "ok"), "../m", tmp_path)
    assert path.resolve().is_relative_to(tmp_path)


def test_a_picture_is_saved_at_its_own_size(tmp_path):
    red = Image.new("RGB", (90, 70), (255, 0, 0))
    path = files.save_picture([Panel(red)], "what is it?", "toy", "set/val/7", tmp_path)
    with Image.open(path) as saved:
        pixels = np.asarray(saved.convert("RGB"))
    assert path.suffix == ".png"
    assert int((pixels == (255, 0, 0)).all(axis=-1).sum()) == 90 * 70
