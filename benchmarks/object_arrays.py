"""Lists of arrays of different shapes as NumPy stores them: an `.npz` whose array holds objects, which is a pickle.

A pickle is a program, so it is read by one that knows nothing but NumPy's own way of writing arrays, and even that
through stand-ins: no function of NumPy, or of anything else, is called by name from the file.
"""

import copyreg
import math
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import DataError

_BROKEN = (
    pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, ArithmeticError, AttributeError, EOFError, LookupError,
    MemoryError, OSError, RecursionError, TypeError, ValueError,
)  # fmt: skip


def read(path: Path, name: str) -> list[NDArray[np.float32]]:
    """Read a list of arrays of floats, in order; arrays of one shape may also be stacked into one.

    Args:
        path: the `.npz`.
        name: of the array in it.

    Raises:
        DataError: the file is missing or damaged, has no such array, or its pickle asks for more than arrays of floats.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: put it there or point --data-root at the folder that has it")
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
            return [np.asarray(each, dtype=np.float32) for each in _arrays(stream, path)]
    except DataError:
        raise
    except _BROKEN as error:
        raise DataError(f"{path} cannot be read as arrays '{name}' ({error}): export it again") from None


def _arrays(stream: IO[bytes], path: Path) -> list[NDArray[Any]]:
    version = np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = reader(stream)
    if kind != np.dtype(object):
        content = np.frombuffer(stream.read(), dtype=kind).reshape(shape, order="F" if fortran else "C")
        return list(content)
    copyreg.clear_extension_cache()  # a cached extension would reach the program without passing find_class
    whole = _ArrayUnpickler(stream, path).load()
    if not isinstance(whole, _Array) or not isinstance(whole.content, list):
        raise ValueError("it holds no list of arrays")
    return [_built(each) for each in whole.content]


class _Array:
    """What `ndarray` and its builder become: the state that the file holds, made an array when it is asked for."""

    shape: tuple[int, ...] = ()
    kind: "_Kind | None" = None
    fortran = False
    content: Any = None

    def __setstate__(self, state: tuple[int, tuple[int, ...], "_Kind", bool, Any]) -> None:
        _, self.shape, self.kind, self.fortran, self.content = state


class _Kind:
    """What `dtype` becomes: its code and byte order."""

    order = "="

    def __init__(self, code: str, align: bool = False, copy: bool = True) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


def _blank(kind: object, shape: object, code: object) -> _Array:
    return _Array()


def _built(each: object) -> NDArray[Any]:
    if not isinstance(each, _Array) or each.kind is None or each.kind.code not in ("f4", "f8", "f2"):
        raise ValueError("it holds something else than arrays of floats")
    kind = np.dtype(f"{each.kind.order}{each.kind.code}")
    if not isinstance(each.content, bytes) or len(each.content) != math.prod(each.shape) * kind.itemsize:
        raise ValueError("an array has other bytes than its shape asks for")
    return np.frombuffer(each.content, dtype=kind).reshape(each.shape, order="F" if each.fortran else "C")


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _blank,
    ("numpy._core.multiarray", "_reconstruct"): _blank,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
}


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that knows our stand-ins only."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        super().__init__(stream)
        self._path = path

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) not in _KNOWN:
            raise DataError(
                f"{self._path}: refused, it asks for {module}.{name}; only arrays of floats are read: export it again"
            )
        return _KNOWN[module, name]

    def persistent_load(self, pid: object, /) -> Any:
        raise DataError(f"{self._path}: refused, it asks for the outside object {pid!r}; export it again")
