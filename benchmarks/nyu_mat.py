"""The labelled part of NYU Depth v2 as published: `nyu_depth_v2_labeled.mat` (HDF5) and `splits.mat`.

Of the .mat are read `images` uint8 [1449, 3, 640, 480], `rawDepths` float [1449, 640, 480] in metres, both with width
before height as MATLAB stores them, and `sceneTypes`, references to text. Depths are cut down to whole millimetres, as
BTS stores them, so that both layouts hold the same truths. `splits.mat` (MATLAB 5) names the test frames by `testNdxs`,
counted from 1. The file is opened anew for every photo and depth map, so that processes can share it.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks import index_cache
from benchmarks.errors import DataError
from benchmarks.schema import ImageRef

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

FILE, SPLITS_FILE = "nyu_depth_v2_labeled.mat", "splits.mat"
SHAPES = {"images": 4, "rawDepths": 3, "sceneTypes": 2}
_MOST_MM = 65_535
_BROKEN = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, OSError, TypeError,
    ValueError, struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredPhoto(ImageRef):
    """A photo inside the .mat: `path` is the file that holds all of them, `number` counts from 0."""

    number: int = 0

    def open_rgb(self) -> Image.Image:
        """Read the photo.

        Raises:
            DataError: the file is missing, damaged, or h5py is not installed.
        """
        import numpy as np

        with _opened(self.path) as file:
            planes = np.asarray(file["images"][self.number])
        return Image.fromarray(np.ascontiguousarray(planes.transpose(2, 1, 0)))


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its number from 0, its scene type, its photo, and a function that reads its depth in metres."""

    number: int
    scene: str
    photo: StoredPhoto
    depth: "Callable[[], NDArray[np.float32]]"


def frames(path: Path, numbers: Sequence[int]) -> list[Frame]:
    """Find frames of the .mat.

    Args:
        path: the file.
        numbers: which, from 0; the order of the result.

    Raises:
        DataError: the file is missing or of another kind, h5py is not installed, or there is no frame of a number.
    """
    with _opened(path) as file:
        _check(file, path)
        count, _, width, height = file["images"].shape
        if outside := [number for number in numbers if not 0 <= number < count]:
            raise DataError(f"{path} holds {count} frames, but number {outside[0]} is asked for: fetch the file again")
        scenes = [_text(file, file["sceneTypes"][0, number]) for number in numbers]
    return [
        Frame(number, scene, StoredPhoto(path, (height, width), number), partial(read_depth, path, number))
        for number, scene in zip(numbers, scenes, strict=True)
    ]


def read_depth(path: Path, number: int) -> "NDArray[np.float32]":
    """Read what the sensor saw: float32 [H, W], metres, cut down to millimetres, 0 = no reading.

    Raises:
        DataError: the file is missing or damaged, h5py is not installed, or a depth is negative, NaN or above 65 m.
    """
    import numpy as np

    with _opened(path) as file:
        metres = np.asarray(file["rawDepths"][number], dtype=np.float32).T
    millimetres = metres * np.float32(1000)
    if not ((millimetres >= 0) & (millimetres <= _MOST_MM)).all():
        raise DataError(f"{path}: rawDepths of frame {number} are not all from 0 to 65 metres: fetch the file again")
    return millimetres.astype(np.uint16).astype(np.float32) / np.float32(1000)


def test_numbers(path: Path) -> list[int]:
    """Read the numbers of the test frames, from 0, in the order of the file.

    Raises:
        DataError: the file is missing or is no `splits.mat`.
    """
    import numpy as np
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not path.is_file():
        raise DataError(f"{path} is missing: fetch splits.mat from the publisher, or put the test list of BTS there")
    try:
        numbers = np.asarray(loadmat(path, variable_names=["testNdxs"])["testNdxs"]).ravel().astype(np.int64)
    except (MatReadError, *_BROKEN) as error:
        raise DataError(f"{path} holds no testNdxs that can be read ({error}): fetch the file again") from None
    if len(set(numbers.tolist())) != len(numbers) or (numbers < 1).any():
        raise DataError(f"{path}: testNdxs must be different numbers from 1 on: fetch the file again")
    return [int(number) - 1 for number in numbers]


def digest(path: Path) -> str:
    """SHA-256 of the file; remembered while it is unchanged, since it has almost 3 GB."""
    return index_cache.digest_file(path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open the .mat for reading; whatever HDF5 then cannot read becomes a DataError."""
    try:
        import h5py
    except ImportError:
        raise DataError(f'reading {path} needs h5py: pip install "refbench[nyu]"') from None
    if not path.is_file():
        raise DataError(f"{path} is missing: put it there or point --data-root at the folder that has it")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        raise DataError(f"{path} cannot be read as a MATLAB 7.3 file ({error}): fetch the file again") from None


def _check(file: Any, path: Path) -> None:
    """Check that the arrays are there and go together."""
    if missing := [name for name in SHAPES if name not in file]:
        raise DataError(f"{path} has no {', '.join(missing)}: fetch {FILE} again")
    shapes = {name: tuple(file[name].shape) for name in SHAPES}
    count, _, width, height = shapes["images"] if len(shapes["images"]) == SHAPES["images"] else (0, 0, 0, 0)
    wanted = {"images": (count, 3, width, height), "rawDepths": (count, width, height), "sceneTypes": (1, count)}
    if shapes != wanted or not count or str(file["images"].dtype) != "uint8":
        raise DataError(f"{path} holds arrays of shapes {shapes}, which do not go together: fetch the file again")


def _text(file: Any, reference: Any) -> str:
    """Text that a reference points to; as part of ids it must be a plain word."""
    text = "".join(map(chr, file[reference][()].ravel().tolist()))
    if not text.isidentifier():
        raise DataError(f"{file.filename}: scene type {text!r} is no plain word: fetch the file again")
    return text
