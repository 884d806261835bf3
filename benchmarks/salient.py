"""Salient objects in their official layouts: photos in one folder, a grey mask of the same name in another.

    <root>/DUTS-TE/DUTS-TE-Image/*.jpg              DUTS-TE/DUTS-TE-Mask/*.png
    <root>/DUT-OMRON/DUT-OMRON-image/*.jpg          DUT-OMRON/pixelwiseGT-new-PNG/*.png
    <root>/ECSSD/images/*.jpg                       ECSSD/ground_truth_mask/*.png
    <root>/HKU-IS/imgs/*.png                        HKU-IS/gt/*.png

One sample a mask, in order of name. Its truth is uint8 [H, W], 0 to 255, as stored: what counts as foreground (above
128) is the metric's rule. Hidden files and files that are no images are passed over; a photo without a mask is an
error, as is a mask without a photo. Counts are those of the datasets' own pages and papers: DUTS-TE 5,019; DUT-OMRON
5,168, after four images were withdrawn in 2018; ECSSD 1,000; HKU-IS 4,447 (all are asked; some papers use a part).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image

from benchmarks import index_cache
from benchmarks.errors import DataError, unknown
from benchmarks.files import list_names
from benchmarks.photos import sized
from benchmarks.schema import Benchmark, ImageRef, Origin, Sample, Split
from benchmarks.splits import build_split
from benchmarks.truth import MapTarget

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

SPLIT = "test"
PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Source:
    """One dataset: its name, its folders below the data root, its published number of masks."""

    name: str
    photos: str
    masks: str
    published: int


def open_split(source: Source, root: Path, split: str, origin: Origin) -> Split:
    """Open the split test, the only one.

    Raises:
        DataError: a folder, photo or mask is missing, a mask is no grey image, or it has another size than its photo.
        UnknownName: no such split.
    """
    if split != SPLIT:
        raise unknown(f"split of {source.name}", split, [SPLIT])
    masks = mask_files(source, root)
    photos = sized(root, (source.photos,), _photos_of(source, root, [path.stem for path in masks]), source.name)
    samples = tuple(
        Sample(
            id=f"{source.name}/{split}/{mask.stem}",
            image=photo,
            image_id=mask.stem,
            question="",
            target=MapTarget(partial(read_grey, _checked(mask, photo), photo.size_hw)),
        )
        for mask, photo in zip(masks, photos.values(), strict=True)
    )
    facts = ([path.name, index_cache.digest_file(path)] for path in masks)
    return build_split(source.name, split, origin, source.published, samples, facts)


def found(source: Source, root: Path) -> dict[str, int]:
    """Count the masks.

    Raises:
        DataError: their folder is missing or holds none.
    """
    return {SPLIT: len(mask_files(source, root))}


def files(source: Source, root: Path) -> tuple[Path, ...]:
    """Both folders, in reading order."""
    return (root / source.masks, root / source.photos)


def mask_files(source: Source, root: Path) -> list[Path]:
    """List the masks in order of name.

    Raises:
        DataError: their folder is missing or holds none.
    """
    folder = root / source.masks
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: put the {source.name} masks there")
    names = sorted(name for name in list_names(folder) if _is_image(name, (".png",)))
    if not names:
        raise DataError(f"{folder} holds no PNG: put the {source.name} masks there")
    return [folder / name for name in names]


def read_grey(path: Path, size_hw: tuple[int, int]) -> "NDArray[np.uint8]":
    """Decode a grey image of 8 bits or fewer, or one in colour whose channels agree: uint8 [H, W], 0 to 255.

    Raises:
        DataError: the file is missing or damaged, is no such image, or has another size.
    """
    import numpy as np

    try:
        with Image.open(path) as image:
            mode, plane = image.mode, np.asarray(image.convert("L" if image.mode in ("L", "1") else "RGB"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing: put it back or fetch the masks again") from None
    except _UNREADABLE as error:
        raise DataError(f"{path} cannot be decoded ({error}): fetch the file again") from None
    if mode not in ("L", "1", "P", "LA", "RGB", "RGBA"):
        raise DataError(f"{path} is an image of kind {mode}: a mask must be grey, 8 bits; fetch the file again")
    if plane.ndim == 3:
        if (plane != plane[..., :1]).any():
            raise DataError(f"{path} holds colours: a mask must be grey; fetch the file again")
        plane = np.ascontiguousarray(plane[..., 0])
    if plane.shape != tuple(size_hw):
        raise DataError(_sizes(path, plane.shape, size_hw))
    return plane


def _checked(mask: Path, photo: ImageRef) -> Path:
    """Read the mask's header: an image of another size is told before a model is asked, not when it is scored."""
    try:
        with Image.open(mask) as image:
            size_hw = (image.height, image.width)
    except _UNREADABLE as error:
        raise DataError(f"{mask} is no image that can be read ({error}): fetch the file again") from None
    if size_hw != photo.size_hw:
        raise DataError(_sizes(mask, size_hw, photo.size_hw))
    return mask


def _sizes(mask: Path, size_hw: Sequence[int], photo_hw: Sequence[int]) -> str:
    there, wanted = (f"{width}x{height}" for height, width in (size_hw, photo_hw))
    return f"{mask} is {there} but its photo {wanted}: fetch both of one release"


def _photos_of(source: Source, root: Path, stems: Sequence[str]) -> list[str]:
    """Name the photo of every mask; without a folder, a name to say what is missing."""
    folder = root / source.photos
    by_stem: dict[str, str] = {}
    for name in sorted(list_names(folder)) if folder.is_dir() else []:
        if not _is_image(name, PHOTO_ENDINGS):
            continue
        if (other := by_stem.setdefault(PurePosixPath(name).stem, name)) != name:
            raise DataError(f"{folder}: {other} and {name} are both the photo '{PurePosixPath(name).stem}': keep one")
    wanted = set(stems)
    if lonely := [name for stem, name in by_stem.items() if stem not in wanted]:
        raise DataError(
            f"{folder}: {len(lonely)} photos have no mask in {root / source.masks} (first: {lonely[0]}): "
            "fetch the masks again, or take away photos that the publisher withdrew"
        )
    return [by_stem.get(stem, f"{stem}{PHOTO_ENDINGS[0]}") for stem in stems]


def _is_image(name: str, endings: Sequence[str]) -> bool:
    return not name.startswith(".") and name.lower().endswith(tuple(endings))


SOURCES = (
    Source("duts_te", "DUTS-TE/DUTS-TE-Image", "DUTS-TE/DUTS-TE-Mask", 5_019),
    Source("dut_omron", "DUT-OMRON/DUT-OMRON-image", "DUT-OMRON/pixelwiseGT-new-PNG", 5_168),
    Source("ecssd", "ECSSD/images", "ECSSD/ground_truth_mask", 1_000),
    Source("hku_is", "HKU-IS/imgs", "HKU-IS/gt", 4_447),
)
_CARDS = {
    "duts_te": "Wang et al., Learning to Detect Salient Objects, CVPR 2017 (no arXiv version)",
    "dut_omron": "Yang et al., Saliency Detection via Graph-Based Manifold Ranking, CVPR 2013 (no arXiv version)",
    "ecssd": "Shi et al., Hierarchical Image Saliency Detection on Extended CSSD, TPAMI 2016, arXiv:1408.5418",
    "hku_is": "Li and Yu, Visual Saliency Based on Multiscale Deep Features, CVPR 2015, arXiv:1503.08663",
}
_WHERE = {
    "duts_te": "saliencydetection.net/duts",
    "dut_omron": "saliencydetection.net/dut-omron",
    "ecssd": "www.cse.cuhk.edu.hk/leojia/projects/hsaliency/dataset.html",
    "hku_is": "i.cs.hku.hk/~gbli/deep_saliency.html",
}
BENCHMARKS = [
    Benchmark(
        name=source.name,
        splits={SPLIT: source.published},
        open=partial(open_split, source),
        files=partial(files, source),
        card=f"{_CARDS[source.name]}. Licence: none stated; published for research.",
        found=partial(found, source),
        where=_WHERE[source.name],
    )
    for source in SOURCES
]
