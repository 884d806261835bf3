"""NoCaps, validation, in its official layout: a COCO captions file whose images name their domain, ten captions each.

    <root>/nocaps/nocaps_val_4500_captions.json
        {"images": [{id, file_name, domain, open_images_id, …}], "annotations": [{image_id, caption, id}]}
    <root>/nocaps/val/<open_images_id>.jpg  (or nocaps/images/)

Samples keep the order of the images, references that of the annotations. The tag `domain` is in-domain, near-domain or
out-domain. Counts: 4,500 images, 648, 2,938 and 914 of them, as the download page says (nocaps.org/download).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import plain_name
from benchmarks.text_source import Record, TextSource, benchmark_of, listed, text, unique, whole

DOMAINS = ("in-domain", "near-domain", "out-domain")


def parse(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read images with their captions.

    Raises:
        DataError: a record is broken, an image comes twice or has no caption, or a caption is of no listed image.
    """
    [content], [path] = contents, paths
    images = listed(content, "images", path)
    captions: dict[int, list[str]] = {whole(image, "id", f"{path}: images[{k}]"): [] for k, image in enumerate(images)}
    for number, annotation in enumerate(listed(content, "annotations", path)):
        place = f"{path}: annotations[{number}]"
        image_id = whole(annotation, "image_id", place)
        if image_id not in captions:
            raise DataError(f"{place} is of image {image_id}, which is not listed: fetch the file again")
        captions[image_id].append(text(annotation, "caption", place))
    return {"val": unique([_record(image, captions[image["id"]], path) for image in images], path)}


def _record(image: Mapping[str, Any], captions: Sequence[str], path: Path) -> Record:
    number, domain = image["id"], image.get("domain")
    place = f"{path}: image {number}"
    if domain not in DOMAINS:
        raise DataError(
            f"{place}: domain must be one of {', '.join(DOMAINS)}, got {domain!r}: fetch "
            "nocaps_val_4500_captions.json, the older nocaps_val_image_info.json has neither domains nor captions"
        )
    if not captions:
        raise DataError(f"{place} has no caption: fetch the file again")
    photo = plain_name(image.get("file_name"), place)
    return Record(f"image-{number}", photo, str(number), "", captions, {"domain": domain})


SOURCE = TextSource(
    name="nocaps/0.1",
    reader="nocaps/1",
    published={"val": 4_500},
    files={"val": (("nocaps/nocaps_val_4500_captions.json",),)},
    folders=("nocaps/val", "nocaps/images"),
    publisher="NoCaps val",
    parse=parse,
)
BENCHMARKS = [
    benchmark_of(
        SOURCE,
        "Agrawal et al., nocaps: novel object captioning at scale, ICCV 2019, arXiv:1812.08658. Licence: CC BY 2.0 "
        "(captions); photos of Open Images keep their Flickr licences.",
        "nocaps.org/download (nocaps_val_4500_captions.json and the photos it names)",
    )
]
