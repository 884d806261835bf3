"""LVIS v1 in its official layout: objects of 1,203 categories on COCO photos, annotated category by category.

    <root>/lvis/lvis_v1_val.json
    <root>/coco/val2017/<12 digits>.jpg     coco/train2017/…      (or <root>/images/val2017, images/train2017)

An image is annotated exhaustively for most categories that it shows, known to lack its negative ones, and silent about
all others; the truth carries these lists. LVIS splits COCO's photos in its own way, so val needs photos of both
folders; its file records their addresses (`coco_url`), whose last folder and name are used. One sample per image, by
image id.

Count: 19,809 images of val, with 244,707 objects, as on lvisdataset.org and in TensorFlow Datasets.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.coco_split import ImageSamples, build, first_folder, photo_paths
from benchmarks.errors import DataError, unknown
from benchmarks.schema import Benchmark, Origin, Split
from benchmarks.truth import Category, ObjectsTarget, TrueObject

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    from benchmarks.coco_index import CocoIndex

NAME = "lvis/v1"
IMAGES = 19_809
FREQUENCIES = ("r", "c", "f")
PHOTO_FOLDERS = ("coco/val2017", "images/val2017")


@dataclass(frozen=True, slots=True)
class LvisTarget(ObjectsTarget):
    """All objects of one image, and what is known of categories without any.

    Attributes:
        absent: ids of categories that were looked for and are not in the image.
        not_exhaustive: ids of categories of which only some objects are annotated.
    """

    absent: frozenset[int] = frozenset()
    not_exhaustive: frozenset[int] = frozenset()


def annotations(root: Path) -> Path:
    """The annotation file of val."""
    return root / "lvis" / "lvis_v1_val.json"


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split val, the only one with published annotations that is evaluated on.

    Raises:
        DataError: files or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    if split != "val":
        raise unknown(f"split of {NAME}", split, ["val"])
    file = _open(root)
    samples = ImageSamples(
        name=f"{NAME}/{split}",
        file=file,
        rows=range(len(file)),
        photos=photo_paths(root, PHOTO_FOLDERS, file.file_names),
        target=lambda row: _target(file, row),
        categories=tuple(category.name for category in file.categories),
    )
    return build(samples, NAME, split, origin, IMAGES)


def _open(root: Path) -> "CocoIndex":
    from benchmarks.coco_index import open_index

    file = open_index(annotations(root))
    if "neg_category_ids" not in file.columns or any(each.frequency not in FREQUENCIES for each in file.categories):
        raise DataError(
            f"{file.path}: images need neg_category_ids and not_exhaustive_category_ids, categories a frequency r, c "
            "or f: put the file of lvisdataset.org there"
        )
    return file


def _target(file: "CocoIndex", row: int) -> LvisTarget:
    objects: tuple[TrueObject, ...] = file.objects(row)
    categories: tuple[Category, ...] = file.categories
    absent, partial = (frozenset(file.listed(key, row)) for key in ("neg_category_ids", "not_exhaustive_category_ids"))
    return LvisTarget(objects, categories, absent, partial)


def found(root: Path) -> dict[str, int]:
    """Count the images.

    Raises:
        DataError: the file is missing or broken.
    """
    return {"val": len(_open(root))}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders of the benchmark, in reading order."""
    return (annotations(root), first_folder(root, PHOTO_FOLDERS))


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits={"val": IMAGES},
        open=open_split,
        files=files,
        card="Gupta et al., LVIS: A Dataset for Large Vocabulary Instance Segmentation, CVPR 2019, arXiv:1908.03195; "
        "v1, 1,203 categories. Licence: CC BY 4.0 (annotations); photos keep their Flickr licences.",
        found=found,
        where="lvisdataset.org (lvis_v1_val.json.zip); cocodataset.org (val2017 and train2017 photos)",
    )
]
