"""Readers of the salient-object datasets: official layouts, and every way in which a download can be broken."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark
from benchmarks.salient import SOURCES, read_grey

SIZE_WH = (6, 4)


@pytest.fixture
def root(tmp_path):
    """ECSSD with two photos and a mask each; free to be broken."""
    for folder in ("ECSSD/images", "ECSSD/ground_truth_mask"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("0002", "0001"):
        Image.new("RGB", SIZE_WH).save(tmp_path / f"ECSSD/images/{name}.jpg")
        mask = Image.new("L", SIZE_WH)
        mask.putpixel((1, 2), 128 + int(name))
        mask.save(tmp_path / f"ECSSD/ground_truth_mask/{name}.png")
    return tmp_path


def opened(root):
    return benchmark("ecssd").open(root, "test", "official")


def test_a_mask_is_a_sample_whose_truth_keeps_its_grey_values(root):
    split = opened(root)
    assert [sample.id for sample in split.samples] == ["ecssd/test/0001", "ecssd/test/0002"]
    assert (split.samples[0].image.path.name, split.samples[0].image.size_hw) == ("0001.jpg", (4, 6))
    target = split.samples[1].target.load()
    assert (target.shape, target.dtype, target[2, 1], target.sum()) == ((4, 6), np.uint8, 130, 130)
    assert (split.expected, split.complete) == (1_000, False)


def test_published_counts_are_known_and_files_here_are_counted(root):
    assert {source.name: source.published for source in SOURCES} == {
        "duts_te": 5_019, "dut_omron": 5_168, "ecssd": 1_000, "hku_is": 4_447,
    }  # fmt: skip
    assert benchmark("ecssd").found(root) == {"test": 2}
    assert [path.name for path in benchmark("ecssd").files(root)] == ["ground_truth_mask", "images"]


def test_another_mask_gives_another_fingerprint(root):
    first = opened(root)
    assert opened(root).fingerprint == first.fingerprint
    Image.new("L", SIZE_WH, 255).save(root / "ECSSD/ground_truth_mask/0001.png")
    assert opened(root).fingerprint != first.fingerprint


def test_photos_may_be_pngs_and_hidden_files_are_passed_over(root):
    (root / "ECSSD/images/0001.jpg").unlink()
    Image.new("RGB", SIZE_WH).save(root / "ECSSD/images/0001.png")
    for name in ("images/._0001.jpg", "images/Thumbs.db", "ground_truth_mask/._0001.png"):
        (root / "ECSSD" / name).write_bytes(b"no image")
    assert [sample.image.path.name for sample in opened(root).samples] == ["0001.png", "0002.jpg"]


def test_photos_without_masks_and_masks_without_photos_are_refused(root):
    Image.new("RGB", SIZE_WH).save(root / "ECSSD/images/0003.jpg")
    with pytest.raises(DataError, match=r"1 photos have no mask in .* \(first: 0003\.jpg\)"):
        opened(root)
    (root / "ECSSD/images/0003.jpg").unlink()
    (root / "ECSSD/images/0001.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 2 photos are missing \(0001\.jpg\)"):
        opened(root)


def test_two_photos_of_one_name_are_refused(root):
    Image.new("RGB", SIZE_WH).save(root / "ECSSD/images/0001.png")
    with pytest.raises(DataError, match=r"0001\.jpg and 0001\.png are both the photo '0001': keep one"):
        opened(root)


def test_missing_and_empty_folders_are_told(root, tmp_path):
    with pytest.raises(DataError, match=r"HKU-IS/gt is missing: put the hku_is masks there"):
        benchmark("hku_is").found(tmp_path)
    (tmp_path / "HKU-IS/gt").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no PNG"):
        benchmark("hku_is").found(tmp_path)
    Image.new("L", SIZE_WH).save(tmp_path / "HKU-IS/gt/1.png")
    with pytest.raises(DataError, match="holds ECSSD, HKU-IS but neither HKU-IS/imgs"):
        benchmark("hku_is").open(tmp_path, "test", "official")
    with pytest.raises(UnknownName, match="did you mean test"):
        benchmark("hku_is").open(root, "tset", "official")


def test_a_mask_of_another_size_is_told_before_anything_is_asked(root):
    Image.new("L", (5, 4)).save(root / "ECSSD/ground_truth_mask/0002.png")
    with pytest.raises(DataError, match=r"0002\.png is 5x4 but its photo 6x4"):
        opened(root)
    (root / "ECSSD/ground_truth_mask/0002.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(DataError, match=r"0002\.png is no image that can be read"):
        opened(root)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "LA"])
def test_a_grey_mask_is_read_however_it_is_stored(tmp_path, mode):
    mask = Image.new("L", SIZE_WH)
    mask.putpixel((5, 3), 255)
    mask.convert(mode).save(tmp_path / "mask.png")
    plane = read_grey(tmp_path / "mask.png", (4, 6))
    assert (plane.dtype, plane[3, 5], plane.sum()) == (np.uint8, 255, 255)


def test_what_is_no_grey_mask_is_refused(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("RGB", SIZE_WH, "red").save(path)
    with pytest.raises(DataError, match="holds colours"):
        read_grey(path, (4, 6))
    Image.fromarray(np.full((4, 6), 40_000, np.uint16)).save(path)
    with pytest.raises(DataError, match="an image of kind I;16: a mask must be grey, 8 bits"):
        read_grey(path, (4, 6))
    Image.new("L", SIZE_WH).save(path)
    with pytest.raises(DataError, match="is 6x4 but its photo 9x9"):
        read_grey(path, (9, 9))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="cannot be decoded"):
        read_grey(path, (4, 6))
    path.unlink()
    with pytest.raises(DataError, match="is missing"):
        read_grey(path, (4, 6))
