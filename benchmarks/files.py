"""Safe readers for files that other people made, and atomic writes.

A pickle is a program; the refs files of RefCOCO need none of its instructions beyond plain containers and scalars, so
every other one is refused by name before it can run. All readers raise DataError with file, place and remedy.
"""

import codecs
import copyreg
import gc
import io
import json
import os
import pickle
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from benchmarks.errors import DataError

_BROKEN_PICKLE = (
    pickle.UnpicklingError, ArithmeticError, AttributeError, BufferError, EOFError, ImportError, LookupError,
    MemoryError, RecursionError, TypeError, ValueError,
)  # fmt: skip
_DECODE_FALLBACK = "refbench.latin1"


def read_bytes(path: Path) -> bytes:
    """Read a whole file; a missing or unreadable one raises DataError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing: put it there or point --data-root at the folder that has it") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from None


def list_names(folder: Path) -> list[str]:
    """List the names in a folder, unsorted; one that cannot be listed raises DataError."""
    try:
        return os.listdir(folder)
    except OSError as error:
        raise DataError(f"{folder} cannot be listed ({error.strerror}): check the folder and its permissions") from None


def read_json(path: Path) -> Any:
    """Read a JSON file; see `parse_json` for what is refused."""
    return parse_json(read_bytes(path), path)


def parse_json(data: bytes, path: Path) -> Any:
    """Parse JSON; `path` is for the error text only.

    Raises:
        DataError: truncated or malformed JSON (with line and column), text that is not UTF-8/16/32, NaN or Infinity.
    """
    try:
        with collector_paused():
            return json.loads(data, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        ending = " (the file ends there)" if error.pos >= len(error.doc.rstrip()) else ""
        place = f"line {error.lineno} column {error.colno}, character {error.pos} of {len(error.doc)}{ending}"
        raise DataError(f"{path}: broken JSON at {place}: {error.msg}; fetch the file again") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not {error.encoding} text; fetch the file again") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: JSON that cannot be used ({error}); fetch the file again") from None


def read_pickle(path: Path) -> Any:
    """Read a pickle of plain containers and scalars; see `parse_pickle`."""
    return parse_pickle(read_bytes(path), path)


def parse_pickle(data: bytes, path: Path) -> Any:
    """Unpickle dict, list, tuple, set, str, bytes, int, float, bool and None, and nothing else.

    Byte strings that Python 2 wrote are read as UTF-8, and where they are not valid UTF-8, as Latin-1.

    Args:
        data: the pickle, protocol 0 to 5.
        path: for the error text only.

    Raises:
        DataError: it asks for a class or function (named, never imported or called), is truncated or malformed.
    """
    codecs.register_error(_DECODE_FALLBACK, _as_latin1)
    copyreg.clear_extension_cache()  # a cached extension would reach the program without passing find_class
    try:
        with collector_paused():
            return _PlainUnpickler(data, path).load()
    except DataError:
        raise
    except _BROKEN_PICKLE as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DataError(f"{path}: not a readable pickle ({reason}); fetch the file again") from None


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old bytes or all of the new ones, never a part.

    Raises:
        OSError: the folder is not writable or the disk is full; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name[:80]}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with draft.open("xb") as stream:
            stream.write(data)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def plain_name(name: object, place: str) -> str:
    """Check that a file name from an annotation file stays in its folder.

    Args:
        name: what the annotation file says.
        place: file and record, for the error text.

    Raises:
        DataError: not a string, empty, absolute, or with a folder in it.
    """
    if not isinstance(name, str) or name in ("", "..") or set(name) & {"\0", "\\"} or PurePosixPath(name).name != name:
        raise DataError(f"{place}: file name {name!r} must be a plain name without folders; correct the record")
    return name


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that knows no class and no function."""

    def __init__(self, data: bytes, path: Path) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", errors=_DECODE_FALLBACK)
        self._path = path

    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise DataError(
            f"{self._path}: refused, it asks for {module}.{name}; only plain lists, dicts, text and numbers are read: "
            "fetch the file from its publisher"
        )

    def persistent_load(self, pid: object, /) -> NoReturn:
        raise DataError(f"{self._path}: refused, it asks for the outside object {pid!r}; fetch it from its publisher")


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON allows")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause garbage collection: scanning the millions of containers of a big file again and again costs seconds."""
    restore = gc.enable if gc.isenabled() else gc.disable
    gc.disable()
    try:
        yield
    finally:
        restore()
