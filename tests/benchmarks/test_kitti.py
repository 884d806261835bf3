"""KITTI, Eigen split: which lines are asked, where truths may lie, and every way in which they can be broken."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
MINI = SHARED / "data/kitti_depth_mini"
LISTS = SHARED / "data/depth_splits"
LIST = "kitti/kitti_eigen_test_files_with_gt.txt"
DRIVE = "2011_09_26_drive_0002_sync"
SIZES_HW = ((4, 6), (5, 7), (4, 6))


def photo_name(frame):
    return f"2011_09_26/{DRIVE}/image_02/data/{frame:010d}.png"


def depth_name(frame):
    return f"{DRIVE}/proj_depth/groundtruth/image_02/{frame:010d}.png"


def sweep(frame):
    """A sparse map of metres, of the size of its photo."""
    metres = np.zeros(SIZES_HW[frame], dtype=np.float32)
    metres[frame + 1, 2:5] = (4.5, 70, 79.9)
    return metres


def export(root, maps):
    """`gt_depths.npz` as monodepth2 writes it: an array of arrays."""
    whole = np.empty(len(maps), dtype=object)
    for place, each in enumerate(maps):
        whole[place] = each
    np.savez_compressed(root / "kitti/gt_depths.npz", data=whole, allow_pickle=True)


@pytest.fixture
def root(tmp_path):
    """Three photos, the second without improved truth; free to be broken."""
    lines = []
    for frame, size_hw in enumerate(SIZES_HW):
        (photo := tmp_path / "kitti/raw" / photo_name(frame)).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size_hw[::-1]).save(photo)
        (depth := tmp_path / "kitti/data_depth_annotated" / depth_name(frame)).parent.mkdir(parents=True, exist_ok=True)
        if frame != 1:
            Image.fromarray((sweep(frame) * 256).astype(np.uint16)).save(depth)
        lines.append(f"{photo_name(frame)} {'None' if frame == 1 else depth_name(frame)} 721.5377\n")
    (tmp_path / LIST).write_text("".join(lines))
    export(tmp_path, [sweep(frame) for frame in range(3)])
    return tmp_path


def opened(root, name="kitti/eigen"):
    return benchmark(name).open(root, "test", "official")


def test_lines_without_an_improved_truth_are_asked_in_raw_only(root):
    eigen, raw = opened(root), opened(root, "kitti/raw")
    assert [sample.id for sample in eigen.samples] == [
        f"kitti/eigen/test/{DRIVE}/0000000000", f"kitti/eigen/test/{DRIVE}/0000000002"
    ]  # fmt: skip
    assert [sample.image_id[-1] for sample in raw.samples] == ["0", "1", "2"]
    assert (eigen.expected, raw.expected) == (652, 697)
    assert benchmark("kitti/eigen").found(root) == {"test": 2}
    assert benchmark("kitti/raw").found(root) == {"test": 3}
    assert [path.name for path in benchmark("kitti/raw").files(root)] == [Path(LIST).name, "raw", "gt_depths.npz"]


def test_truths_are_sparse_metres(root):
    stored = opened(root).samples[0].target.load()
    assert stored.dtype == np.float32
    assert stored[1, 2:5].tolist() == [4.5, 70, pytest.approx(79.9, abs=1 / 256)]
    assert np.count_nonzero(stored) == 3
    for frame, sample in enumerate(opened(root, "kitti/raw").samples):
        assert sample.target.load().tolist() == sweep(frame).tolist()


def test_names_of_predictions_are_those_of_the_usual_programs(root):
    target = opened(root).samples[0].target
    assert target.png_scale == 256
    assert target.names == (
        f"{DRIVE}/proj_depth/groundtruth/image_02/0000000000",
        f"2011_09_26/{DRIVE}/image_02/data/0000000000",
        f"{DRIVE}_0000000000",
    )


@pytest.mark.parametrize("place", ["kitti/data_depth_annotated/val", "kitti/data_depth_annotated/train", "kitti/gts"])
def test_truths_may_lie_as_the_archive_or_zoedepth_has_them(root, place):
    before = opened(root)
    truth = before.samples[1].target.load()
    (root / "kitti/data_depth_annotated").rename(root / "aside")
    shutil.move(root / "aside" / DRIVE, root / place / DRIVE)
    after = opened(root)
    assert after.fingerprint == before.fingerprint
    assert np.array_equal(after.samples[1].target.load(), truth)


def test_a_second_start_reads_the_sweeps_from_the_cache(root, monkeypatch, tmp_path):
    monkeypatch.setenv("REFBENCH_CACHE", str(tmp_path / "cache"))
    first = opened(root, "kitti/raw")
    monkeypatch.setattr("benchmarks.object_arrays.read", lambda path, name: pytest.fail("read again"))
    again = opened(root, "kitti/raw")
    assert again.fingerprint == first.fingerprint
    assert [each.target.load().tolist() for each in again.samples] == [sweep(frame).tolist() for frame in range(3)]


def test_missing_files_are_counted_and_named(root):
    (root / "kitti/data_depth_annotated" / depth_name(2)).unlink()
    with pytest.raises(DataError, match=r"annotated: 1 of 2 depth maps are missing \(2011_09_26_drive_0002_sync/proj"):
        opened(root)
    shutil.rmtree(root / "kitti/data_depth_annotated")
    with pytest.raises(DataError, match="holds neither kitti/data_depth_annotated nor kitti/gts"):
        opened(root)
    (root / "kitti/gt_depths.npz").unlink()
    with pytest.raises(DataError, match=r"gt_depths\.npz is missing"):
        opened(root, "kitti/raw")
    (root / "kitti/raw" / photo_name(0)).unlink()
    with pytest.raises(DataError, match=r"raw: 1 of 3 photos are missing \(2011_09_26/"):
        opened(root, "kitti/raw")
    with pytest.raises(UnknownName, match="did you mean test"):
        benchmark("kitti/raw").open(root, "tests", "official")


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        ([sweep(0), sweep(1)], "holds 2 arrays but the list 3 lines"),
        ([sweep(0), sweep(2), sweep(2)], "gt_depths.npz is 6x4 but its photo .* 7x5"),
        ([sweep(0), -sweep(1), sweep(2)], r"1 maps hold depths below 0, infinite or NaN \(first: 1\)"),
        ([sweep(0), sweep(1) * np.float32(np.nan), sweep(2)], "1 maps hold depths below 0"),
        ([sweep(0), sweep(1)[0], sweep(2)], r"must hold one map \[H, W\]"),
    ],
)
def test_an_export_that_does_not_fit_is_told(root, maps, said):
    export(root, maps)
    with pytest.raises(DataError, match=said):
        opened(root, "kitti/raw")


def test_eight_bits_other_sizes_and_strange_lines_are_told(root):
    path = root / "kitti/data_depth_annotated" / depth_name(0)
    Image.new("L", (6, 4)).save(path)
    with pytest.raises(DataError, match="has 8 bits"):
        opened(root)
    Image.fromarray(np.ones((3, 3), np.uint16)).save(path)
    with pytest.raises(DataError, match="is 3x3 but its photo"):
        opened(root)
    (root / "kitti/raw/photo.png").write_bytes((root / "kitti/raw" / photo_name(0)).read_bytes())
    (root / LIST).write_text(f"photo.png {depth_name(2)} 721.5")
    with pytest.raises(DataError, match=r"txt:1: 'photo\.png' is not <date>/<drive>"):
        opened(root)


@pytest.mark.skipif(not LISTS.is_dir(), reason="the real list is absent")
def test_the_real_list_has_the_published_counts(tmp_path):
    (tmp_path / "train_test_inputs").mkdir()
    shutil.copy(LISTS / Path(LIST).name, tmp_path / "train_test_inputs")
    assert {name: benchmark(name).found(tmp_path)["test"] for name in ("kitti/eigen", "kitti/raw")} == {
        "kitti/eigen": benchmark("kitti/eigen").splits["test"],
        "kitti/raw": benchmark("kitti/raw").splits["test"],
    }


@pytest.mark.skipif(not MINI.is_dir(), reason="the real photos are absent")
def test_the_real_frame_scores_perfect_by_its_truth_as_png_and_as_export(refbench, tmp_path):
    root, frame = tmp_path / "data", 5
    for source, name in (("image", f"raw/{photo_name(frame)}"), ("groundtruth_depth", f"gts/{depth_name(frame)}")):
        (target := root / "kitti" / name).parent.mkdir(parents=True)
        target.symlink_to(MINI / source / "0000000005.png")
    (root / LIST).write_text(f"{photo_name(frame)} {depth_name(frame)} 721.5377\n")
    truth = opened(root).samples[0].target.load()
    assert truth.shape == (375, 1242)
    assert np.mean(truth > 0) == pytest.approx(0.2, abs=0.05)  # its folder's README: about 20 % valid, 5 to 85 m
    assert truth[truth > 0].min() > 4
    export(root, [truth])
    for task in ("kitti_depth", "kitti_depth_raw"):
        words = ("eval", "--task", task, "--data-root", root, "--json", "--model")
        [oracle] = refbench(*words, "oracle").json["rows"]
        [constant] = refbench(*words, "constant").json["rows"]
        assert (oracle["n"], oracle["data"]) == (1, "official")
        assert (oracle["metrics"]["abs_rel"], oracle["metrics"]["delta1"]) == (pytest.approx(0, abs=1e-6), 1)
        assert constant["metrics"]["abs_rel"] > 0.3
        assert constant["metrics"]["delta1"] < 0.5
