"""Region captions of Visual Genome v1.2: a box in, a phrase out, on the test photos of DenseCap's split.

    <root>/vg/region_descriptions.json     [{id, regions: [{region_id, image_id, x, y, width, height, phrase}]}]
    <root>/vg/densecap_splits.json         {"train": [image ids], "val": […], "test": […]}      (or visual_genome/…)
    photos: see `benchmarks.visual_genome`

One sample per region with its one phrase, photos in the order of the split's list, regions in that of the file. Boxes
are x, y, width, height in pixels and are kept as annotated, also where they leave the photo or have no area. A region
whose phrase is blank is no sample, as nothing describes it. Parsing the 700 MB of regions takes memory; the index is
cached. The split lists 5,000 photos (github.com/jcjohnson/densecap, info/densecap_splits.json), which must all be here;
how many regions they have is not published. GRiT, GLaMM, ASMv2 and others report this test set, some on a part of it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.text_source import Record, TextSource, benchmark_of, objects, unique, whole
from benchmarks.visual_genome import FOLDERS, photos


def parse(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read the regions of the test photos.

    Raises:
        DataError: a file breaks its form, a photo of the split has no entry, or a region comes twice.
    """
    (images, splits), (path, splits_path) = contents, paths
    listed = splits.get("test") if isinstance(splits, dict) else None
    if not isinstance(listed, list) or not listed or not all(type(each) is int for each in listed):
        raise DataError(f"{splits_path}: 'test' must be a list of image ids: fetch DenseCap's file again")
    entries = _entries(images, set(listed), path)
    if missing := [image_id for image_id in listed if image_id not in entries]:
        raise DataError(
            f"{path}: {len(missing)} of {len(listed)} test images of {splits_path.name} are not there, the first is "
            f"{missing[0]}: fetch version 1.2 of the file"
        )
    return {"test": unique([r for image_id in listed for r in _records(image_id, entries[image_id], path)], path)}


def _entries(images: Any, wanted: set[int], path: Path) -> dict[int, Mapping[str, Any]]:
    """Wanted images by id."""
    if not isinstance(images, list):
        raise DataError(f"{path}: must be a list of images with regions: fetch the file again")
    entries: dict[int, Mapping[str, Any]] = {}
    for number, image in enumerate(objects(images, str(path))):
        image_id = whole(image, "id", f"{path}[{number}]")
        if image_id in entries:
            raise DataError(f"{path}: image {image_id} comes twice: fetch the file again")
        if image_id in wanted:
            entries[image_id] = image
    return entries


def _records(image_id: int, image: Mapping[str, Any], path: Path) -> Iterable[Record]:
    place = f"{path}: image {image_id}"
    regions = image.get("regions")
    if not isinstance(regions, list):
        raise DataError(f"{place}: regions must be a list: fetch the file again")
    for region in objects(regions, f"{place}: regions"):
        number = whole(region, "region_id", place)
        phrase = region.get("phrase")
        if not isinstance(phrase, str):
            raise DataError(f"{place}: region {number}: phrase must be a text, got {phrase!r}: fetch the file again")
        if phrase.strip():
            box = _box(region, f"{place}: region {number}")
            yield Record(f"region-{number}", f"{image_id}.jpg", str(image_id), "", [phrase], {}, box)


def _box(region: Mapping[str, Any], place: str) -> tuple[float, float, float, float]:
    numbers = [region.get(key) for key in ("x", "y", "width", "height")]
    if any(isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each) for each in numbers):
        raise DataError(f"{place}: x, y, width, height must be numbers, got {numbers}: fetch the file again")
    x, y, width, height = (float(each) for each in numbers if each is not None)
    return x, y, x + width, y + height


SOURCE = TextSource(
    name="vg/regions",
    reader="vg_regions/1",
    published={"test": 0},
    files={
        "test": tuple(
            (f"vg/{name}", f"visual_genome/{name}") for name in ("region_descriptions.json", "densecap_splits.json")
        )
    },
    folders=FOLDERS,
    publisher="Visual Genome",
    parse=parse,
    find=photos,
)
BENCHMARKS = [
    benchmark_of(
        SOURCE,
        "Krishna et al., Visual Genome, IJCV 2017, arXiv:1602.07332; split by Johnson et al., DenseCap, CVPR 2016, "
        "arXiv:1511.07571. Licence: CC BY 4.0 (regions); photos keep their Flickr licences.",
        "homes.cs.washington.edu/~ranjay/visualgenome (region descriptions v1.2, photos); "
        "github.com/jcjohnson/densecap (info/densecap_splits.json)",
    )
]
