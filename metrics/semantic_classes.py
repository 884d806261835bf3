"""Names of semantic classes: from a `classes.json`, or numbered when only their count is given."""

from collections.abc import Mapping
from pathlib import Path

from metrics.errors import DataError
from metrics.json_files import load_json
from metrics.options import choice_int


def class_names(targets: Path, options: Mapping[str, str]) -> tuple[str, ...]:
    """Find the class names for a folder of targets.

    Args:
        targets: folder of label images; `classes.json` is looked for in it and beside it.
        options: `classes` names another file, `num_classes` gives the count.

    Raises:
        DataError: neither is known, the file is unreadable, or the two disagree.
    """
    path = _find(targets, options)
    names = _read(path) if path else ()
    count = choice_int(options, "num_classes", len(names))
    if not count:
        raise DataError(f"the number of classes of {targets} is unknown: give num_classes=N or classes.json beside it")
    if not names:
        return tuple(str(c) for c in range(count))
    if count != len(names):
        raise DataError(f"num_classes={count} but {path} names {len(names)} classes: correct one of them")
    return names


def _find(targets: Path, options: Mapping[str, str]) -> Path | None:
    if "classes" in options:
        return Path(options["classes"])
    places = (targets / "classes.json", targets.parent / "classes.json")
    return next((path for path in places if path.is_file()), None)


def _read(path: Path) -> tuple[str, ...]:
    content = load_json(path)
    names = content.get("class_names") if isinstance(content, dict) else content
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f'{path} should hold a list of names, or {{"class_names": [names]}}')
    if len(set(names)) != len(names):
        raise DataError(f"{path} names a class twice: make the names unique")
    return tuple(names)
