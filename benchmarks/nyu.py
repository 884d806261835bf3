"""NYU Depth v2, the 654 photos of the official test split, in two layouts; the first that is there is read.

The PNG layout of BTS, which ZoeDepth, AdaBins and Depth Anything share:

    <root>/nyu_depth_v2/nyudepthv2_test_files_with_gt.txt     lines of `photo depth focal` (or in train_test_inputs/)
    <root>/nyu_depth_v2/official_splits/test/<scene type>/rgb_NNNNN.jpg, sync_depth_NNNNN.png (16 bits, metres x 1000)

The publisher's own, see `benchmarks.nyu_mat`:

    <root>/nyu_depth_v2/nyu_depth_v2_labeled.mat, splits.mat

Truths are the readings of the sensor projected to the photo, not filled in: 0 = no reading. Both layouts hold the same
truths and ids, in the order of the list where there is one; photos differ, since BTS blackened a border of 7 pixels and
stored JPEGs. NNNNN is the number of the frame in the .mat, from 0. Count: 654 lines of the list, 654 `testNdxs`.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import depth_lists, label_maps, nyu_mat
from benchmarks.depth_maps import DepthTarget, check_png, read_png
from benchmarks.errors import DataError, unknown
from benchmarks.photos import sized_below
from benchmarks.schema import Benchmark, Origin, Sample, Split

NAME, SPLIT, PUBLISHED = "nyu", "test", 654
FOLDER = "nyu_depth_v2"
LIST = "nyudepthv2_test_files_with_gt.txt"
LIST_FOLDERS = (FOLDER, f"{FOLDER}/train_test_inputs", "train_test_inputs")
TEST = f"{FOLDER}/official_splits/test"
SCALE = 1000.0
PUBLISHER = "the BTS repository (github.com/cleinc/bts)"
_PHOTO = re.compile(r"([^/]+)/rgb_(\d{5})\.(?:jpg|png)")


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split test, the only one.

    Raises:
        DataError: neither layout is there, or a file of it is missing, broken or of another size than it must have.
        UnknownName: no such split.
    """
    if split != SPLIT:
        raise unknown(f"split of {NAME}", split, [SPLIT])
    as_pngs = _has_pngs(root)
    digest, samples = _from_pngs(root) if as_pngs else _from_mat(root)
    return Split(
        benchmark=NAME,
        name=split,
        origin=origin,
        expected=PUBLISHED if origin == "official" else None,
        fingerprint=digest,
        samples=samples,
        notes=() if as_pngs else ("photos of the .mat, whose border BTS and its successors paint black",),
    )


def found(root: Path) -> dict[str, int]:
    """Count the photos that the list or `splits.mat` names.

    Raises:
        DataError: neither layout is there.
    """
    return {SPLIT: len(depth_lists.read(_list(root))) if _has_pngs(root) else len(_frames(root))}


def files(root: Path) -> tuple[Path, ...]:
    """The files of the layout that is there, in reading order; of the PNG layout where there is none."""
    if (root / TEST).is_dir() or not _mat(root).is_file():
        return (_list(root), root / TEST)
    return (_mat(root), _list(root) if _list(root).is_file() else _splits(root))


def _has_pngs(root: Path) -> bool:
    if (root / TEST).is_dir():
        return True
    if not _mat(root).is_file():
        raise DataError(f"{root} holds neither {TEST} nor {FOLDER}/{nyu_mat.FILE}: put one of them there")
    return False


def _from_pngs(root: Path) -> tuple[str, tuple[Sample, ...]]:
    lines = depth_lists.read(_list(root))
    named = [_name(line) for line in lines]
    folder = root / TEST
    photos = sized_below(folder, [line.photo for line in lines], PUBLISHER)
    depths = [check_png(folder / str(line.depth), photos[line.photo]) for line in lines]
    samples = tuple(
        Sample(
            id=_id(scene, number),
            image=photos[line.photo],
            image_id=f"{number:05d}",
            question="",
            target=DepthTarget(
                partial(read_png, depth, photos[line.photo].size_hw, SCALE), names=_names(line, scene, number)
            ),
            tags={"scene": scene},
        )
        for line, depth, (scene, number) in zip(lines, depths, named, strict=True)
    )
    return _fingerprint(samples, label_maps.digest(depths)), samples


def _from_mat(root: Path) -> tuple[str, tuple[Sample, ...]]:
    """Build the same samples from the .mat."""
    frames = nyu_mat.frames(_mat(root), _frames(root))
    samples = tuple(
        Sample(
            id=_id(frame.scene, frame.number),
            image=frame.photo,
            image_id=f"{frame.number:05d}",
            question="",
            target=DepthTarget(frame.depth, names=_names(None, frame.scene, frame.number)),
            tags={"scene": frame.scene},
        )
        for frame in frames
    )
    return _fingerprint(samples, nyu_mat.digest(_mat(root))), samples


def _frames(root: Path) -> list[int]:
    """Numbers of the test frames from 0: in the order of the list, or of `splits.mat`."""
    if _list(root).is_file():
        return [_name(line)[1] for line in depth_lists.read(_list(root))]
    return nyu_mat.test_numbers(_splits(root))


def _name(line: depth_lists.Line) -> tuple[str, int]:
    """Scene type and number of a line.

    Raises:
        DataError: the photo is not named as BTS does, or has no truth.
    """
    if line.depth is None:
        raise DataError(f"{line.place}: a line of NYU needs a depth map; fetch the list again")
    if (match := _PHOTO.fullmatch(line.photo)) is None:
        raise DataError(f"{line.place}: '{line.photo}' is not named <scene>/rgb_NNNNN.jpg; fetch the list again")
    return match[1], int(match[2])


def _names(line: depth_lists.Line | None, scene: str, number: int) -> tuple[str, ...]:
    """Names of predictions: of the depth map, of the photo, flat as `bts_test.py` writes them."""
    usual = (f"{scene}/sync_depth_{number:05d}", f"{scene}/rgb_{number:05d}", f"{scene}_rgb_{number:05d}")
    own = () if line is None or line.depth is None else (line.depth.rpartition(".")[0],)
    return tuple(dict.fromkeys((*own, *usual)))


def _id(scene: str, number: int) -> str:
    return f"{NAME}/{SPLIT}/{scene}/{number:05d}"


def _fingerprint(samples: Sequence[Sample], truths: str) -> str:
    ids = json.dumps([sample.id for sample in samples])
    return hashlib.sha256(f"{ids}\n{truths}".encode()).hexdigest()


def _list(root: Path) -> Path:
    return depth_lists.find(root, LIST, LIST_FOLDERS)


def _mat(root: Path) -> Path:
    return root / FOLDER / nyu_mat.FILE


def _splits(root: Path) -> Path:
    return root / FOLDER / nyu_mat.SPLITS_FILE


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits={SPLIT: PUBLISHED},
        open=open_split,
        files=files,
        card=(
            "Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012; test list of "
            "Eigen et al., NIPS 2014, arXiv:1406.2283, as the BTS repository ships it. Licence: none "
            "stated; published for research."
        ),
        found=found,
        where="cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html; PNGs and list: github.com/cleinc/bts",
    )
]
