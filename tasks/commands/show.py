"""How commands print: results on standard output, text or JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def as_json(content: Any) -> None:
    """Print one JSON value; NaN and infinity never pass."""
    print(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print a table; the columns named in `right` are aligned right."""
    from tabulate import tabulate

    sides = ["right" if name in right else "left" for name in head]
    body = [[str(cell) for cell in row] for row in rows]
    print(tabulate(body, list(head), tablefmt="simple", colalign=sides if body else None, disable_numparse=True))


def plain(text: str) -> str:
    """Make a text from anywhere harmless for a terminal: one line of printable characters."""
    return "".join(char if char.isprintable() else "�" for char in text)


def facts(title: str, values: Mapping[str, object]) -> None:
    """Print a title, then one `name: value` a line; lists and mappings are indented below their name."""
    print(title)
    for name, value in values.items():
        if isinstance(value, Mapping):
            print(f"  {name}:")
            for key, each in value.items():
                print(f"    {key}: {each}")
        elif isinstance(value, list | tuple):
            print(f"  {name}:")
            for each in value:
                print(f"    - {each}")
        elif value not in ("", None):
            print(f"  {name}: {value}")
