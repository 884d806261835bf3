"""Which data a command works on: the official files the user has, or the sample world."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import DataError
from benchmarks.schema import Origin
from tasks.progress import Bar, bar, say
from tasks.settings import DATA_VARIABLE


@dataclass(frozen=True)
class Data:
    """A data root.

    Attributes:
        root: the folder.
        origin: "official", or "sample" where our own generator wrote it.
    """

    root: Path
    origin: Origin


def find_data(root: Path | None, progress: bool) -> Data:
    """Resolve a data root; without one, the sample world, which the first call writes into the cache folder.

    Args:
        root: what the user chose, None for the sample world.
        progress: show a bar while the world is written.

    Raises:
        DataError: the root is no folder, or the cache cannot be written.
    """
    from benchmarks.world.write import is_world

    if root is not None:
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise DataError(f"data root {root} {what}: point --data-root or {DATA_VARIABLE} at the official files")
        return Data(root, "sample" if is_world(root) else "official")
    say(
        "no data root: using the built-in sample world; for official data give --data-root DIR or set "
        f"{DATA_VARIABLE} (`refbench data status` says what belongs there)"
    )
    return _built_in(progress)


def sample_data(root: Path | None, progress: bool) -> Data:
    """Resolve a data root for what runs on the sample world only: the user's own world, else the built-in one.

    Args:
        root: what the user chose; left alone, and that is said, where it is not a sample world.
        progress: show a bar while the world is written.

    Raises:
        DataError: the cache cannot be written.
    """
    from benchmarks.world.write import is_world

    if root is not None and is_world(root):
        return Data(root, "sample")
    say("this suite always runs on the built-in sample world" + (f"; data root {root} is left alone" if root else ""))
    return _built_in(progress)


def _built_in(progress: bool) -> Data:
    from benchmarks.index_cache import cache_folder
    from benchmarks.world.write import ensure_world

    return Data(ensure_world(cache_folder() / "world", WorldBar(progress)), "sample")


class WorldBar:
    """A progress bar that appears only if there is something to write."""

    def __init__(self, visible: bool) -> None:
        self._visible = visible
        self._bar: Bar | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` scenes are written."""
        if self._bar is None:
            self._bar = bar("sample world", total, 0, self._visible)
        self._bar.update(1)
        if done == total:
            self._bar.close()
