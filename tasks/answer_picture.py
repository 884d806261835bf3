"""One answer over its picture, at the picture's own size, and into a file."""

from pathlib import Path

from PIL import Image

from benchmarks.errors import ConfigError, DataError
from benchmarks.files import write_atomic
from benchmarks.schema import Prediction, Query
from results.report.sheet import FORMATS, Panel, to_bytes
from tasks import overlays

NATIVE = overlays.Size(least_px=0, most_px=10**9)
_WHITE = (255, 255, 255)


def draw(query: Query, prediction: Prediction) -> Panel:
    """Draw an answer without a truth over its picture, pixel by pixel.

    Raises:
        DataError: the picture or the depth map cannot be read.
    """
    return overlays.asked_panel(query, prediction, is_map=False, size=NATIVE)


def whole(panel: Panel) -> Image.Image:
    """The picture, with the scale of depths below it where there is one."""
    if panel.key is None:
        return panel.picture
    both = Image.new("RGB", (panel.picture.width, panel.picture.height + panel.key.height), _WHITE)
    both.paste(panel.picture, (0, 0))
    both.paste(panel.key, (0, panel.picture.height))
    return both


def check_name(path: Path) -> None:
    """Refuse a file that no picture can be written to, before anybody waits for an answer.

    Raises:
        ConfigError: another ending than those of `FORMATS`, or a folder that is not there.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"--save {path} must end in {' or '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise ConfigError(f"--save {path}: there is no folder {path.parent}, make it first")


def save(panel: Panel, path: Path) -> None:
    """Write a drawn answer.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        write_atomic(path, to_bytes(whole(panel), path.name))
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror or error}): name another file") from None
