"""Annotation files of hundreds of megabytes, parsed a piece at a time: never all their records in memory at once.

A JSON object whose one long list holds records, `{"images": […], "annotations": [{…}, {…}, …]}`, is cut between two
records. Every piece must itself parse as a list, so a cut at a wrong place (inside a text or a nested list) cannot go
unseen; a file that cannot be cut that way is parsed whole.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson

from benchmarks.files import collector_paused, parse_json

PIECE = 1 << 20
"""Bytes of a piece: its records fit the processor's cache, which is where the speed comes from."""
_BETWEEN = re.compile(rb"\}(\s*,\s*)\{")
_LAST = re.compile(rb"\}\s*(?=\])")


class Collector(Protocol):
    """What takes in the records of a file, piece by piece."""

    def add(self, records: list[Any]) -> None:
        """Take the next records, in file order."""


AnyCollector = TypeVar("AnyCollector", bound=Collector)


class _Irregular(Exception):
    """The file cannot be cut into pieces."""


def read_records(data: bytes, path: Path, key: str, start: Callable[[Any], AnyCollector]) -> AnyCollector:
    """Parse a JSON object, handing the records of one of its lists to a collector.

    Args:
        data: the file's bytes.
        path: for error texts.
        key: which list is the long one.
        start: (the parsed object; under `key` stands an empty list, or whatever is no list of records there) -> a new
            collector. Called a second time where the first try at cutting the file fails.

    Raises:
        DataError: the file is no JSON, see `benchmarks.files.parse_json`, or what the collector raises.
    """
    with collector_paused():
        try:
            return _in_pieces(data, key, start)
        except _Irregular:
            content = parse_json(data, path)
            records = content.get(key) if isinstance(content, dict) else None
            if not isinstance(records, list):
                return start(content)
            collector = start({**content, key: []})
            collector.add(records)
            return collector


def _in_pieces(data: bytes, key: str, start: Callable[[Any], AnyCollector]) -> AnyCollector:
    head = re.search(rb'"%s"\s*:\s*\[\s*(?=\{)' % re.escape(key.encode()), data)
    last = _LAST.search(data, head.end()) if head else None
    if head is None or last is None:
        raise _Irregular
    rest = _parse(data[: head.end()] + data[last.end() :])
    if not isinstance(rest, dict) or rest.get(key) != []:
        raise _Irregular  # the list was another one, in an object within the object
    collector, view = start(rest), memoryview(data)
    for begin, end in _cuts(data, head.end(), last.start() + 1):
        collector.add(_parse(b"".join((b"[", view[begin:end], b"]"))))
    return collector


def _cuts(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut the records between two places into pieces of about `PIECE` bytes."""
    while begin < end:
        comma = _BETWEEN.search(data, min(begin + PIECE, end), end)
        yield begin, comma.start() + 1 if comma else end
        begin = comma.end(1) if comma else end


def _parse(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _Irregular from None
