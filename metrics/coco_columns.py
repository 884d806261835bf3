"""Records of JSON files as checked columns: numbers become arrays, the first bad record is named."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metrics.errors import DataError
from metrics.matching import Floats, Ints

LARGEST = 1e12
Describe = Callable[[int], str]
"""Position of a record -> how to call it in an error: the file and its id."""


def column(rows: Sequence[Mapping[str, Any]], key: str, describe: Describe) -> list[Any]:
    """Take one key of every record.

    Raises:
        DataError: a record lacks the key.
    """
    try:
        return [row[key] for row in rows]
    except KeyError:
        position = next(i for i, row in enumerate(rows) if key not in row)
        raise DataError(f'{describe(position)} has no "{key}": add it') from None


def lookup(values: Sequence[Any], index: Mapping[Hashable, int], describe: Describe, complaint: str) -> Ints:
    """Replace every id by its index.

    Raises:
        DataError: an id is unknown; the text ends with `complaint`.
    """
    try:
        return np.array([index[value] for value in values], dtype=np.int64)
    except (KeyError, TypeError):
        position = next(i for i, v in enumerate(values) if not isinstance(v, Hashable) or v not in index)
        raise DataError(f"{describe(position)} names {values[position]!r}, {complaint}") from None


def numbers(
    values: Sequence[Any], width: int | None, name: str, describe: Describe, largest: float = LARGEST
) -> Floats:
    """Turn a column into finite floats.

    Args:
        values: one number per record, or one list of `width` numbers.
        width: numbers per record, None for a plain number.
        name: what the column holds, for errors.
        describe: names a record.
        largest: absolute values from here on are refused: their products would overflow.

    Returns:
        float [N] or float [N, width].

    Raises:
        DataError: a record holds something else, NaN or infinity.
    """
    shape = (len(values),) if width is None else (len(values), width)
    if not len(values):
        return np.zeros(shape)
    array = _array(values)
    if array is None or array.shape != shape:
        wanted = "a number" if width is None else f"a list of {width} numbers"
        position = next(i for i, value in enumerate(values) if not _fits(value, shape[1:]))
        raise DataError(f"{describe(position)}: {name} is {_short(values[position])} but must be {wanted}")
    array = array.astype(np.float64)
    fine = (np.abs(array) < largest).reshape(len(values), -1).all(axis=1)
    if not fine.all():
        position = int(np.argmin(fine))
        limit = "" if largest == np.inf else f" and below {largest:g}"
        raise DataError(f"{describe(position)}: {name} is {_short(values[position])} but must be finite{limit}")
    return array


def unique(values: Sequence[Any], path: Path, what: str) -> None:
    """Check that ids are integers or texts and that none is used twice.

    Raises:
        DataError: an id of another type, or a repeated one.
    """
    if set(map(type, values)) - {int, str}:
        bad = next(value for value in values if type(value) not in (int, str))
        raise DataError(f"{path}: {what} id {_short(bad)} is neither an integer nor a text: renumber it")
    if len(set(values)) == len(values):
        return
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise DataError(f"{path}: {what} id {value!r} is used twice: give every {what} its own id")
        seen.add(value)


def _array(values: Any) -> np.ndarray | None:
    """Convert nested lists, None where they are ragged or hold anything but numbers."""
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        return None
    return array if array.dtype.kind in "iuf" else None


def _fits(value: Any, shape: tuple[int, ...]) -> bool:
    array = _array(value)
    return array is not None and array.shape == shape


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
