"""ADE20K scene parsing: the class of every pixel, 150 classes, in the layout of the challenge.

    <root>/ADEChallengeData2016/images/validation/ADE_val_<8 digits>.jpg
    <root>/ADEChallengeData2016/annotations/validation/ADE_val_<8 digits>.png      0 other, 1 to 150 the classes
    <root>/ADEChallengeData2016/objectInfo150.txt           a table with tabs: index first, name last

Label 0 is ignored, as in the official evaluation; the classes come from the table, whose names list aliases. Sizes are
the photos' own. Counts: 2,000 validation photos and 150 classes (README of github.com/CSAILVision/sceneparsing).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import label_maps, photos
from benchmarks.errors import DataError, unknown
from benchmarks.files import list_names, read_bytes
from benchmarks.label_split import LabelSource, Pair, as_map, build
from benchmarks.schema import Benchmark, Origin, Split
from benchmarks.truth import Category

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "ADEChallengeData2016"
PHOTOS = f"{FOLDER}/images/validation"
PUBLISHER = "sceneparsing.csail.mit.edu (ADEChallengeData2016.zip)"
CARD = (
    "Zhou et al., Semantic Understanding of Scenes through the ADE20K Dataset, IJCV 2019, arXiv:1608.05442. "
    "Licence: annotations BSD 3-clause; photos for non-commercial research."
)


def decode(path: Path, size_hw: tuple[int, int], categories: tuple[Category, ...]) -> "NDArray[np.uint8]":
    """Read a label map: places of classes, uint8 [H, W], label 0 ignored.

    Raises:
        DataError: the file is missing, damaged, of another kind or size, or holds a label that is no class.
    """
    labels = label_maps.read_labels(path, size_hw)
    if labels.max() > len(categories):
        raise DataError(f"{path} holds label {labels.max()} but there are {len(categories)} classes: fetch it again")
    return labels - labels.dtype.type(1)  # 0 becomes 255, which is ignored


SOURCE = LabelSource(name="ade20k/semantic", split="val", published=2_000)


def classes(root: Path) -> tuple[Category, ...]:
    """Read the table of classes, numbered from 1.

    Raises:
        DataError: the table is missing, or a line is broken or out of order.
    """
    path = root / FOLDER / "objectInfo150.txt"
    try:
        lines = [line for line in read_bytes(path).decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text; fetch the file again") from None
    found = []
    for number, line in enumerate(lines[1:], start=1):
        index, *_, name = line.split("\t") if "\t" in line else ("", "")
        if index.strip() != str(number) or not name.strip():
            raise DataError(f"{path}:{number + 1}: must be class {number} with its name last, tabs between: {line!r}")
        found.append(Category(number, name.strip()))
    if not 0 < len(found) < label_maps.IGNORED:
        raise DataError(f"{path} lists {len(found)} classes: fetch the file again")
    return tuple(found)


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split val.

    Raises:
        DataError: files or photos are missing, or the table of classes is broken.
        UnknownName: no such split.
    """
    if split != SOURCE.split:
        raise unknown(f"split of {SOURCE.name}", split, [SOURCE.split])
    names = _names(root)
    pictures = photos.sized(root, (PHOTOS,), [f"{name}.jpg" for name in names], PUBLISHER)
    if extra := sorted({name[:-4] for name in list_names(root / PHOTOS) if name.endswith(".jpg")} - set(names)):
        raise DataError(f"{_labels(root)}: {len(extra)} photos have no labels (first: {extra[0]}): add their PNGs")
    pairs = [Pair(name, pictures[f"{name}.jpg"], _labels(root) / f"{name}.png") for name in names]
    categories = classes(root)
    return build(SOURCE, pairs, categories, as_map(decode, categories), origin)


def found(root: Path) -> dict[str, int]:
    """Count the label maps.

    Raises:
        DataError: their folder is missing or empty.
    """
    return {SOURCE.split: len(_names(root))}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders of the benchmark, in reading order."""
    return (root / FOLDER / "objectInfo150.txt", _labels(root), root / PHOTOS)


def _labels(root: Path) -> Path:
    return root / FOLDER / "annotations" / "validation"


def _names(root: Path) -> list[str]:
    """Names of the pictures with labels, in order."""
    folder = _labels(root)
    names = sorted(name[:-4] for name in list_names(folder) if name.endswith(".png")) if folder.is_dir() else []
    if not names:
        raise DataError(f"{folder} holds no label PNGs: put those of {PUBLISHER} there")
    return names


BENCHMARKS = [
    Benchmark(
        name=SOURCE.name,
        splits={SOURCE.split: SOURCE.published},
        open=open_split,
        files=files,
        card=CARD,
        found=found,
        where=PUBLISHER,
    )
]
