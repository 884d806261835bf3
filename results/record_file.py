"""Reads `result.json`."""

import json
from pathlib import Path

from metrics.errors import DataError
from results.record import Record

NAME = "result.json"


def read(path: Path, root: Path) -> Record:
    """Read one `result.json`.

    Args:
        path: the file.
        root: folder of all runs; the record names its run relative to it.

    Raises:
        DataError: the file is missing or broken, or another schema version wrote it.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): run the command again") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: broken JSON ({error}): run the command again with --fresh") from None
    return Record.from_json(content, path.parent.relative_to(root).as_posix(), str(path))
