"""Why a model failed on a sample, in words that are the same on every machine."""

import re
import sys

from benchmarks.schema import Query
from tasks.redaction import scrub

_FOLDERS = re.compile(r"(?<![\w./:])/(?:[^\s/:'\"]+/)+")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_FILE = re.compile(r"(?:…/)?[\w.-]+\.(?:jpe?g|png|npz|mat|mp4|webp)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
_OUT_OF_MEMORY = re.compile(
    r"out of memory|not enough memory|can't allocate memory|cannot allocate memory|_ALLOC_FAILED"
)
_LENGTH, _KIND_LENGTH = 500, 120


def of_error(error: BaseException) -> str:
    """Name the class of an error and what it says."""
    return f"{type(error).__name__}: {error}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: Python's, torch's, or a RuntimeError of CUDA or of an allocator."""
    torch = sys.modules.get("torch")
    known = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, known) or (
        isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None
    )


def tidy(reason: str, query: Query) -> str:
    """Take out of a reason what differs between machines, folders and memory addresses, and secrets."""
    text = scrub(reason.replace(str(query.image.path), query.image.path.name))
    return _ADDRESS.sub("0x…", _FOLDERS.sub("…/", text))[:_LENGTH]


def kind(reason: str) -> str:
    """The kind of a reason: its first line without what differs between samples (names, quotations, numbers)."""
    line = next(iter(reason.strip().splitlines()), "")
    text = _NUMBER.sub("N", _FILE.sub("FILE", _ADDRESS.sub("ADDRESS", _QUOTED.sub("'…'", line))))
    return " ".join(text.split())[:_KIND_LENGTH]
