"""Files pair by name whatever their ending; nothing is dropped silently and every bad file is named."""

import numpy as np
import pytest
from PIL import Image

from metrics.errors import DataError
from metrics.image_pairs import pair_folders, read_plane


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((2, 3), np.uint8)).save(path)
    return folder


def test_names_pair_below_folders_and_the_rest_is_reported(tmp_path):
    truth = touch(tmp_path / "gt", "b/1_gt.png", "a.png", "c.png")
    answer = touch(tmp_path / "pred", "a.jpg", "b/1.png", "z.png")
    pairs = pair_folders(truth, answer, endings=(".png", ".jpg"), suffixes=("_gt", ""))
    assert pairs.names == ("a", "b/1", "c")
    assert pairs.predictions == (answer / "a.jpg", answer / "b/1.png", None)
    assert (pairs.missing, pairs.extra) == (1, (answer / "z.png",))


def test_the_first_ending_wins_and_one_folder_may_hold_both(tmp_path):
    folder = touch(tmp_path, "a_gt.png", "a_pred.png", "a_pred.jpg")
    pairs = pair_folders(folder, folder, "*_gt.png", (".jpg", ".png"), ("_gt", "_pred"))
    assert pairs.predictions == (folder / "a_pred.jpg",)
    assert pairs.extra == ()


def test_absent_empty_and_ambiguous_folders_are_named(tmp_path):
    truth = touch(tmp_path / "gt", "a.png", "a_gt.png")
    with pytest.raises(DataError, match="absent is not a folder"):
        pair_folders(truth, tmp_path / "absent")
    with pytest.raises(DataError, match=r"holds no file that matches \*\.tif"):
        pair_folders(truth, truth, "*.tif")
    with pytest.raises(DataError, match="both answer for 'a'"):
        pair_folders(truth, truth, suffixes=("_gt", ""))


def test_planes_are_read_unconverted_or_refused(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[1, 65535]], np.uint16)).save(path)
    assert read_plane(path, ("I;16",), "16 bits").tolist() == [[1, 65535]]
    with pytest.raises(DataError, match=r"a\.png is an image of kind I;16: write 8 bits"):
        read_plane(path, ("L",), "8 bits")
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.png cannot be decoded"):
        read_plane(path, ("L",), "8 bits")
    with pytest.raises(DataError, match=r"b\.png is missing"):
        read_plane(tmp_path / "b.png", ("L",), "8 bits")
