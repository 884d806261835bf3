"""Cityscapes: the class of every pixel of a street, 19 classes, in the official layout.

    <root>/cityscapes/leftImg8bit/val/<city>/<city>_<6 digits>_<6 digits>_leftImg8bit.png
    <root>/cityscapes/gtFine/val/<city>/<city>_<6 digits>_<6 digits>_gtFine_labelIds.png

The PNGs hold label ids, 0 to 33. The 19 that the official evaluation covers are the classes, in the order of train ids;
the others are ignored. Names and ids are those of labels.py of github.com/mcordts/cityscapesScripts, and the count
(500 photos in val) is in its README. A file `cityscapes/labels.json`, a list of {"id", "name", "isthing"}, takes the
place of the 19: the official download has none, the sample world has.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import label_maps, photos
from benchmarks.errors import DataError, unknown
from benchmarks.files import list_names, read_json
from benchmarks.label_split import LabelSource, Pair, as_map, build
from benchmarks.panoptic_records import read_categories
from benchmarks.schema import Benchmark, Origin, Split
from benchmarks.truth import Category

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "cityscapes"
PHOTOS = f"{FOLDER}/leftImg8bit/val"
PUBLISHER = "cityscapes-dataset.com (gtFine_trainvaltest.zip, leftImg8bit_trainvaltest.zip; needs a login)"
CARD = (
    "Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016, arXiv:1604.01685. "
    "Licence: non-commercial, by registration."
)
CLASSES = (
    Category(7, "road", False), Category(8, "sidewalk", False), Category(11, "building", False),
    Category(12, "wall", False), Category(13, "fence", False), Category(17, "pole", False),
    Category(19, "traffic light", False), Category(20, "traffic sign", False), Category(21, "vegetation", False),
    Category(22, "terrain", False), Category(23, "sky", False), Category(24, "person"), Category(25, "rider"),
    Category(26, "car"), Category(27, "truck"), Category(28, "bus"), Category(31, "train"),
    Category(32, "motorcycle"), Category(33, "bicycle"),
)  # fmt: skip
"""Label ids of the 19 classes, by train id."""
LABELS = 34
"""Label ids are below this."""


def decode(path: Path, size_hw: tuple[int, int], categories: tuple[Category, ...]) -> "NDArray[np.uint8]":
    """Read a map of label ids: places of classes, uint8 [H, W], other labels ignored.

    Raises:
        DataError: the file is missing, damaged, of another kind or size, or holds what is no label id.
    """
    import numpy as np

    labels = label_maps.read_labels(path, size_hw)
    if labels.max() >= LABELS:
        raise DataError(
            f"{path} holds {labels.max()} but label ids end at {LABELS - 1}: these may be train ids; use labelIds"
        )
    places = np.full(LABELS, label_maps.IGNORED, dtype=np.uint8)
    for place, category in enumerate(categories):
        places[category.id] = place
    return places[labels]


SOURCE = LabelSource(name="cityscapes/semantic", split="val", published=500)


def classes(root: Path) -> tuple[Category, ...]:
    """The 19 classes, or those of `labels.json`.

    Raises:
        DataError: that file is broken.
    """
    path = root / FOLDER / "labels.json"
    if not path.is_file():
        return CLASSES
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise DataError(f"{path} must be a list of id, name and isthing: correct it, or remove it for the official 19")
    found = tuple(Category(number, name, bool(thing)) for number, name, thing in read_categories(content, path))
    if wrong := [category.id for category in found if not 0 <= category.id < LABELS]:
        raise DataError(f"{path}: id {wrong[0]} is no label id (0 to {LABELS - 1}): correct it")
    return found


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split val.

    Raises:
        DataError: files or photos are missing.
        UnknownName: no such split.
    """
    if split != SOURCE.split:
        raise unknown(f"split of {SOURCE.name}", split, [SOURCE.split])
    categories = classes(root)
    return build(SOURCE, pairs(root, "labelIds"), categories, as_map(decode, categories), origin)


def pairs(root: Path, what: str) -> list[Pair]:
    """Find photos and their PNGs of one kind (labelIds, instanceIds), by city and name.

    Raises:
        DataError: a folder or a file is missing, on either side.
    """
    found = []
    for city in _cities(root):
        suffix = f"_gtFine_{what}.png"
        names = sorted(n.removesuffix(suffix) for n in list_names(_labels(root) / city) if n.endswith(suffix))
        pictures = photos.sized(root, (f"{PHOTOS}/{city}",), [f"{name}_leftImg8bit.png" for name in names], PUBLISHER)
        here = {name.removesuffix("_leftImg8bit.png") for name in list_names(root / PHOTOS / city)}
        if extra := sorted(here - set(names)):
            raise DataError(f"{_labels(root) / city}: {len(extra)} photos have no {what} (first: {extra[0]}): add them")
        found += [
            Pair(name, pictures[f"{name}_leftImg8bit.png"], _labels(root) / city / f"{name}{suffix}") for name in names
        ]
    return found


def count(root: Path, what: str) -> dict[str, int]:
    """Count the PNGs of one kind.

    Raises:
        DataError: their folder is missing or empty.
    """
    names = [name for city in _cities(root) for name in list_names(_labels(root) / city)]
    return {SOURCE.split: sum(name.endswith(f"_gtFine_{what}.png") for name in names)}


def found(root: Path) -> dict[str, int]:
    """Count the label maps.

    Raises:
        DataError: their folder is missing or empty.
    """
    return count(root, "labelIds")


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders of the benchmark, in reading order."""
    return (_labels(root), root / PHOTOS)


def _labels(root: Path) -> Path:
    return root / FOLDER / "gtFine" / "val"


def _cities(root: Path) -> list[str]:
    folder = _labels(root)
    cities = sorted(name for name in list_names(folder) if (folder / name).is_dir()) if folder.is_dir() else []
    if not cities:
        raise DataError(f"{folder} holds no cities: put the folders of {PUBLISHER} there")
    return cities


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
