"""A depth map that a model answered with, in memory or in a file."""

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import DataError

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

_BROKEN_MAP = (
    OSError, ValueError, TypeError, AttributeError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip


def digest_of_map(values: "NDArray[np.float32]") -> str:
    """SHA-256 over the shape and the values of a depth map, hex."""
    return hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class DepthMap:
    """Depth of every pixel, in memory or in a file: float32 [H, W], metres unless the task's protocol aligns scales.

    Attributes:
        values: the map; None while it lies in the file.
        file: a `.npz` that holds the map as its only array; None while it is in memory.
        sha256: `digest_of_map` of what the file must hold; empty where it is not known.
    """

    values: "NDArray[np.float32] | None" = None
    file: Path | None = None
    sha256: str = ""

    def load(self) -> "NDArray[np.float32]":
        """Return the map.

        Raises:
            DataError: the file is missing, does not hold one array of numbers [H, W], or another than its digest says.
        """
        import numpy as np

        if self.values is not None:
            return self.values
        assert self.file is not None, "a depth map is in memory or in a file"
        try:
            with np.load(self.file, allow_pickle=False) as archive:
                (name,) = archive.files
                values: NDArray[np.float32] = np.asarray(archive[name], dtype=np.float32)
        except _BROKEN_MAP as error:
            raise DataError(f"{self.file} holds no depth map ({error}): write it again") from None
        if values.ndim != 2 or not values.size:
            raise DataError(f"{self.file} holds an array of shape {values.shape}, not [H, W]: write it again")
        if self.sha256 and digest_of_map(values) != self.sha256:
            raise DataError(f"{self.file} holds another depth map than its prediction names: put the right file back")
        return values
