"""Photos that annotations name: all found by one listing of their folder, sized by their headers where need be."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from benchmarks import index_cache
from benchmarks.errors import DataError
from benchmarks.files import list_names
from benchmarks.schema import ImageRef

READER = "photo-sizes/1"
"""Part of every cache key: changes whenever the same files would yield other sizes."""
REMEMBERED_FROM = 1_000
"""Photos of one split from which reading every header again would be felt."""
_SETTLED_NS = 2_000_000_000
"""A file changed this recently could change again within its timestamp's resolution."""


def folder_of(root: Path, places: Sequence[str]) -> Path | None:
    """The first of some folders below a data root that exists."""
    return next((root / place for place in places if (root / place).is_dir()), None)


def require(root: Path, places: Sequence[str], names: Sequence[str], publisher: str) -> Path:
    """Return the folder that holds all of some photos.

    Args:
        root: data root.
        places: folders below it that may hold them; the first that exists does.
        names: plain file names.
        publisher: where to get them, for error texts.

    Raises:
        DataError: the folder or a photo is missing: a benchmark with holes would give another number.
    """
    folder = folder_of(root, places)
    if folder is None:
        here = sorted(list_names(root))
        listing = ", ".join(here[:8]) + (", …" if len(here) > 8 else "") or "nothing"
        raise DataError(f"{root} holds {listing} but neither {' nor '.join(places)}: put the {publisher} photos there")
    present = set(list_names(folder))
    if missing := [name for name in names if name not in present]:
        first = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise DataError(
            f"{folder}: {len(missing)} of {len(names)} photos are missing ({first}): copy them there from {publisher}"
        )
    return folder


def sized_below(folder: Path, names: Iterable[str], publisher: str) -> dict[str, ImageRef]:
    """Find photos that lie in many folders below one, and read their sizes as `sized` does.

    Args:
        folder: that they are below.
        names: paths from there, checked to stay inside.
        publisher: where to get them, for error texts.

    Raises:
        DataError: a photo is missing, or is no image.
    """
    wanted = list(dict.fromkeys(names))
    require_below(folder, wanted, "photos", publisher)
    return _refs(wanted, [folder / name for name in wanted])


def require_below(folder: Path, names: Sequence[str], things: str, publisher: str) -> None:
    """Check that files are there.

    Raises:
        DataError: one is missing; the text counts them and names the first.
    """
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise DataError(
            f"{folder}: {len(missing)} of {len(names)} {things} are missing ({missing[0]}"
            f"{', …' if len(missing) > 1 else ''}): copy them there from {publisher}"
        )


def sized(root: Path, places: Sequence[str], names: Iterable[str], publisher: str) -> dict[str, ImageRef]:
    """Find photos whose size no file records and read it as stored: EXIF rotation is ignored, as annotations do.

    Raises:
        DataError: see `require`; or a photo is no image.
    """
    wanted = list(dict.fromkeys(names))
    folder = require(root, places, wanted, publisher)
    return _refs(wanted, [folder / name for name in wanted])


def sized_among(root: Path, places: Sequence[str], names: Iterable[str], publisher: str) -> dict[str, ImageRef]:
    """Find photos that are spread over several folders, and read their sizes as `sized` does.

    Args:
        root: data root.
        places: folders below it, in which a photo is looked for in this order.
        names: plain file names.
        publisher: where to get them, for error texts.

    Raises:
        DataError: no folder exists, a photo is in none of them, or is no image.
    """
    wanted = list(dict.fromkeys(names))
    folders = [root / place for place in places if (root / place).is_dir()]
    if len(folders) < 2:
        return sized(root, places, wanted, publisher)
    lies = {name: folder for folder in reversed(folders) for name in list_names(folder)}
    if missing := [name for name in wanted if name not in lies]:
        raise DataError(
            f"{' and '.join(map(str, folders))}: {len(missing)} of {len(wanted)} photos are missing ({missing[0]}"
            f"{', …' if len(missing) > 1 else ''}): copy them there from {publisher}"
        )
    return _refs(wanted, [lies[name] / name for name in wanted])


def _refs(names: Sequence[str], paths: Sequence[Path]) -> dict[str, ImageRef]:
    return {name: ImageRef(path, size) for name, path, size in zip(names, paths, _sizes_hw(paths), strict=True)}


def _sizes_hw(paths: Sequence[Path]) -> list[tuple[int, int]]:
    """Read sizes from headers; those of many photos are remembered as long as no file changes."""
    if len(paths) < REMEMBERED_FROM:
        return [image_size_hw(path) for path in paths]
    stats = [os.stat(path) for path in paths]
    facts = (f"{path}|{each.st_size}|{each.st_mtime_ns}" for path, each in zip(paths, stats, strict=True))
    key = index_cache.key((READER, *facts))
    known = index_cache.load(key)
    if isinstance(known, list) and len(known) == len(paths):
        return [(height, width) for height, width in known]
    sizes = [image_size_hw(path) for path in paths]
    if time.time_ns() - max(each.st_mtime_ns for each in stats) > _SETTLED_NS:
        index_cache.store(key, sizes)
    return sizes


def image_size_hw(path: Path) -> tuple[int, int]:
    """Read the height and width of an image from its header.

    Raises:
        DataError: it is no image.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} is no image that can be read ({error}): fetch the file again") from None
