"""Depth PNGs: metres as float32, and no file of another kind read as if it were one."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.depth_maps import check_png, read_png
from benchmarks.errors import DataError
from benchmarks.schema import ImageRef

STORED = np.array([[0, 1, 500], [1000, 9999, 65535]], dtype=np.uint16)


@pytest.fixture
def path(tmp_path):
    Image.fromarray(STORED).save(tmp_path / "depth.png")
    return tmp_path / "depth.png"


def test_values_are_metres_and_zero_is_no_reading(path):
    metres = read_png(path, (2, 3), 1000.0)
    assert (metres.dtype, metres.shape) == (np.float32, (2, 3))
    assert metres.tolist() == (STORED.astype(np.float32) / np.float32(1000)).tolist()
    assert read_png(path, (2, 3), 256.0)[1, 2] == np.float32(65535 / 256)


def test_size_is_read_from_the_header_alone(path, tmp_path):
    path.write_bytes(path.read_bytes()[:40])
    assert check_png(path, ImageRef(tmp_path / "photo.jpg", (2, 3))) == path
    with pytest.raises(DataError, match=r"depth\.png is 3x2 but its photo .*photo\.jpg 2x3: fetch both of one release"):
        check_png(path, ImageRef(tmp_path / "photo.jpg", (3, 2)))
    with pytest.raises(DataError, match="cannot be decoded"):
        read_png(path, (2, 3), 1000.0)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "RGBA"])
def test_other_pngs_than_16_bit_grey_are_refused(path, mode):
    Image.new(mode, (3, 2)).save(path)
    for call in (lambda: read_png(path, (2, 3), 1000.0), lambda: check_png(path, ImageRef(path, (2, 3)))):
        with pytest.raises(DataError, match=r"depth\.png has \d bits? and colour type \d, but it must hold .* 16 bits"):
            call()


def test_missing_and_foreign_files_are_told(path):
    with pytest.raises(DataError, match=r"is 3x2 but its image 9x9"):
        read_png(path, (9, 9), 1000.0)
    path.write_bytes(b"no picture at all, but long enough")
    with pytest.raises(DataError, match="is no PNG"):
        read_png(path, (2, 3), 1000.0)
    path.unlink()
    with pytest.raises(DataError, match="is missing"):
        check_png(path, ImageRef(path, (2, 3)))
