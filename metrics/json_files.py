"""Reading JSON and JSON lines; the first thing that breaks the format is named with its file and place."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metrics.errors import DataError


def load_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: the file is missing, empty, not UTF-8 or not JSON.
    """
    text = _content(path)
    # A large file is millions of new objects and no garbage: collecting in between costs a third of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _parse(text)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8 JSON") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON ({error.msg}): write the file again") from None
    except RecursionError:
        raise DataError(f"{path} is nested too deeply: write the file again") from None
    finally:
        if collects:
            gc.enable()


def _parse(text: bytes) -> Any:
    """Parse JSON with pydantic's parser, three times as fast on numbers and equal to the standard one where it accepts.

    What it refuses, such as lone surrogates, the standard parser reads or names by line.
    """
    from pydantic_core import from_json

    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def records(content: Any, path: Path, key: str) -> list[dict[str, Any]]:
    """Take the list `content[key]` of objects.

    Raises:
        DataError: it is absent, no list, or holds something else than objects.
    """
    values = content.get(key) if isinstance(content, dict) else None
    if not isinstance(values, list):
        raise DataError(f'{path} has no list "{key}": pass a COCO annotation file with images, categories, annotations')
    return objects(values, path, key)


def objects(values: list[Any], path: Path, what: str) -> list[dict[str, Any]]:
    """Check that every entry of a list is an object."""
    if set(map(type, values)) - {dict}:
        position = next(i for i, value in enumerate(values) if not isinstance(value, dict))
        raise DataError(f"{path}: entry {position} of {what} is no JSON object: write one object per entry")
    return values


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read objects, one to a line, or a JSON list of them.

    Lines end at newlines alone: `str.splitlines` would also break inside texts that hold U+2028.

    Yields:
        How to call the object in an error, and the object.

    Raises:
        DataError: the file is missing or empty, or a line is no JSON object.
    """
    data = _content(path)
    if data.lstrip().startswith(b"["):
        rows = objects(load_json(path), path, "the list")
        yield from ((f"{path}: entry {position}", row) for position, row in enumerate(rows))
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", _object(f"{path}:{number}", line)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing: check the path") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): name a readable JSON file") from None
    if not content.strip():
        raise DataError(f"{path} is empty: write the file again")
    return content


def _object(where: str, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{where}: not a JSON object ({error}): write the line again") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: holds {type(row).__name__} instead of a JSON object: write one object per line")
    return row
