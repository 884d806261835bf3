"""A picture that somebody hands in: checked before it is decoded, and kept in a folder of its own as plain pixels.

What a model is then asked about is an RGB file that we wrote: without metadata, turned as its camera meant it.
"""

import io
import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from benchmarks.errors import DataError
from benchmarks.schema import ImageRef, Rle

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MOST_BYTES = 64 * 2**20
MOST_PIXELS = 50_000_000
_KEPT = "photo.png"
_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise for files that are broken."""


def read(path: Path) -> bytes:
    """Read the file of a picture.

    Raises:
        DataError: it is missing, unreadable or larger than `MOST_BYTES`.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}): name a picture") from None
    return content  # one byte more than may be tells `take` that there is more


def take(content: bytes, folder: Path, name: str = "the picture") -> ImageRef:
    """Check and decode a picture, and write it into a folder.

    Args:
        content: of a file in one of `FORMATS`; of several frames the first is taken.
        folder: existing folder of the caller's, which the picture goes into as a PNG.
        name: what the user called it, for error texts.

    Raises:
        DataError: another format, too many bytes or pixels, or content that cannot be decoded.
    """
    if len(content) > MOST_BYTES:
        raise DataError(f"{name} is larger than {MOST_BYTES // 2**20} MiB: make it smaller")
    picture = _decoded(content, name)
    picture.save(folder / _KEPT, compress_level=1)
    return ImageRef(folder / _KEPT, (picture.height, picture.width))


def take_mask(content: bytes, name: str = "the mask") -> Rle:
    """Read a drawn mask: whatever is not black belongs to it.

    Args:
        content: of a picture, as `take` reads it.
        name: what the user called it, for error texts.

    Raises:
        DataError: as `take`, or nothing but black.
    """
    import numpy as np

    from metrics.masks import encode

    drawn = np.asarray(_decoded(content, name)).max(axis=2) > 0
    if not drawn.any():
        raise DataError(f"{name} is empty: draw what you mean in white on black")
    return encode(drawn)


def _decoded(content: bytes, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it is refused below, and more strictly
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        with opened as image:
            _check_size(image.width, image.height, name)
            return ImageOps.exif_transpose(image).convert("RGB")
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(_too_large(name, "far too many")) from None
    except UnidentifiedImageError:
        raise DataError(f"{name} is no picture of the formats {', '.join(FORMATS)}: save it as one of these") from None
    except _BROKEN as error:
        raise DataError(
            f"{name} cannot be decoded as {', '.join(FORMATS)} ({error}): save it as one of these"
        ) from None


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MOST_PIXELS:
        raise DataError(_too_large(name, f"{width * height / 1e6:.0f} million"))


def _too_large(name: str, count: str) -> str:
    return f"{name} has {count} pixels, at most {MOST_PIXELS // 10**6} million are taken: make it smaller"
