"""HR-WSI: disparity under its mask in both bit depths, and every way in which a download can be broken."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

DISPARITY = np.array([[200, 0, 7], [1, 0, 255]])
MASK = np.array([[255, 255, 0], [255, 0, 255]], np.uint8)
TRUTH = np.array([[200, 0, np.nan], [1, np.nan, 255]], np.float32)


@pytest.fixture
def folder(tmp_path):
    """Two photos, one with disparity of 8 bits and one of 16; free to be broken."""
    val = tmp_path / "HR-WSI/val"
    for name in ("imgs", "gts", "valid_masks"):
        (val / name).mkdir(parents=True)
    for name, kind in (("b.c", np.uint8), ("a", np.uint16)):
        Image.new("RGB", (3, 2)).save(val / f"imgs/{name}.jpg")
        Image.fromarray(DISPARITY.astype(kind)).save(val / f"gts/{name}.png")
        Image.fromarray(MASK).save(val / f"valid_masks/{name}.png")
    return val


def opened(folder):
    return benchmark("hrwsi").open(folder.parents[1], "val", "official")


def test_photos_come_in_order_of_name_with_the_published_count(folder):
    (folder / "imgs/.hidden.jpg").touch()
    split = opened(folder)
    assert [sample.id for sample in split.samples] == ["hrwsi/val/a", "hrwsi/val/b.c"]
    assert [sample.target.names for sample in split.samples] == [("a",), ("b.c",)]
    assert split.expected == 400
    assert split.samples[0].image.size_hw == (2, 3)
    assert benchmark("hrwsi").found(folder.parents[1]) == {"val": 2}
    assert [path.name for path in benchmark("hrwsi").files(folder.parents[1])] == ["imgs", "gts", "valid_masks"]


def test_disparity_counts_under_the_mask_in_8_and_16_bits(folder):
    for sample in opened(folder).samples:
        truth = sample.target.load()
        assert truth.dtype == np.float32
        np.testing.assert_array_equal(truth, TRUTH)


def test_another_map_or_mask_gives_another_fingerprint(folder):
    seen = {opened(folder).fingerprint}
    Image.fromarray(255 - MASK).save(folder / "valid_masks/a.png")
    seen.add(opened(folder).fingerprint)
    Image.fromarray(DISPARITY.astype(np.uint8)).save(folder / "gts/a.png")
    seen.add(opened(folder).fingerprint)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("gts/a.png", r"gts: 1 of 2 PNGs of imgs are missing \(a\.png\)"),
        ("valid_masks/b.c.png", r"valid_masks: 1 of 2 PNGs of imgs are missing \(b\.c\.png\)"),
        ("imgs/a.jpg", r"gts: 1 PNGs have no photo \(a\.png\)"),
    ],
)
def test_missing_files_are_counted_and_named(folder, lost, said):
    (folder / lost).unlink()
    with pytest.raises(DataError, match=said):
        opened(folder)


def test_missing_folders_and_splits_are_told(folder, tmp_path):
    for photo in (folder / "imgs").iterdir():
        photo.unlink()
    with pytest.raises(DataError, match=r"imgs holds no \.jpg"):
        opened(folder)
    (folder / "imgs").rmdir()
    with pytest.raises(DataError, match="imgs is missing: put the folder val of HR-WSI there"):
        benchmark("hrwsi").found(tmp_path)
    with pytest.raises(UnknownName, match="known: val"):
        benchmark("hrwsi").open(tmp_path, "train", "official")


@pytest.mark.parametrize("name", ["gts", "valid_masks"])
def test_another_size_and_broken_images_are_told_before_anything_is_asked(folder, name):
    path = folder / name / "a.png"
    Image.new("L", (2, 3)).save(path)
    with pytest.raises(DataError, match=r"a\.png is 2x3 but its photo .*a\.jpg 3x2"):
        opened(folder)
    path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a\.png is no image that can be read"):
        opened(folder)


def test_maps_and_masks_of_another_kind_are_told(folder):
    target = opened(folder).samples[0].target
    Image.fromarray(MASK // 255).save(folder / "valid_masks/a.png")
    with pytest.raises(DataError, match=r"valid_masks/a\.png holds other values than 0 and 255"):
        target.load()
    Image.new("RGB", (3, 2)).save(folder / "gts/a.png")
    with pytest.raises(DataError, match=r"gts/a\.png has 8 bits and colour type 2"):
        target.load()
    (folder / "gts/a.png").unlink()
    with pytest.raises(DataError, match=r"gts/a\.png is missing"):
        target.load()
