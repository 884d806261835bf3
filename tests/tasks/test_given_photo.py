import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError
from metrics import masks
from tasks import given_photo


def encoded(picture, kind="PNG", **options):
    """A picture as the bytes of a file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def noise(height=5, width=7):
    """Pixels that no two of are likely to be the same."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_pixels_stay_as_they_are(kind, tmp_path):
    pixels = noise()
    ref = given_photo.take(encoded(Image.fromarray(pixels), kind), tmp_path)
    assert ref.size_hw == (5, 7)
    assert ref.path.parent == tmp_path
    assert np.array_equal(np.asarray(ref.open_rgb()), pixels)


def test_a_photo_is_turned_as_its_camera_says_and_loses_its_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown correctly when turned by 90 degrees clockwise
    exif[0x010F] = "a camera"
    pixels = noise()
    ref = given_photo.take(encoded(Image.fromarray(pixels), "PNG", exif=exif), tmp_path)
    assert ref.size_hw == (7, 5)
    assert np.array_equal(np.asarray(ref.open_rgb()), np.rot90(pixels, -1))
    assert not Image.open(ref.path).getexif()


def test_a_picture_of_a_hundred_megapixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    content = encoded(Image.new("1", (10_000, 10_000)), compress_level=1)
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(DataError, match=r"^big.png has 100 million pixels, at most 50 million are taken"):
        given_photo.take(content, tmp_path, "big.png")
    assert not list(tmp_path.iterdir())


def test_a_picture_that_pillow_calls_a_bomb_is_refused(tmp_path):
    with pytest.raises(DataError, match="far too many pixels"):
        given_photo.take(encoded(Image.new("1", (14_000, 14_000)), compress_level=1), tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", encoded(Image.new("RGB", (9, 9)), "GIF")],
    ids=["empty", "text", "postscript", "gif"],
)
def test_other_formats_are_refused_by_content(content, tmp_path):
    with pytest.raises(DataError, match=r"^photo.png is no picture of the formats PNG, JPEG, WEBP, BMP: save it"):
        given_photo.take(content, tmp_path, "photo.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_torn_file_is_refused_wherever_it_ends(kind, tmp_path):
    content = encoded(Image.fromarray(noise(40, 40)), kind)
    for kept in range(0, len(content) - 40, max(1, len(content) // 25)):
        with pytest.raises(DataError, match=r"^half "):
            given_photo.take(content[:kept], tmp_path, "half")


def test_too_many_bytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(given_photo, "MOST_BYTES", 2**20)
    path = tmp_path / "large.png"
    path.write_bytes(b"\0" * (2**20 + 5))
    content = given_photo.read(path)
    assert len(content) == 2**20 + 1
    with pytest.raises(DataError, match=r"large.png is larger than 1 MiB: make it smaller"):
        given_photo.take(content, tmp_path, "large.png")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone.png cannot be read \(No such file or directory\)"):
        given_photo.read(tmp_path / "gone.png")


def test_a_mask_is_what_is_not_black():
    drawn = np.zeros((4, 6), dtype=np.uint8)
    drawn[1:3, 2:5] = 7
    assert np.array_equal(masks.decode(given_photo.take_mask(encoded(Image.fromarray(drawn)))), drawn > 0)


def test_a_black_mask_is_refused():
    with pytest.raises(DataError, match=r"^m.png is empty: draw what you mean in white on black"):
        given_photo.take_mask(encoded(Image.new("L", (4, 4))), "m.png")
