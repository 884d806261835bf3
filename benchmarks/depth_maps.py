"""Depth truths: float32 [H, W], metres, 0 = no reading, read from disk when they are needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import label_maps
from benchmarks.errors import DataError
from benchmarks.schema import ImageRef
from benchmarks.truth import MapTarget

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NamedMapTarget(MapTarget):
    """A map whose prediction may lie in a file of its own.

    Attributes:
        names: paths without ending, relative to a folder of predictions, under which a prediction for the photo may
            lie: those of the truth and the photo, and those that the benchmark's usual programs write.
        png_scale: stored value of one metre in 16-bit PNGs of this benchmark.
    """

    names: tuple[str, ...] = ()
    png_scale: float = 1000.0


@dataclass(frozen=True, slots=True)
class DepthTarget(NamedMapTarget):
    """The depth of every pixel: `load` gives float32 [H, W], metres, 0 = no reading."""


@dataclass(frozen=True, slots=True)
class DisparityTarget(NamedMapTarget):
    """Disparity without a unit: `load` gives float32 [H, W], higher = nearer, 0 = endlessly far, NaN = no reading."""


def read_png(path: Path, size_hw: tuple[int, int], scale: float) -> "NDArray[np.float32]":
    """Read a 16-bit grey PNG: float32 [H, W], metres, 0 = no reading.

    Args:
        path: the file.
        size_hw: of the photo.
        scale: stored value of one metre (NYU 1000, KITTI 256).

    Raises:
        DataError: the file is missing, damaged, of another kind (8 bits, colours) or of another size.
    """
    import numpy as np

    metres: NDArray[np.float32] = label_maps.read_words(path, size_hw).astype(np.float32) / np.float32(scale)
    return metres


def check_png(path: Path, photo: ImageRef) -> Path:
    """Read the header of a depth PNG: one of another kind or size is told before a model is asked.

    Raises:
        DataError: it is missing, no 16-bit grey PNG, or has another size than its photo.
    """
    check_size(path, label_maps.words_size(path), photo)
    return path


def check_size(path: Path, size_hw: tuple[int, int], photo: ImageRef) -> None:
    """Compare sizes.

    Raises:
        DataError: the depth map has another size than its photo.
    """
    if size_hw != photo.size_hw:
        there, wanted = (f"{width}x{height}" for height, width in (size_hw, photo.size_hw))
        raise DataError(f"{path} is {there} but its photo {photo.path} {wanted}: fetch both of one release")
