"""The test lists of BTS, ZoeDepth and their successors: `photo depth focal` in every line, paths relative to a root.

`None` in place of the depth says that there is no ground truth for the photo.
"""

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmarks.errors import DataError
from benchmarks.files import read_bytes

FIELDS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list.

    Attributes:
        photo: path of the photo below its root.
        depth: path of the depth map below its root; None where there is none.
        place: file and number of the line, for error texts.
    """

    photo: str
    depth: str | None
    place: str


def find(root: Path, name: str, folders: tuple[str, ...]) -> Path:
    """The list in the first of some folders below a data root that has it, or where it belongs: the first folder."""
    places = [root / folder / name for folder in folders]
    return next((place for place in places if place.is_file()), places[0])


def read(path: Path) -> list[Line]:
    """Read a list in its order.

    Raises:
        DataError: the list is missing, empty or not UTF-8; a line is no `photo depth focal`, names a file outside its
            root, or a photo or depth map a second time.
    """
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text; fetch the list again") from None
    lines = [_line(line, f"{path}:{number}") for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise DataError(f"{path} lists no photo: fetch the list again")
    _refuse_repeats(lines)
    return lines


def _line(text: str, place: str) -> Line:
    fields = text.split()
    if len(fields) != FIELDS:
        raise DataError(f"{place}: {len(fields)} words, not the three of 'photo depth focal'; correct the line")
    photo, depth, focal = fields
    if not _is_positive(focal):
        raise DataError(f"{place}: focal length {focal!r} is no number above 0; correct the line")
    return Line(_inside(photo, place), None if depth == "None" else _inside(depth, place), place)


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _inside(name: str, place: str) -> str:
    """Check that a path stays below its root."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or set(name) & {"\0", "\\", ":"} or path.as_posix() != name:
        raise DataError(f"{place}: path {name!r} must be plain and stay below the data's folder; correct the line")
    return name


def _refuse_repeats(lines: list[Line]) -> None:
    seen: dict[str, str] = {}
    for line in lines:
        for name in filter(None, (line.photo, line.depth)):
            if name in seen:
                raise DataError(f"{line.place}: {name} is listed a second time, first in {seen[name]}; keep one line")
            seen[name] = line.place
