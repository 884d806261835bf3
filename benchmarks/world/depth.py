"""The depth part of the sample world: NYU, KITTI (Eigen, improved and raw) and DIODE, in their official layouts.

Scenes are 2 to 10 m deep. NYU and DIODE know every pixel; KITTI only as many as a laser would hit.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import diode, kitti, nyu
from benchmarks.files import write_atomic
from benchmarks.world.dense import DenseScene, numbered
from benchmarks.world.photos import jpeg, png
from benchmarks.world.scenes import SplitName

IMPROVED, SWEEP = 0.2, 0.05
"""Share of pixels with a reading in KITTI: of several laser sweeps, and of one."""
AT_MOST = 20
"""Scenes of each benchmark, so that the world stays small."""
_DATE, _DRIVE, _FOCAL = "2011_09_26", "2011_09_26_drive_0001_sync", "721.5377"
_UNTRUE = 6
"""Every so many photos of KITTI have no improved truth, as 45 of 697 have none."""
Numbered = Sequence[tuple[int, DenseScene]]


def write_depth(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Deal the dense scenes of test out to the benchmarks; a small world shows all of them everywhere."""
    writers = (_write_nyu, _write_kitti, _write_diode)
    numbers = numbered(seed, scenes, "test")
    for place, write in enumerate(writers):
        own = numbers[place :: len(writers)] if len(numbers) >= AT_MOST * len(writers) else numbers
        if own:
            write(folder, own[:AT_MOST], seed)


def _write_nyu(folder: Path, numbers: Numbered, seed: int) -> None:
    lines = []
    for number, scene in numbers:
        place = f"{_backdrop(scene)}/{{}}_{number % 100_000:05d}"
        photo, depth = f"{place.format('rgb')}.jpg", f"{place.format('sync_depth')}.png"
        write_atomic(folder / nyu.TEST / photo, jpeg(scene.image))
        write_atomic(folder / nyu.TEST / depth, png(_stored(scene.depth_m, nyu.SCALE)))
        lines.append(f"{photo} {depth} {_FOCAL}\n")
    write_atomic(folder / nyu.LIST_FOLDERS[0] / nyu.LIST, "".join(lines).encode("ascii"))


def _write_kitti(folder: Path, numbers: Numbered, seed: int) -> None:
    lines, sweeps = [], []
    for place, (number, scene) in enumerate(numbers):
        rng = np.random.default_rng([seed, 11, number])
        photo = f"{_DATE}/{_DRIVE}/image_02/data/{number:010d}.png"
        depth = f"{_DRIVE}/proj_depth/groundtruth/image_02/{number:010d}.png"
        write_atomic(folder / kitti.PHOTOS / photo, png(scene.image))
        sweeps.append(_hit(rng, scene.depth_m, SWEEP))
        if place % _UNTRUE == _UNTRUE - 1:
            depth = "None"
        else:
            metres = _hit(rng, scene.depth_m, IMPROVED)
            write_atomic(folder / kitti.DEPTHS[0] / depth, png(_stored(metres, kitti.SCALE)))
        lines.append(f"{photo} {depth} {_FOCAL}\n")
    write_atomic(folder / kitti.LIST_FOLDERS[0] / kitti.LIST, "".join(lines).encode("ascii"))
    write_atomic(folder / kitti.EXPORT, _archive(np.stack(sweeps)))


def _write_diode(folder: Path, numbers: Numbered, seed: int) -> None:
    """Those before a wall are indoors; where all are alike, the first is indoors and the others are not."""
    walls = [_backdrop(scene) == "wall" for _, scene in numbers]
    inside = walls if len(set(walls)) == 2 else [place == 0 for place in range(len(numbers))]
    for (number, scene), indoors in zip(numbers, inside, strict=True):
        where = diode.FOLDERS["diode/indoor" if indoors else "diode/outdoor"]
        stem = f"{number:05d}_00001_{where}_000_000"
        place = folder / diode.PLACES[0] / where / f"scene_{number:05d}" / "scan_00001"
        metres = scene.depth_m[..., None]
        write_atomic(place / f"{stem}.png", png(scene.image))
        write_atomic(place / f"{stem}{diode.DEPTH}", _array(metres))
        write_atomic(place / f"{stem}{diode.MASK}", _array((scene.depth_m < scene.depth_m.max()).astype(np.float32)))


def _backdrop(scene: DenseScene) -> str:
    """What stands behind everything, the scene type of NYU."""
    return "wall" if scene.stuff_mask("wall").any() else "sky"


def _hit(rng: np.random.Generator, depth_m: np.ndarray, share: float) -> np.ndarray:
    """Keep a share of the readings, drawn pixel by pixel: float32 [S, S], 0 elsewhere."""
    return np.where(rng.random(depth_m.shape) < share, depth_m, np.float32(0))


def _stored(depth_m: np.ndarray, scale: float) -> np.ndarray:
    """Metres as the PNGs store them: uint16 [S, S]."""
    return np.round(depth_m * scale).astype(np.uint16)


def _array(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, allow_pickle=False)
    return stream.getvalue()


def _archive(values: np.ndarray) -> bytes:
    """An `.npz` with one array `data`, dated 1980, so that its bytes are always the same."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("data.npy", (1980, 1, 1, 0, 0, 0)), _array(values), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


PARTS = [write_depth]
