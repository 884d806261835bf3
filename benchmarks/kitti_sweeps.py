"""Single laser sweeps of KITTI projected to the photos, as monodepth2 exports them to `gt_depths.npz`.

About one pixel in twenty has a reading. The whole export is 1.3 GB in memory, so it is read once; the readings alone
are kept in the cache, from where all processes map them.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import column_cache, index_cache, object_arrays
from benchmarks.errors import DataError

ARRAY = "data"
_FORM = "kitti sweeps/1"


class Sweeps:
    """The arrays of one export, in its order.

    Raises:
        DataError: the file is missing, damaged or holds something else than maps of depths.
    """

    def __init__(self, path: Path) -> None:
        digest = index_cache.digest_file(path)
        entry = index_cache.key([_FORM, digest])
        known = column_cache.load(entry)
        if known is None:
            columns = _columns(object_arrays.read(path, ARRAY), path)
            column_cache.store(entry, columns, {})
            known = columns, {}
        self._sizes, self._ends = known[0]["sizes"], known[0]["ends"]
        self._places, self._metres = known[0]["places"], known[0]["metres"]

    def __len__(self) -> int:
        """Number of maps."""
        return len(self._sizes)

    def size_hw(self, place: int) -> tuple[int, int]:
        """Height and width of a map."""
        height, width = self._sizes[place].tolist()
        return height, width

    def load(self, place: int) -> NDArray[np.float32]:
        """Draw a map: float32 [H, W], metres, 0 = no reading."""
        start, end = (int(self._ends[place - 1]) if place else 0), int(self._ends[place])
        metres = np.zeros(self.size_hw(place), dtype=np.float32)
        metres.ravel()[self._places[start:end]] = self._metres[start:end]
        return metres


def _columns(maps: list[NDArray[np.float32]], path: Path) -> column_cache.Columns:
    """Keep the readings, which are the values above 0, and where they stand."""
    if not maps or any(each.ndim != 2 or not each.size for each in maps):
        raise DataError(f"{path} must hold one map [H, W] for every photo: export it again")
    if bad := [place for place, each in enumerate(maps) if not np.isfinite(each).all() or (each < 0).any()]:
        wrong = f"{len(bad)} maps hold depths below 0, infinite or NaN (first: {bad[0]})"
        raise DataError(f"{path}: {wrong}: export it again")
    places = [np.flatnonzero(each).astype(np.int32) for each in maps]
    return {
        "sizes": np.array([each.shape for each in maps], dtype=np.int32),
        "ends": np.cumsum([len(each) for each in places]),
        "places": np.concatenate(places),
        "metres": np.concatenate([each.ravel()[at] for each, at in zip(maps, places, strict=True)]),
    }
