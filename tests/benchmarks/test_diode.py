"""DIODE: depth under its mask, indoors and outdoors apart, and every way in which a download can be broken."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.diode import read_depth
from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

DEPTH = np.array([[[1.5], [0.0], [np.nan]], [[-2.0], [np.inf], [30.25]]], dtype=np.float32)


@pytest.fixture
def root(tmp_path):
    """Two photos indoors, one outdoors; free to be broken."""
    names = (
        "indoors/scene_00020/scan_00185/00020_00185_indoors_010_020",
        "indoors/scene_00019/scan_00183/00019_00183_indoors_000_010",
        "outdoor/scene_00022/scan_00193/00022_00193_outdoor_000_010",
    )
    for name in names:
        (place := tmp_path / "diode/val" / name).parent.mkdir(parents=True)
        Image.new("RGB", (3, 2)).save(f"{place}.png")
        np.save(f"{place}_depth.npy", DEPTH)
        np.save(f"{place}_depth_mask.npy", np.array([[1, 1, 1], [1, 1, 0]], dtype=np.float64))
    return tmp_path


@pytest.fixture
def stem(root):
    return str(root / "diode/val/outdoor/scene_00022/scan_00193/00022_00193_outdoor_000_010")


def opened(root, name="diode/indoor"):
    return benchmark(name).open(root, "val", "official")


def test_indoors_and_outdoors_are_benchmarks_of_their_own(root):
    indoor, outdoor = opened(root), opened(root, "diode/outdoor")
    assert [sample.id for sample in indoor.samples] == [
        "diode/indoor/val/00019_00183_indoors_000_010", "diode/indoor/val/00020_00185_indoors_010_020"
    ]  # fmt: skip
    assert (indoor.expected, outdoor.expected, len(outdoor.samples)) == (325, 446, 1)
    assert outdoor.samples[0].tags == {"scene": "scene_00022"}
    assert outdoor.samples[0].target.names == (
        "scene_00022/scan_00193/00022_00193_outdoor_000_010_depth",
        "scene_00022/scan_00193/00022_00193_outdoor_000_010",
        "00022_00193_outdoor_000_010",
    )
    assert benchmark("diode/indoor").found(root) == {"val": 2}
    assert [path.name for path in benchmark("diode/outdoor").files(root)] == ["outdoor"]


def test_only_readings_under_the_mask_that_are_depths_count(root):
    depth = opened(root).samples[0].target.load()
    assert (depth.dtype, depth.tolist()) == (np.float32, [[1.5, 0, 0], [0, 0, 0]])


def test_maps_may_lack_the_last_axis_and_the_folder_its_name(root, stem):
    np.save(f"{stem}_depth.npy", np.full((2, 3), 7.0))
    (root / "diode/val").rename(root / "val")
    assert opened(root, "diode/outdoor").samples[0].target.load().tolist() == [[7, 7, 7], [7, 7, 0]]


def test_another_depth_or_mask_gives_another_fingerprint(root, stem):
    seen = {opened(root, "diode/outdoor").fingerprint}
    np.save(f"{stem}_depth_mask.npy", np.ones((2, 3)))
    seen.add(opened(root, "diode/outdoor").fingerprint)
    np.save(f"{stem}_depth.npy", DEPTH * 2)
    seen.add(opened(root, "diode/outdoor").fingerprint)
    assert len(seen) == 3


def test_missing_files_are_counted_and_named(root, tmp_path_factory):
    (root / "diode/val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010_depth_mask.npy").unlink()
    with pytest.raises(DataError, match=r"indoors: 1 of 4 arrays are missing \(scene_00019/.*_depth_mask\.npy\)"):
        opened(root)
    with pytest.raises(DataError, match="holds neither diode/val/indoors nor val/indoors"):
        opened(tmp_path_factory.mktemp("empty"))
    (empty := tmp_path_factory.mktemp("bare") / "val/indoors").mkdir(parents=True)
    with pytest.raises(DataError, match=r"holds no scene_\*/scan_\*/\*\.png"):
        benchmark("diode/indoor").found(empty.parents[1])
    with pytest.raises(UnknownName, match="known: val"):
        benchmark("diode/indoor").open(root, "train", "official")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 2, 1)), r"_depth\.npy is 2x3 but its photo .* 3x2"),
        (np.zeros((2, 3, 2)), r"has shape \(2, 3, 2\), not \[H, W\]"),
        (np.zeros(6), "holds no map of numbers"),
        (np.full((2, 3), "x"), "holds no map of numbers"),
        (np.full((2, 3), None), r"cannot be read as a NumPy array"),
    ],
    ids=["size", "channels", "row", "text", "pickle"],
)
def test_arrays_that_are_no_maps_are_told_before_anything_is_asked(root, stem, array, said):
    np.save(f"{stem}_depth.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=said):
        opened(root, "diode/outdoor")


def test_a_cut_file_and_a_mask_of_shades_are_told(root, stem, tmp_path):
    np.save(tmp_path / "mask.npy", np.full((2, 3), 0.5))
    np.save(tmp_path / "depth.npy", DEPTH)
    with pytest.raises(DataError, match=r"mask\.npy holds other values than 0 and 1"):
        read_depth(tmp_path / "depth.npy", tmp_path / "mask.npy", (2, 3))
    with pytest.raises(DataError, match=r"depth\.npy is \(2, 3\) but its photo \(9, 9\)"):
        read_depth(tmp_path / "depth.npy", tmp_path / "mask.npy", (9, 9))
    with open(f"{stem}_depth.npy", "r+b") as file:
        file.truncate(100)
    with pytest.raises(DataError, match=r"_depth\.npy cannot be read as a NumPy array"):
        opened(root, "diode/outdoor")
