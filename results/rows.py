"""`rows.npz`: one run's rows of counts, one entry per sample, so that every statistic can be taken again later.

Arrays: `sample_id` and `image_id` (text [N]) and one numeric [N] per column, named `<metric>/<column>`. The same rows
give the same bytes: entries carry a fixed date.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.base import Row
from metrics.errors import DataError

Rows = Mapping[str, Sequence[Row]]
"""Metric name -> rows, one per sample, in the order of the samples."""

_EPOCH = (1980, 1, 1, 0, 0, 0)


def to_bytes(ids: Sequence[str], image_ids: Sequence[str], rows: Rows) -> bytes:
    """Build the content of `rows.npz`. All rows of one metric must have the same columns."""
    arrays = {"sample_id": np.array(ids, dtype=str), "image_id": np.array(image_ids, dtype=str)}
    for metric, each in rows.items():
        for column in each[0] if each else ():
            arrays[f"{metric}/{column}"] = np.array([row[column] for row in each])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), content.getvalue(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def read(path: Path) -> tuple[list[str], list[str], dict[str, list[Row]]]:
    """Read sample ids, image ids and metric name -> rows.

    Raises:
        DataError: the file is missing or is not what `to_bytes` makes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            arrays = {name.removesuffix(".npy"): _array(archive.read(name)).tolist() for name in archive.namelist()}
        ids, image_ids = arrays.pop("sample_id"), arrays.pop("image_id")
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as rows ({error}): run the command again with --fresh") from None
    rows: dict[str, list[Row]] = {}
    for name, values in arrays.items():
        metric, column = name.split("/", 1)
        for row, value in zip(rows.setdefault(metric, [{} for _ in ids]), values, strict=True):
            row[column] = value
    return ids, image_ids, rows


def digest(ids: Sequence[str], rows: Rows) -> str:
    """SHA-256 over all rows, sorted by sample id: the order of work does not show in it."""
    state = hashlib.sha256()
    for place in sorted(range(len(ids)), key=ids.__getitem__):
        line = [ids[place], {metric: each[place] for metric, each in rows.items()}]
        state.update(json.dumps(line, sort_keys=True).encode() + b"\n")
    return state.hexdigest()


def digest_ids(ids: Sequence[str]) -> str:
    """SHA-256 over the sorted ids."""
    return hashlib.sha256(json.dumps(sorted(ids)).encode()).hexdigest()


def _array(content: bytes) -> NDArray[Any]:
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
