"""Columns of big annotation files in the cache: `.npy` files that every process maps, so that N ranks hold one copy.

An entry is a folder of arrays beside an entry of `index_cache`, which lists them with a checksum each and is written
last. What is missing, damaged or cut short is built again.
"""

import logging
import os
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import index_cache

_LOG = logging.getLogger(__name__)
Columns = dict[str, NDArray[Any]]


def load(entry: str) -> tuple[Columns, Any] | None:
    """Map the arrays stored under a key and return them with their facts; None when there is none to be trusted."""
    known = index_cache.load(entry)
    if not isinstance(known, dict):
        return None
    try:
        columns: Columns = {name: _map(_folder(entry) / f"{name}.npy") for name in known["sums"]}
    except (OSError, ValueError, EOFError) as error:
        _LOG.info("%s cannot be used (%s) and will be rebuilt", _folder(entry), error)
        return None
    if damaged := [name for name, column in columns.items() if _sum(column) != known["sums"][name]]:
        _LOG.info("%s is damaged (%s) and will be rebuilt", _folder(entry), ", ".join(damaged))
        return None
    return columns, known["facts"]


def store(entry: str, columns: Mapping[str, NDArray[Any]], facts: Any) -> None:
    """Remember arrays and JSON-able facts under a key; a cache that cannot be written is left alone."""
    folder = _folder(entry)
    draft: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{entry[:16]}-", dir=folder.parent))
        for name, column in columns.items():
            np.save(draft / f"{name}.npy", column, allow_pickle=False)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged entry; whoever has mapped it keeps what it mapped
        os.rename(draft, folder)
    except OSError as error:
        _LOG.info("%s cannot be written (%s); going on without it", folder, error)
        return
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    index_cache.store(entry, {"sums": {name: _sum(column) for name, column in columns.items()}, "facts": facts})


def _map(path: Path) -> NDArray[Any]:
    """Map a file; as a plain array, whose elements are reached in half the time of a memmap's."""
    mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped.view(np.ndarray)


def _folder(entry: str) -> Path:
    return index_cache.cache_folder() / "columns" / entry


def _sum(column: NDArray[Any]) -> int:
    """Checksum of an array's type, shape and content."""
    head = zlib.crc32(f"{column.dtype.str} {column.shape}".encode())
    return zlib.crc32(np.ascontiguousarray(column).view(np.uint8).data, head) if column.size else head
