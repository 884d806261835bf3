"""NYU Depth v2 in both layouts: the same ids and truths, and every way in which a download can be broken."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
MINI = SHARED / "data/nyu_depth_mini"
TEST = "nyu_depth_v2/official_splits/test"
LIST = "nyu_depth_v2/nyudepthv2_test_files_with_gt.txt"
FRAMES = (("kitchen", 7), ("bath_room", 2))
SIZE_HW = (4, 6)


def raw_depth(number):
    """What the sensor saw, in metres, with fractions of a millimetre and pixels without a reading."""
    metres = np.random.default_rng(number).uniform(0.5, 9.9, SIZE_HW).astype(np.float32)
    metres[0, :2] = 0
    return metres


@pytest.fixture
def root(tmp_path):
    """The PNG layout with two photos, as BTS extracts them from the .mat; free to be broken."""
    lines = []
    for scene, number in FRAMES:
        (folder := tmp_path / TEST / scene).mkdir(parents=True)
        Image.new("RGB", SIZE_HW[::-1], (number, 0, 0)).save(folder / f"rgb_{number:05d}.jpg")
        Image.fromarray((raw_depth(number) * 1000.0).astype(np.uint16)).save(folder / f"sync_depth_{number:05d}.png")
        lines.append(f"{scene}/rgb_{number:05d}.jpg {scene}/sync_depth_{number:05d}.png 518.8579\n")
    (tmp_path / LIST).write_text("".join(lines))
    return tmp_path


@pytest.fixture
def mat_root(tmp_path):
    """The publisher's files with nine frames, of which 3 and 8 (counted from 1) are of test."""
    h5py = pytest.importorskip("h5py")
    from scipy.io import savemat

    (folder := tmp_path / "mat/nyu_depth_v2").mkdir(parents=True)
    scenes = {number: scene for scene, number in FRAMES}
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "w") as file:
        images = np.zeros((9, 3, SIZE_HW[1], SIZE_HW[0]), dtype=np.uint8)
        images[:, 0] = np.arange(9)[:, None, None]
        images[:, 1, 5, 0] = 200
        file["images"] = images
        file["rawDepths"] = np.stack([raw_depth(number).T for number in range(9)])
        names = file.create_group("#refs#")
        references = file.create_dataset("sceneTypes", (1, 9), dtype=h5py.ref_dtype)
        for number in range(9):
            text = scenes.get(number, "office")
            names[str(number)] = np.array([[ord(char)] for char in text], dtype=np.uint16)
            references[0, number] = names[str(number)].ref
    savemat(folder / "splits.mat", {"testNdxs": np.array([[8], [3]]), "trainNdxs": np.array([[1], [2]])})
    return tmp_path / "mat"


def opened(root):
    return benchmark("nyu").open(root, "test", "official")


def test_a_line_of_the_list_is_a_sample(root):
    split = opened(root)
    assert [sample.id for sample in split.samples] == ["nyu/test/kitchen/00007", "nyu/test/bath_room/00002"]
    sample = split.samples[0]
    assert (sample.image.path.name, sample.image.size_hw) == ("rgb_00007.jpg", (4, 6))
    assert sample.tags == {"scene": "kitchen"}
    assert sample.target.names == ("kitchen/sync_depth_00007", "kitchen/rgb_00007", "kitchen_rgb_00007")
    depth = sample.target.load()
    assert (depth.dtype, depth.shape, np.count_nonzero(depth)) == (np.float32, SIZE_HW, 22)
    assert np.abs(depth - raw_depth(7)).max() < 0.001
    assert (split.expected, split.complete, split.notes) == (654, False, ())
    assert benchmark("nyu").found(root) == {"test": 2}
    assert [path.name for path in benchmark("nyu").files(root)] == [Path(LIST).name, "test"]


def test_both_layouts_hold_the_same_truths_and_ids(root, mat_root):
    pngs, mat = opened(root), opened(mat_root)
    assert [sample.id for sample in mat.samples] == [sample.id for sample in pngs.samples]
    for one, other in zip(pngs.samples, mat.samples, strict=True):
        assert np.array_equal(one.target.load(), other.target.load())
        assert one.target.names == other.target.names
        assert one.image.size_hw == other.image.size_hw
    assert "border" in mat.notes[0]
    assert benchmark("nyu").found(mat_root) == {"test": 2}
    assert [path.name for path in benchmark("nyu").files(mat_root)] == ["nyu_depth_v2_labeled.mat", "splits.mat"]


def test_photos_of_the_mat_are_upright(mat_root):
    photo = opened(mat_root).samples[0].image.open_rgb()
    assert (photo.size, photo.mode) == ((6, 4), "RGB")
    assert (photo.getpixel((5, 0)), photo.getpixel((0, 3))) == ((7, 200, 0), (7, 0, 0))


def test_a_list_beside_the_mat_decides_which_frames_and_in_what_order(mat_root):
    (mat_root / "nyu_depth_v2/splits.mat").unlink()
    with pytest.raises(DataError, match=r"splits\.mat is missing: .* or put the test list of BTS there"):
        opened(mat_root)
    lines = [f"s/rgb_{number:05d}.jpg s/sync_depth_{number:05d}.png 1\n" for number in (2, 0)]
    (mat_root / LIST).write_text("".join(lines))
    assert [sample.image_id for sample in opened(mat_root).samples] == ["00002", "00000"]
    (mat_root / LIST).write_text("s/rgb_00009.jpg s/sync_depth_00009.png 1\n")
    with pytest.raises(DataError, match="holds 9 frames, but number 9 is asked for"):
        opened(mat_root)


def test_another_truth_gives_another_fingerprint(root):
    first = opened(root).fingerprint
    assert opened(root).fingerprint == first
    Image.fromarray(np.ones(SIZE_HW, np.uint16)).save(root / TEST / "kitchen/sync_depth_00007.png")
    assert opened(root).fingerprint != first


def test_missing_files_are_counted_and_named(root, tmp_path_factory):
    (root / TEST / "kitchen/rgb_00007.jpg").unlink()
    with pytest.raises(DataError, match=r"test: 1 of 2 photos are missing \(kitchen/rgb_00007\.jpg\)"):
        opened(root)
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(DataError, match=r"holds neither nyu_depth_v2/official_splits/test nor .*labeled\.mat"):
        opened(empty)
    assert [path.name for path in benchmark("nyu").files(empty)] == [Path(LIST).name, "test"]
    (root / LIST).unlink()
    with pytest.raises(DataError, match=r"with_gt\.txt is missing"):
        opened(root)
    with pytest.raises(UnknownName, match="did you mean test"):
        benchmark("nyu").open(root, "tset", "official")


def test_a_missing_depth_map_is_named(root):
    (root / TEST / "bath_room/sync_depth_00002.png").unlink()
    with pytest.raises(DataError, match=r"sync_depth_00002\.png is missing"):
        opened(root)


def test_eight_bits_and_other_sizes_are_told_before_anything_is_asked(root):
    path = root / TEST / "kitchen/sync_depth_00007.png"
    Image.new("L", SIZE_HW[::-1]).save(path)
    with pytest.raises(DataError, match=r"sync_depth_00007\.png has 8 bits"):
        opened(root)
    Image.fromarray(np.ones((5, 5), np.uint16)).save(path)
    with pytest.raises(DataError, match=r"sync_depth_00007\.png is 5x5 but its photo"):
        opened(root)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("kitchen/rgb_00007.jpg None 518.8", "a line of NYU needs a depth map"),
        ("kitchen/00007.jpg kitchen/sync_depth_00007.png 518.8", "is not named <scene>/rgb_NNNNN"),
    ],
)
def test_lines_of_another_kind_are_refused(root, line, said):
    (root / LIST).write_text(line)
    with pytest.raises(DataError, match=said):
        opened(root)


def test_broken_mats_are_told(mat_root):
    import h5py

    path = mat_root / "nyu_depth_v2/nyu_depth_v2_labeled.mat"
    split = opened(mat_root)
    with h5py.File(path, "r+") as file:
        file["rawDepths"][7, 0, 0] = np.nan
        file["rawDepths"][2, 0, 0] = -1
    for sample in split.samples:
        with pytest.raises(DataError, match=r"rawDepths of frame \d are not all from 0 to 65 metres"):
            sample.target.load()
    with h5py.File(path, "r+") as file:
        del file["rawDepths"]
        file["rawDepths"] = np.zeros((9, 4, 6), np.float32)
    with pytest.raises(DataError, match="which do not go together"):
        opened(mat_root)
    with h5py.File(path, "r+") as file:
        del file["sceneTypes"]
    with pytest.raises(DataError, match="has no sceneTypes"):
        opened(mat_root)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DataError, match=r"cannot be read as a MATLAB 7\.3 file"):
        opened(mat_root)
    (mat_root / "nyu_depth_v2/splits.mat").write_bytes(b"MATLAB no more")
    with pytest.raises(DataError, match="holds no testNdxs"):
        opened(mat_root)


def test_without_h5py_the_extra_is_named(mat_root, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r'needs h5py: pip install "refbench\[nyu\]"'):
        opened(mat_root)


@pytest.mark.skipif(not MINI.is_dir(), reason="the real photos are absent")
def test_real_pairs_are_read_as_they_are_and_score_perfect_by_their_truth(refbench, tmp_path):
    root = tmp_path / "data"
    (folder := root / TEST / "room").mkdir(parents=True)
    lines = ["room/rgb_00005.jpg room/sync_depth_00005.png 518.8579\n"]
    shutil.copyfile(MINI / "raw_sync/rgb_00000.jpg", folder / "rgb_00005.jpg")
    shutil.copyfile(MINI / "raw_sync/sync_depth_00000.png", folder / "sync_depth_00005.png")
    for number in range(5):
        shutil.copyfile(MINI / f"rgb/image_{number}.png", folder / f"rgb_{number:05d}.png")
        shutil.copyfile(MINI / f"depth/depth_{number}.png", folder / f"sync_depth_{number:05d}.png")
        lines.append(f"room/rgb_{number:05d}.png room/sync_depth_{number:05d}.png 518.8579\n")
    (root / LIST).write_text("".join(lines))
    shares = [float(np.mean(sample.target.load() > 0)) for sample in opened(root).samples]
    assert shares[1:] == [1.0] * 5
    assert shares[0] == pytest.approx(0.7, abs=0.05)  # its folder's README says about 70 % valid
    words = ("eval", "--task", "nyu_depth", "--data-root", root, "--json", "--model")
    [oracle] = refbench(*words, "oracle").json["rows"]
    [constant] = refbench(*words, "constant").json["rows"]
    assert (oracle["n"], oracle["data"]) == (6, "official")
    assert (oracle["metrics"]["abs_rel"], oracle["metrics"]["delta1"], oracle["metrics"]["rmse"]) == (0, 1, 0)
    assert constant["metrics"]["abs_rel"] > 0.2
    assert constant["metrics"]["delta1"] < 0.6
