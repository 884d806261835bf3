"""KITTI, the Eigen split of the left colour camera: 697 photos of the raw data, of which 652 have improved truths.

    <root>/kitti/kitti_eigen_test_files_with_gt.txt            lines of `photo depth focal` (or in train_test_inputs/)
    <root>/kitti/raw/2011_09_26/2011_09_26_drive_0002_sync/image_02/data/NNNNNNNNNN.png
    <root>/kitti/data_depth_annotated/2011_09_26_drive_0002_sync/proj_depth/groundtruth/image_02/NNNNNNNNNN.png
    <root>/kitti/gt_depths.npz

`kitti/eigen` has the improved truths (Uhrig et al., 2017: several laser sweeps, cleaned), PNGs of 16 bits, metres x
256, 0 = no reading. Drives may also lie in `train` and `val` of that folder, as the publisher's archive has them, and
the folder may have ZoeDepth's name, `kitti/gts`. The 45 lines with `None` in place of the depth have no such truth and
are asked only in `kitti/raw`, whose truths are single sweeps projected to the photo: the file that monodepth2's
`export_gt_depth.py --split eigen` writes, an array per photo in the order of the list. NumPy stores it as a pickle,
which is read without running it (`benchmarks.object_arrays`) and then kept in the cache. Counts: lines of the list.
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks import depth_lists, index_cache, label_maps
from benchmarks.depth_maps import DepthTarget, check_png, check_size, read_png
from benchmarks.errors import DataError, unknown
from benchmarks.photos import folder_of, require_below, sized_below
from benchmarks.schema import Benchmark, ImageRef, Origin, Sample, Split
from benchmarks.splits import build_split

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

EIGEN, RAW, SPLIT = "kitti/eigen", "kitti/raw", "test"
PUBLISHED = {EIGEN: 652, RAW: 697}
LIST = "kitti_eigen_test_files_with_gt.txt"
LIST_FOLDERS = ("kitti", "kitti/train_test_inputs", "train_test_inputs")
PHOTOS = "kitti/raw"
DEPTHS = ("kitti/data_depth_annotated", "kitti/gts")
PARTS = ("", "train", "val")
EXPORT = "kitti/gt_depths.npz"
SCALE = 256.0
PUBLISHER = "www.cvlibs.net/datasets/kitti"
_PHOTO = re.compile(r"[^/]+/([^/]+)/image_02/data/([^/]+)\.(?:png|jpg)")


def open_split(name: str, root: Path, split: str, origin: Origin) -> Split:
    """Open the split test, the only one.

    Raises:
        DataError: list, photos or truths are missing, broken or of another size than they must have.
        UnknownName: no such split.
    """
    if split != SPLIT:
        raise unknown(f"split of {name}", split, [SPLIT])
    lines = _lines(name, root)
    photos = sized_below(root / PHOTOS, [line.photo for line in lines], PUBLISHER)
    truths, targets = _improved(root, lines, photos) if name == EIGEN else _sweeps(root, lines, photos)
    samples = tuple(
        Sample(
            id=f"{name}/{split}/{drive}/{frame}",
            image=photos[line.photo],
            image_id=f"{drive}/{frame}",
            question="",
            target=target,
            tags={"drive": drive},
        )
        for line, (drive, frame), target in zip(lines, map(_name, lines), targets, strict=True)
    )
    return build_split(name, split, origin, PUBLISHED[name], samples, [[sample.id for sample in samples], truths])


def found(name: str, root: Path) -> dict[str, int]:
    """Count the lines of the list that are asked.

    Raises:
        DataError: the list is missing or broken.
    """
    return {SPLIT: len(_lines(name, root))}


def files(name: str, root: Path) -> tuple[Path, ...]:
    """List, photos and truths, in reading order."""
    truths = folder_of(root, DEPTHS) or root / DEPTHS[0] if name == EIGEN else root / EXPORT
    return (depth_lists.find(root, LIST, LIST_FOLDERS), root / PHOTOS, truths)


def _lines(name: str, root: Path) -> list[depth_lists.Line]:
    lines = depth_lists.read(depth_lists.find(root, LIST, LIST_FOLDERS))
    return lines if name == RAW else [line for line in lines if line.depth is not None]


def _name(line: depth_lists.Line) -> tuple[str, str]:
    """Drive and frame of a line.

    Raises:
        DataError: the photo does not lie where the raw data has it.
    """
    if (match := _PHOTO.fullmatch(line.photo)) is None:
        raise DataError(f"{line.place}: '{line.photo}' is not <date>/<drive>/image_02/data/<frame>.png; mend the line")
    return match[1], match[2]


def _target(line: depth_lists.Line, load: Any) -> DepthTarget:
    """A truth with the names of its predictions: of the depth map, of the photo, flat as `bts_test.py` writes them."""
    drive, frame = _name(line)
    own = () if line.depth is None else (line.depth.rpartition(".")[0],)
    return DepthTarget(load, names=(*own, line.photo.rpartition(".")[0], f"{drive}_{frame}"), png_scale=SCALE)


def _improved(
    root: Path, lines: Sequence[depth_lists.Line], photos: dict[str, ImageRef]
) -> tuple[str, list[DepthTarget]]:
    """Find the PNG of every line: their digest, and the truths."""
    folder = folder_of(root, DEPTHS)
    if folder is None:
        raise DataError(f"{root} holds neither {' nor '.join(DEPTHS)}: put the annotated depth maps of KITTI there")
    names = [_below(folder, str(line.depth)) for line in lines]
    require_below(folder, names, "depth maps", PUBLISHER)
    paths = [check_png(folder / name, photos[line.photo]) for name, line in zip(names, lines, strict=True)]
    targets = [
        _target(line, partial(read_png, path, photos[line.photo].size_hw, SCALE))
        for line, path in zip(lines, paths, strict=True)
    ]
    return label_maps.digest(paths), targets


def _below(folder: Path, name: str) -> str:
    """Path of a depth map below its folder, where drives may lie in parts."""
    places = [f"{part}/{name}" if part else name for part in PARTS]
    return next((place for place in places if (folder / place).is_file()), name)


def _sweeps(
    root: Path, lines: Sequence[depth_lists.Line], photos: dict[str, ImageRef]
) -> tuple[str, list[DepthTarget]]:
    """Find the array of every line in the exported file: its digest, and the truths."""
    from benchmarks.kitti_sweeps import Sweeps

    sweeps = Sweeps(root / EXPORT)
    if len(sweeps) != len(lines):
        raise DataError(
            f"{root / EXPORT} holds {len(sweeps)} arrays but the list {len(lines)} lines: export all of one list"
        )
    for place, line in enumerate(lines):
        check_size(root / EXPORT, sweeps.size_hw(place), photos[line.photo])
    targets = [_target(line, partial(_sweep, sweeps, place)) for place, line in enumerate(lines)]
    return index_cache.digest_file(root / EXPORT), targets


def _sweep(sweeps: Any, place: int) -> "NDArray[np.float32]":
    return cast("NDArray[np.float32]", sweeps.load(place))


_CARD = (
    "Geiger et al., Vision meets Robotics: The KITTI Dataset, IJRR 2013; test photos of Eigen et al., "
    "NIPS 2014, arXiv:1406.2283, as the BTS repository lists them; {truths}. Licence: CC BY-NC-SA 3.0."
)
_TRUTHS = {
    EIGEN: "truths of Uhrig et al., Sparsity Invariant CNNs, 3DV 2017, arXiv:1708.06500 (652 photos have one)",
    RAW: "truths are single laser sweeps, exported by monodepth2, arXiv:1806.01260 (697 photos)",
}
BENCHMARKS = [
    Benchmark(
        name=name,
        splits={SPLIT: count},
        open=partial(open_split, name),
        files=partial(files, name),
        card=_CARD.format(truths=_TRUTHS[name]),
        found=partial(found, name),
        where=f"{PUBLISHER}: raw data, annotated depth maps; list: github.com/cleinc/bts",
    )
    for name, count in PUBLISHED.items()
]
