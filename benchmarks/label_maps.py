"""Pictures whose pixels are numbers: class labels, instance numbers, and segment ids in three colours.

Nothing is converted on the way: a file of another kind, depth or size than the annotations say is refused by name.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks import index_cache
from benchmarks.errors import DataError
from benchmarks.files import list_names, read_bytes

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

IGNORED = 255
"""Label of pixels that are not scored, in every map that the readers yield."""
_RACY_NS = 2_000_000_000
"""Files changed this recently could change again within their timestamps' resolution: their digest is not kept."""
_GREY, _COLOURS, _PALETTE = 0, 2, 3
_INDEXED = tuple((bits, _PALETTE) for bits in (1, 2, 4, 8))
_WORDS = ((16, _GREY),)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
Kinds = Sequence[tuple[int, int]]
"""Bits and colour type of a PNG's header. Pillow would scale grey of 1 to 4 bits, and halve colours of 16."""


def read_labels(path: Path, size_hw: tuple[int, int]) -> "NDArray[np.uint8]":
    """Decode one label per pixel, 8 bits, grey or palette: uint8 [H, W].

    Raises:
        DataError: the file is missing or damaged, of another kind or of another size.
    """
    return _read(path, size_hw, ((8, _GREY), *_INDEXED), "one label per pixel, 8 bits, grey or palette")


def read_numbers(path: Path, size_hw: tuple[int, int]) -> "NDArray[np.int32]":
    """Decode one whole number per pixel, 8 or 16 bits: int32 [H, W].

    Raises:
        DataError: see `read_labels`.
    """
    import numpy as np

    kinds = ((8, _GREY), (16, _GREY), *_INDEXED)
    return _read(path, size_hw, kinds, "one number per pixel, 8 or 16 bits").astype(np.int32)


def read_words(path: Path, size_hw: tuple[int, int]) -> "NDArray[np.uint16]":
    """Decode one grey value of 16 bits per pixel, as depth is stored: uint16 [H, W].

    Raises:
        DataError: see `read_labels`.
    """
    import numpy as np

    return _read(path, size_hw, _WORDS, "one grey value per pixel, 16 bits").astype(np.uint16)


def words_size(path: Path) -> tuple[int, int]:
    """Read height and width from the header of a file for `read_words`.

    Raises:
        DataError: the file is missing, or no PNG of one grey value per pixel, 16 bits.
    """
    return _check_header(path, _WORDS, "one grey value per pixel, 16 bits")


def read_ids(path: Path, size_hw: tuple[int, int]) -> "NDArray[np.uint32]":
    """Decode a panoptic PNG into segment ids, R + 256 G + 65536 B: uint32 [H, W], 0 = void.

    Raises:
        DataError: see `read_labels`; segment ids need 8 bits for each of red, green and blue.
    """
    import numpy as np

    colours = _read(path, size_hw, ((8, _COLOURS),), "segment ids as 8-bit RGB").astype(np.uint32)
    ids: NDArray[np.uint32] = colours[..., 0] | colours[..., 1] << np.uint32(8) | colours[..., 2] << np.uint32(16)
    return ids


def values(plane: "NDArray[Any]") -> set[int]:
    """List the numbers that occur in a map. Maps hold long runs, so looking at their ends is faster than sorting."""
    import numpy as np

    flat = plane.reshape(-1)
    return set(flat[np.append(np.flatnonzero(flat[1:] != flat[:-1]), flat.size - 1)].tolist())


def find(folder: Path, names: Sequence[str], source: str) -> dict[str, Path]:
    """Find files by one listing of their folder: name -> path.

    Args:
        folder: where they lie.
        names: plain file names.
        source: file that names them, for the error text.

    Raises:
        DataError: the folder or a file is missing.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: put the PNGs that {source} goes with there")
    present = set(list_names(folder))
    if missing := [name for name in names if name not in present]:
        first = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise DataError(f"{folder}: {len(missing)} of {len(names)} PNGs of {source} are missing ({first}): add them")
    return {name: folder / name for name in names}


def digest(paths: Sequence[Path]) -> str:
    """SHA-256 over the bytes of many files, in order, hex.

    The digest of unchanged files (names, sizes, inodes, times) is remembered: a second start reads none of them.

    Raises:
        DataError: a file is missing or unreadable.
    """
    stats = [_stat(path) for path in paths]
    times = [
        (str(path.absolute()), s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
        for path, s in zip(paths, stats, strict=True)
    ]
    entry = index_cache.key(["label maps/1", *(str(part) for each in times for part in each)])
    if isinstance(known := index_cache.load(entry), str):
        return known
    state = hashlib.sha256()
    for path in paths:
        state.update(hashlib.sha256(read_bytes(path)).digest())
    if time.time_ns() - max((max(each[-2:]) for each in times), default=0) > _RACY_NS:
        index_cache.store(entry, state.hexdigest())
    return state.hexdigest()


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): put it there") from None


def _read(path: Path, size_hw: tuple[int, int], kinds: Kinds, wanted: str) -> "NDArray[Any]":
    import numpy as np

    _check_header(path, kinds, wanted)
    try:
        with Image.open(path, formats=("PNG",)) as image:
            plane = np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be decoded ({error}): fetch the file again") from None
    if plane.shape[:2] != tuple(size_hw):
        rows, columns = plane.shape[:2]
        raise DataError(
            f"{path} is {columns}x{rows} but its image {size_hw[1]}x{size_hw[0]}: fetch both of one release"
        )
    return plane


def _check_header(path: Path, kinds: Kinds, wanted: str) -> tuple[int, int]:
    """Check the header of a PNG and return the height and width that it states."""
    try:
        with path.open("rb") as stream:
            head = stream.read(26)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: copy it there") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from None
    if len(head) < 26 or head[:8] != _SIGNATURE:
        raise DataError(f"{path} is no PNG: it must hold {wanted}; fetch the file again")
    if (head[24], head[25]) not in kinds:
        raise DataError(
            f"{path} has {head[24]} bits and colour type {head[25]}, but it must hold {wanted}: fetch the file again"
        )
    return int.from_bytes(head[20:24]), int.from_bytes(head[16:20])
