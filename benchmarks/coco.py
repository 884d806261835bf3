"""COCO 2017 instances in their official layout: every object of an image, with box, mask and one of 80 categories.

    <root>/coco/annotations/instances_val2017.json      instances_train2017.json
    <root>/coco/val2017/<12 digits>.jpg                 train2017/…       (or <root>/images/val2017, images/train2017)

One sample per listed image, also where nothing is annotated in it, by ascending image id, the order in which the
official evaluator breaks ties. The truth keeps crowds, annotated areas, and boxes without area, which are stated.

Counts of images: 5,000 (36,781 objects) and 118,287 (860,001 objects), as in the pages of TensorFlow Datasets
(coco/2017) and in the coco.yaml of Ultralytics. The split train2017 is for those who name it.
"""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.coco_split import ImageSamples, build, first_folder, photo_paths
from benchmarks.errors import DataError, unknown
from benchmarks.files import list_names
from benchmarks.photos import folder_of
from benchmarks.schema import Benchmark, Origin, Split

NAME = "coco"
PUBLISHED: Mapping[str, int] = {"val2017": 5_000, "train2017": 118_287}


def annotations(root: Path, split: str) -> Path:
    """The annotation file of a split."""
    return root / "coco" / "annotations" / f"instances_{split}.json"


def photo_folders(split: str) -> tuple[str, ...]:
    """Folders below a data root that may hold the photos of a split."""
    return (f"coco/{split}", f"images/{split}")


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Raises:
        DataError: files or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    from benchmarks.coco_index import IndexedObjects, open_index

    if split not in PUBLISHED:
        raise unknown(f"split of {NAME}", split, PUBLISHED)
    index = open_index(annotations(root, split))
    samples = ImageSamples(
        name=f"{NAME}/{split}",
        file=index,
        rows=range(len(index)),
        photos=photo_paths(root, photo_folders(split), index.file_names),
        target=lambda row: IndexedObjects(index, row),
        categories=tuple(category.name for category in index.categories),
    )
    return build(samples, NAME, split, origin, PUBLISHED[split])


def found(root: Path) -> dict[str, int]:
    """Count the images of every split whose annotation file is there, and for train2017 its photos too.

    The official archive holds the annotations of both splits: those of train2017 alone are nothing to be read.

    Raises:
        DataError: no file is there, or one is broken.
    """
    from benchmarks.coco_index import open_index

    present = [split for split in PUBLISHED if annotations(root, split).is_file()]
    present = [split for split in present if split == "val2017" or folder_of(root, photo_folders(split))]
    if not present:
        folder = annotations(root, "val2017").parent
        here = f"holds {', '.join(sorted(list_names(folder))[:8]) or 'nothing'}" if folder.is_dir() else "is missing"
        raise DataError(f"{folder} {here}: put instances_val2017.json there, or point --data-root at its root")
    return {split: len(open_index(annotations(root, split))) for split in present}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders of the benchmark, in reading order."""
    return (annotations(root, "val2017"), first_folder(root, photo_folders("val2017")))


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits={"val2017": PUBLISHED["val2017"]},
        open=open_split,
        files=files,
        card="Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv:1405.0312; 2017 split, 80 "
        "categories, 36,781 objects in val2017. Licence: CC BY 4.0 (annotations); photos keep their Flickr licences.",
        found=found,
        where="cocodataset.org (annotations_trainval2017.zip, val2017.zip)",
    )
]
