"""`rows.npz`: one run's rows of counts, one entry per sample, so that every statistic can be taken again later.

Arrays: `sample_id` and `image_id` (text [N]) and one numeric [N] per column, named `<metric>/<column>`. Where only some
rows have a column, it holds their values and `<metric>/<column>#rows` says whose they are; where values are lists, it
holds them end to end and `…#lengths` says how long each is. `#tag/<name>` (text [N]) holds facts of the samples to
slice by, empty where a sample lacks one. The same rows give the same bytes: entries are dated 1980.
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
_TAG = "#tag/"
_MOST_BYTES = 2 << 30
"""Unpacked, of all arrays together: more is a bomb, not rows."""
_BROKEN = (OSError, ValueError, KeyError, EOFError, MemoryError, zlib.error, zipfile.BadZipFile)


def to_bytes(ids: Sequence[str], image_ids: Sequence[str], rows: Rows, tags: Sequence[Mapping[str, str]] = ()) -> bytes:
    """Build the content of `rows.npz`; `tags` are those of each sample, or none at all."""
    arrays = {"sample_id": np.array(ids, dtype=str), "image_id": np.array(image_ids, dtype=str)}
    for metric, each in rows.items():
        for column in dict.fromkeys(column for row in each for column in row):
            arrays.update(_column(f"{metric}/{column}", [row.get(column) for row in each]))
    for name in sorted({name for own in tags for name in own}):
        arrays[f"{_TAG}{name}"] = np.array([own.get(name, "") for own in tags], dtype=str)
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
        arrays = {name: array.tolist() for name, array in _arrays(path).items()}
        ids, image_ids = arrays.pop("sample_id"), arrays.pop("image_id")
        columns = {name: _values(name, arrays, len(ids)) for name in arrays if "#" not in name}
    except _BROKEN as error:
        raise DataError(f"{path} cannot be read as rows ({error}): run the command again with --fresh") from None
    rows: dict[str, list[Row]] = {}
    for name, values in columns.items():
        metric, column = name.split("/", 1)
        own = rows.setdefault(metric, [{} for _ in ids])
        for place, value in values.items():
            own[place][column] = value
    return ids, image_ids, rows


def read_tags(path: Path) -> dict[str, list[str]]:
    """Read the tags of the samples: name -> value of each, in their order; none in files of early versions.

    Raises:
        DataError: the file is missing or is not what `to_bytes` makes.
    """
    try:
        return {name.removeprefix(_TAG): array.tolist() for name, array in _arrays(path, _TAG).items()}
    except _BROKEN as error:
        raise DataError(f"{path} cannot be read as rows ({error}): run the command again with --fresh") from None


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


def _column(name: str, values: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Lay one column out as arrays; None stands for a row without it."""
    places = [place for place, value in enumerate(values) if value is not None]
    present = [values[place] for place in places]
    arrays = {f"{name}#rows": np.array(places)} if len(places) < len(values) else {}
    if not isinstance(present[0], list):
        return {name: np.array(present), **arrays}
    flat = [item for value in present for item in value]
    return {name: np.array(flat), f"{name}#lengths": np.array([len(value) for value in present]), **arrays}


def _values(name: str, arrays: Mapping[str, list[Any]], count: int) -> dict[int, Any]:
    """Undo `_column`: place of the row -> value."""
    places, values = arrays.get(f"{name}#rows", range(count)), arrays[name]
    if lengths := arrays.get(f"{name}#lengths"):
        ends = np.cumsum(lengths).tolist()
        values = [values[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    return dict(zip(places, values, strict=True))


def _array(content: bytes) -> NDArray[Any]:
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def _arrays(path: Path, start: str = "") -> dict[str, NDArray[Any]]:
    """Arrays of a file whose name begins so."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        size = sum(info.file_size for info in archive.infolist())
        if size > _MOST_BYTES:
            raise ValueError(f"it unpacks to {size:,} bytes, more than {_MOST_BYTES:,}")
        names = [name for name in archive.namelist() if name.startswith(start)]
        return {name.removesuffix(".npy"): _array(archive.read(name)) for name in names}
