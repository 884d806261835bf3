"""Whether the fields of a record that was read from a file have the types that everything else relies on."""

from collections.abc import Callable, Mapping
from typing import Any

_TEXTS = ("model", "task", "kind", "dataset", "split", "data", "headline", "refbench")
_COUNTS = ("n", "available", "failed", "unparsable", "missing")
_COUNTS_OR_NONE = ("limit", "expected")
_WORDS = ("units", "protocols", "options", "digests")


def check(fields: Mapping[str, Any]) -> None:
    """Check the content of a result, field by field; fields that are not there are left to others.

    Raises:
        TypeError: naming the field and what it holds.
    """
    for names, is_right in (
        (_TEXTS, _is_text),
        (_COUNTS, _is_count),
        (_COUNTS_OR_NONE, lambda value: value is None or _is_count(value)),
        (_WORDS, lambda value: _holds(value, _is_text)),
        (("metrics",), _is_scores),
    ):
        for name in names:
            if name in fields and not is_right(fields[name]):
                raise TypeError(f"{name} is {str(fields[name])[:80]!r}")
    for key in fields.get("columns", ()):
        if not _is_text(key):
            raise TypeError(f"a column is {key!r}")
    for tag, values in fields.get("slices", {}).items():
        for value, part in values.items():
            if not (_is_count(part.n) and _is_scores(part.metrics)):
                raise TypeError(f"the slice {tag}={value} does not hold a count and numbers")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_scores(value: Any) -> bool:
    return _holds(value, _is_number)


def _holds(value: Any, is_right: Callable[[Any], bool]) -> bool:
    return isinstance(value, Mapping) and all(map(is_right, value.values()))
