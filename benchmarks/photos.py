"""Photos that annotations name: all found by one listing of their folder, sized by their headers where need be."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.errors import DataError
from benchmarks.files import list_names
from benchmarks.schema import ImageRef


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
    return {name: ImageRef(folder / name, image_size_hw(folder / name)) for name in wanted}


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
    return {name: ImageRef(folder / name, image_size_hw(folder / name)) for name in wanted}


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
    return {name: ImageRef(lies[name] / name, image_size_hw(lies[name] / name)) for name in wanted}


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
