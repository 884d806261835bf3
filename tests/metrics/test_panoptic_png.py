"""Segment ids come out of PNGs exactly, whichever decoder reads them; anything else is refused by name."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from metrics import panoptic_png
from metrics.errors import DataError
from metrics.panoptic_png import pack, read_ids

COLOURS = np.random.default_rng(0).integers(0, 256, (13, 29, 3), dtype=np.uint8)
IDS = COLOURS[..., 0] + 256 * COLOURS[..., 1].astype(np.uint32) + 65536 * COLOURS[..., 2].astype(np.uint32)


@pytest.fixture
def rgb(tmp_path):
    path = tmp_path / "map.png"
    Image.fromarray(COLOURS).save(path)
    return path


def test_the_id_is_red_plus_256_green_plus_65536_blue():
    assert pack(np.array([[[1, 2, 3]]], np.uint8)).tolist() == [[1 + 2 * 256 + 3 * 65536]]
    assert (pack(COLOURS) == IDS).all()


def test_pillow_reads_rgb_and_ignores_alpha(rgb, tmp_path, monkeypatch):
    monkeypatch.setattr(panoptic_png, "_decoder", lambda: None)
    Image.fromarray(np.dstack([COLOURS, COLOURS[..., 0]])).save(tmp_path / "alpha.png")
    assert (read_ids(rgb) == IDS).all()
    assert (read_ids(tmp_path / "alpha.png") == IDS).all()


def chunk(kind, content=b""):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def written(extra, alpha):
    """Write a PNG by hand whose rows use all five filters, with a further chunk before the pixels."""
    rng = np.random.default_rng(1)
    rows = [bytes([i % 5]) + rng.bytes(29 * (4 if alpha else 3)) for i in range(13)]
    header = struct.pack(">IIBBBBB", 29, 13, 8, 6 if alpha else 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(b"".join(rows))), chunk(b"IEND"))
    return panoptic_png.SIGNATURE + b"".join(parts)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(
    "extra",
    [
        b"",
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3)),
        chunk(b"sRGB", b"\0"),
        chunk(b"sBIT", b"\5\6\5"),
        chunk(b"bKGD", struct.pack(">HHH", 9, 2, 3)),
    ],
    ids=lambda extra: extra[4:8].decode() or "plain",
)
def test_both_decoders_read_the_same(extra, alpha, tmp_path, monkeypatch):
    pytest.importorskip("kornia_rs")
    path = tmp_path / "map.png"
    path.write_bytes(written(extra, alpha))
    assert alpha or panoptic_png._decode_fast(path, (13, 29)) is not None
    fast = read_ids(path)
    monkeypatch.setattr(panoptic_png, "_decoder", lambda: None)
    assert (fast == read_ids(path)).all()


def test_pillow_takes_over_when_the_fast_decoder_fails(rgb, monkeypatch):
    def refuse(path, mode):
        raise RuntimeError("cannot decode")

    monkeypatch.setattr(panoptic_png, "_decoder", lambda: refuse)
    assert (read_ids(rgb) == IDS).all()


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (Image.fromarray(COLOURS[..., 0]), "8-bit RGB"),
        (Image.fromarray(COLOURS[..., 0].astype(np.uint16)), "16 bits"),
        (Image.fromarray(COLOURS[..., 0]).convert("P"), "8-bit RGB"),
    ],
)
def test_other_kinds_of_png_are_refused(image, text, tmp_path):
    image.save(tmp_path / "map.png")
    with pytest.raises(DataError, match=text):
        read_ids(tmp_path / "map.png")


def test_missing_foreign_and_damaged_files_are_named(rgb, tmp_path):
    with pytest.raises(DataError, match=r"absent\.png is missing"):
        read_ids(tmp_path / "absent.png")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.png is not a PNG"):
        read_ids(tmp_path / "empty.png")
    rgb.write_bytes(rgb.read_bytes()[:200])
    with pytest.raises(DataError, match=r"map\.png cannot be decoded"):
        read_ids(rgb)
