"""DIODE depth, the validation split as published, indoors and outdoors apart: 325 and 446 photos of 1024 x 768 pixels.

    <root>/diode/val/indoors/scene_NNNNN/scan_NNNNN/NAME.png  NAME_depth.npy  NAME_depth_mask.npy
    <root>/diode/val/outdoor/…                                                    (or <root>/val/…)

Depths are float [H, W] or [H, W, 1] in metres; the mask, of the same height and width, is 1 where the sensor's return
is valid. The truth is the depth under the mask and 0 elsewhere; under the mask, what is not finite and above 0 is no
reading either. Samples come in order of path. Sources: README of the DIODE devkit for files and formats; counts are
those of the archive, as Marigold lists it in `diode_val_all_filename_list.txt` (771); the json of the devkit names 612.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import label_maps
from benchmarks.depth_maps import DepthTarget, check_size
from benchmarks.errors import DataError, unknown
from benchmarks.photos import folder_of, require_below, sized_below
from benchmarks.schema import Benchmark, ImageRef, Origin, Sample, Split
from benchmarks.splits import build_split

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

SPLIT = "val"
FOLDERS = {"diode/indoor": "indoors", "diode/outdoor": "outdoor"}
PUBLISHED = {"diode/indoor": 325, "diode/outdoor": 446}
PLACES = ("diode/val", "val")
PUBLISHER = "diode-dataset.org"
DEPTH, MASK = "_depth.npy", "_depth_mask.npy"


def open_split(name: str, root: Path, split: str, origin: Origin) -> Split:
    """Open the split val, the only one.

    Raises:
        DataError: a photo, depth or mask is missing, is no such array, or has another size than its photo.
        UnknownName: no such split.
    """
    if split != SPLIT:
        raise unknown(f"split of {name}", split, [SPLIT])
    folder = _folder(name, root)
    names = _names(folder)
    require_below(folder, [f"{each}{end}" for each in names for end in (DEPTH, MASK)], "arrays", PUBLISHER)
    photos = sized_below(folder, [f"{each}.png" for each in names], PUBLISHER)
    samples = tuple(_sample(name, folder, each, photos[f"{each}.png"]) for each in names)
    digest = label_maps.digest([folder / f"{each}{end}" for each in names for end in (DEPTH, MASK)])
    return build_split(name, split, origin, PUBLISHED[name], samples, [[sample.id for sample in samples], digest])


def found(name: str, root: Path) -> dict[str, int]:
    """Count the photos.

    Raises:
        DataError: their folder is missing or holds none.
    """
    return {SPLIT: len(_names(_folder(name, root)))}


def files(name: str, root: Path) -> tuple[Path, ...]:
    """The folder of its scenes."""
    return ((folder_of(root, PLACES) or root / PLACES[0]) / FOLDERS[name],)


def read_depth(depth: Path, mask: Path, size_hw: tuple[int, int]) -> "NDArray[np.float32]":
    """Read the depth under a mask: float32 [H, W], metres, 0 = no reading.

    Raises:
        DataError: a file is missing or damaged, holds no numbers, or has another size.
    """
    import numpy as np

    metres, valid = (_array(path, size_hw).astype(np.float32) for path in (depth, mask))
    if not np.isin(valid, (0, 1)).all():
        raise DataError(f"{mask} holds other values than 0 and 1: fetch the file again")
    reading = (valid == 1) & np.isfinite(metres) & (metres > 0)
    return np.where(reading, metres, np.float32(0))


def _sample(name: str, folder: Path, stem: str, photo: ImageRef) -> Sample:
    depth, mask = folder / f"{stem}{DEPTH}", folder / f"{stem}{MASK}"
    for path in (depth, mask):
        check_size(path, _mapped(path).shape[:2], photo)
    short = stem.rpartition("/")[2]
    return Sample(
        id=f"{name}/{SPLIT}/{short}",
        image=photo,
        image_id=short,
        question="",
        target=DepthTarget(partial(read_depth, depth, mask, photo.size_hw), names=(f"{stem}_depth", stem, short)),
        tags={"scene": stem.partition("/")[0]},
    )


def _folder(name: str, root: Path) -> Path:
    place = folder_of(root, [f"{each}/{FOLDERS[name]}" for each in PLACES])
    if place is None:
        wanted = " nor ".join(f"{each}/{FOLDERS[name]}" for each in PLACES)
        raise DataError(f"{root} holds neither {wanted}: put the validation split of DIODE there ({PUBLISHER})")
    return place


def _names(folder: Path) -> list[str]:
    """Paths of the photos below their folder without ending, in order."""
    names = sorted(
        path.relative_to(folder).with_suffix("").as_posix()
        for path in folder.glob("scene_*/scan_*/*.png")
        if not path.name.startswith(".")
    )
    if not names:
        raise DataError(f"{folder} holds no scene_*/scan_*/*.png: put the validation split of DIODE there")
    if len({name.rpartition("/")[2] for name in names}) != len(names):
        raise DataError(f"{folder} holds two photos of one name: fetch the split again")
    return names


def _mapped(path: Path) -> Any:
    import numpy as np

    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: copy it there from {PUBLISHER}") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a NumPy array ({error}): fetch the file again") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or array.ndim not in (2, 3):
        raise DataError(f"{path} holds no map of numbers: fetch the file again")
    if array.ndim == 3 and array.shape[2] != 1:
        raise DataError(f"{path} has shape {array.shape}, not [H, W] or [H, W, 1]: fetch the file again")
    return array


def _array(path: Path, size_hw: tuple[int, int]) -> "NDArray[Any]":
    import numpy as np

    array = np.array(_mapped(path)).reshape(_mapped(path).shape[:2])
    if array.shape != tuple(size_hw):
        raise DataError(f"{path} is {array.shape} but its photo {size_hw} (rows, columns): fetch both of one release")
    return array


_CARD = "Vasiljevic et al., DIODE: A Dense Indoor and Outdoor DEpth Dataset, 2019, arXiv:1908.00463. Licence: MIT."
BENCHMARKS = [
    Benchmark(
        name=name,
        splits={SPLIT: count},
        open=partial(open_split, name),
        files=partial(files, name),
        card=_CARD,
        found=partial(found, name),
        where=f"{PUBLISHER}: val.tar.gz",
    )
    for name, count in PUBLISHED.items()
]
