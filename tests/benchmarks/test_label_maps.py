"""Pictures of numbers: exactly the numbers of the file, or a clear refusal."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from benchmarks import label_maps
from benchmarks.errors import DataError

NUMBERS = np.array([[0, 1, 200], [255, 7, 7]], dtype=np.uint8)
SIZE = NUMBERS.shape


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def raw_png(bits, colour, row_bytes):
    """A PNG of 3 x 2 pixels of any kind, all zero: Pillow cannot write them all."""
    header = struct.pack(">IIBBBBB", SIZE[1], SIZE[0], bits, colour, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\0" * row_bytes) * SIZE[0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "map.png"


def test_grey_and_palette_hold_the_same_labels(path):
    Image.fromarray(NUMBERS).save(path)
    assert (label_maps.read_labels(path, SIZE) == NUMBERS).all()
    picture = Image.fromarray(NUMBERS)
    picture.putpalette(list(range(256)) * 3)
    picture.save(path)
    assert (label_maps.read_labels(path, SIZE) == NUMBERS).all()


def test_numbers_may_have_16_bits(path):
    wide = NUMBERS.astype(np.uint16) * 256 + 3
    Image.fromarray(wide).save(path)
    assert (label_maps.read_numbers(path, SIZE) == wide).all()
    with pytest.raises(DataError, match="has 16 bits and colour type 0, but it must hold one label per pixel, 8 bits"):
        label_maps.read_labels(path, SIZE)


def test_segment_ids_are_red_green_blue_from_low_to_high(path):
    colours = np.zeros((*SIZE, 3), dtype=np.uint8)
    colours[0, 1] = 1, 2, 3
    Image.fromarray(colours).save(path)
    ids = label_maps.read_ids(path, SIZE)
    assert (ids[0, 1], ids.sum(), ids.dtype) == (1 + 2 * 256 + 3 * 65536, 1 + 2 * 256 + 3 * 65536, np.uint32)


@pytest.mark.parametrize(
    ("read", "bits", "colour", "row_bytes"),
    [
        (label_maps.read_ids, 16, 2, 18),  # Pillow would cut it to 8 bits
        (label_maps.read_ids, 8, 6, 12),
        (label_maps.read_ids, 8, 0, 3),
        (label_maps.read_labels, 4, 0, 2),  # Pillow would multiply it by 17
        (label_maps.read_labels, 8, 2, 9),
        (label_maps.read_numbers, 8, 4, 6),
    ],
)
def test_another_kind_of_png_is_refused(path, read, bits, colour, row_bytes):
    path.write_bytes(raw_png(bits, colour, row_bytes))
    with Image.open(path) as picture:
        picture.load()  # it is a sound PNG
    with pytest.raises(DataError, match=f"has {bits} bits and colour type {colour}"):
        read(path, SIZE)


@pytest.mark.parametrize("read", [label_maps.read_ids, label_maps.read_labels, label_maps.read_numbers])
def test_what_is_no_sound_png_is_refused(path, read):
    kind = "RGB" if read is label_maps.read_ids else "L"
    with pytest.raises(DataError, match=r"map\.png is missing"):
        read(path, SIZE)
    path.write_bytes(b"GIF89a" + b"\0" * 40)
    with pytest.raises(DataError, match=r"map\.png is no PNG"):
        read(path, SIZE)
    rng = np.random.default_rng(0)
    shape = (64, 64, 3) if kind == "RGB" else (64, 64)
    Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=r"map\.png cannot be decoded"):
        read(path, (64, 64))
    Image.new(kind, (5, 4)).save(path)
    with pytest.raises(DataError, match="is 5x4 but its image 4x5"):
        read(path, (5, 4))


def test_digests_follow_the_content(path):
    path.write_bytes(b"one")
    first = label_maps.digest([path, path])
    assert label_maps.digest([path]) != first
    assert label_maps.digest([path, path]) == first
    path.write_bytes(b"two")
    assert label_maps.digest([path, path]) != first
    with pytest.raises(DataError, match="cannot be read"):
        label_maps.digest([path.with_name("none.png")])
