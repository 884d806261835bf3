"""Depth files: scales, formats and options; every broken file is named, every missing one counted."""

import numpy as np
import pytest
from PIL import Image

from metrics.depth_files import read_prediction, read_target, score
from metrics.errors import DataError

TARGET = np.full((480, 640), 2000, np.uint16)


@pytest.fixture
def folders(tmp_path):
    truth, answer = tmp_path / "gt", tmp_path / "pred"
    truth.mkdir(), answer.mkdir()
    for name in ("a", "b"):
        Image.fromarray(TARGET).save(truth / f"{name}.png")
    np.savez(answer / "a.npz", depth=np.full((240, 320), 2.0, np.float32))
    return truth, answer


def test_a_folder_is_scored_and_what_is_missing_counts(folders):
    report = score(*folders, {})
    assert (report.n, report.missing, report.malformed) == (2, 1, 0)
    assert report.metrics["abs_rel"] == pytest.approx(0, abs=1e-7)
    assert (report.metrics["coverage"], report.metrics["delta1_penalised"]) == (0.5, 0.5)
    assert "crop=eigen" in report.protocol
    assert report.notes == ("1 images have no usable prediction: see coverage and the penalised means",)


def test_scales_make_metres(folders, tmp_path):
    truth, answer = folders
    assert read_target(truth / "a.png", 1000)[0, 0] == 2.0
    assert read_target(truth / "a.png", 256)[0, 0] == 7.8125
    Image.fromarray(TARGET * 2).save(answer / "b.png")
    report = score(truth, answer, {"pred_scale": "2000"})
    assert (report.missing, report.metrics["delta1"]) == (0, 1.0)


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (4, 5, 1)])
def test_predictions_may_be_npz_or_npy(shape, tmp_path):
    array = np.arange(20, dtype=np.float64).reshape(shape)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", anything=array)
    for name in ("a.npy", "a.npz"):
        read = read_prediction(tmp_path / name, "depth", 1.0)
        assert read.dtype == np.float32
        assert read.tolist() == array.reshape(4, 5).tolist()


def test_options_replace_parts_of_a_preset(folders):
    report = score(*folders, {"preset": "marigold", "dataset": "nyu", "crop": "none", "resize": "half_pixel",
                              "align": "median", "max_depth": "5", "min_valid": "3"})
    assert report.protocol == (
        "depth/1 marigold nyu cap=0.001..5m bounds=open crop=none resize=half_pixel clean=none align=median "
        "clamp=yes silog=l1_x100 min_valid=3"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"preset": "best"}, "no depth preset is called 'best'"),
        ({"dataset": "sun"}, "no depth dataset is called 'sun'"),
        ({"crop": "middle"}, "option crop=middle is not one of none, eigen"),
        ({"max_depth": "-1"}, "option max_depth=-1 is not a number above 0"),
        ({"preset": "marigold"}, r"a\.npz: the prediction is \(240, 320\) but the target is \(480, 640\)"),
    ],
)
def test_options_that_cannot_be_used_are_named(folders, options, text):
    with pytest.raises(DataError, match=text):
        score(*folders, options)


def test_broken_files_are_named(folders):
    truth, answer = folders
    np.savez(answer / "b.npz", x=np.zeros(3), y=np.zeros(3))
    with pytest.raises(DataError, match=r"b\.npz has no array 'depth' \(it has x, y\)"):
        score(truth, answer, {})
    np.savez(answer / "b.npz", depth=np.zeros(3))
    with pytest.raises(DataError, match=r"b\.npz holds float64 \(3,\)"):
        score(truth, answer, {})
    (answer / "b.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"b\.npz cannot be read as a NumPy file"):
        score(truth, answer, {})
    np.savez(answer / "b.npz", depth=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match=r"b\.npz cannot be read as a NumPy file"):
        score(truth, answer, {})
    Image.fromarray(np.zeros((480, 640), np.uint8)).save(truth / "b.png")
    with pytest.raises(DataError, match=r"b\.png is an image of kind L: write depth as a 16-bit grey PNG"):
        score(truth, answer, {})
