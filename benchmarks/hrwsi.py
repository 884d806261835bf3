"""HR-WSI, the validation split: 400 photos of web stereo pairs with relative disparity.

    <root>/HR-WSI/val/imgs/NAME.jpg  gts/NAME.png  valid_masks/NAME.png

`gts` are grey PNGs, 8 or 16 bits, of disparity without a unit: higher = nearer, and 0, as far as it is valid, endlessly
far. `valid_masks` are grey PNGs, 8 bits, 255 = the disparity is valid, 0 = it is not. The truth is the disparity under
the mask, NaN elsewhere. Samples come in order of name; a photo without a map or a mask is an error, as is a map or mask
without a photo.

Sources: Xian et al., Structure-Guided Ranking Loss for Single Image Depth Prediction, CVPR 2020. Folders and counts
(20,378 photos to learn from, 400 to validate) are those that public loaders of the download state; the authors' own
page describes neither, and this reader has not seen the download itself. Their point pairs for the ordinal error are
not published: see `metrics.ordinal`.
"""

from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from benchmarks import label_maps
from benchmarks.depth_maps import DisparityTarget, check_size
from benchmarks.errors import DataError, unknown
from benchmarks.files import list_names
from benchmarks.photos import image_size_hw, sized
from benchmarks.schema import Benchmark, ImageRef, Origin, Sample, Split
from benchmarks.splits import build_split

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

NAME, SPLIT, PUBLISHED = "hrwsi", "val", 400
FOLDER = "HR-WSI/val"
PHOTOS, MAPS, MASKS = "imgs", "gts", "valid_masks"
PUBLISHER = "github.com/KexianHust/Structure-Guided-Ranking-Loss"
VALID = 255


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split val, the only one that is scored.

    Raises:
        DataError: a photo, map or mask is missing, is no such image, or has another size than its photo.
        UnknownName: no such split.
    """
    if split != SPLIT:
        raise unknown(f"split of {NAME}", split, [SPLIT])
    names = _names(root)
    maps, masks = (_pngs(root / FOLDER / folder, names) for folder in (MAPS, MASKS))
    photos = sized(root, (f"{FOLDER}/{PHOTOS}",), [f"{name}.jpg" for name in names], PUBLISHER)
    samples = [_sample(name, photos[f"{name}.jpg"], maps[f"{name}.png"], masks[f"{name}.png"]) for name in names]
    digest = label_maps.digest([*maps.values(), *masks.values()])
    return build_split(NAME, split, origin, PUBLISHED, samples, [[sample.id for sample in samples], digest])


def found(root: Path) -> dict[str, int]:
    """Count the photos.

    Raises:
        DataError: their folder is missing or holds none.
    """
    return {SPLIT: len(_names(root))}


def files(root: Path) -> tuple[Path, ...]:
    """The folders of photos, maps and masks."""
    return tuple(root / FOLDER / folder for folder in (PHOTOS, MAPS, MASKS))


def read_disparity(disparity: Path, mask: Path, size_hw: tuple[int, int]) -> "NDArray[np.float32]":
    """Read the disparity under a mask: float32 [H, W], as stored, NaN = no reading.

    Raises:
        DataError: a file is missing or damaged, of another kind or size, or the mask holds other values than 0 and 255.
    """
    import numpy as np

    stored, valid = label_maps.read_numbers(disparity, size_hw), label_maps.read_labels(mask, size_hw)
    if not np.isin(valid, (0, VALID)).all():
        raise DataError(f"{mask} holds other values than 0 and {VALID}: fetch the file again")
    return np.where(valid == VALID, stored.astype(np.float32), np.float32(np.nan))


def _sample(name: str, photo: ImageRef, disparity: Path, mask: Path) -> Sample:
    for path in (disparity, mask):
        check_size(path, image_size_hw(path), photo)
    return Sample(
        id=f"{NAME}/{SPLIT}/{name}",
        image=photo,
        image_id=name,
        question="",
        target=DisparityTarget(partial(read_disparity, disparity, mask, photo.size_hw), names=(name,)),
    )


def _names(root: Path) -> list[str]:
    """Names of the photos without ending, in order."""
    folder = root / FOLDER / PHOTOS
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: put the folder val of HR-WSI there (linked from {PUBLISHER})")
    names = sorted(_stems(folder, ".jpg"))
    if not names:
        raise DataError(f"{folder} holds no .jpg: put the photos of HR-WSI there (linked from {PUBLISHER})")
    return names


def _pngs(folder: Path, names: list[str]) -> dict[str, Path]:
    """Find one PNG for every photo, and no other."""
    pngs = label_maps.find(folder, [f"{name}.png" for name in names], PHOTOS)
    if extra := sorted(_stems(folder, ".png") - set(names)):
        raise DataError(f"{folder}: {len(extra)} PNGs have no photo ({extra[0]}.png): fetch the photos again")
    return pngs


def _stems(folder: Path, ending: str) -> set[str]:
    return {PurePosixPath(name).stem for name in list_names(folder) if name.endswith(ending) and name[0] != "."}


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits={SPLIT: PUBLISHED},
        open=open_split,
        files=files,
        card=(
            "Xian et al., Structure-Guided Ranking Loss for Single Image Depth Prediction, CVPR 2020 (no arXiv "
            "version). Counts as public loaders of the download state them. Licence: for research only."
        ),
        found=found,
        where=f"{PUBLISHER} links HR-WSI on a drive that needs a browser",
    )
]
