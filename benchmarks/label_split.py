"""Builds the split of a benchmark whose truth is one PNG a photo: labels of classes, or numbers of instances."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import index_cache, label_maps
from benchmarks.schema import ImageRef, Origin, Sample, Split, Truth
from benchmarks.truth import Category, MapTarget

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    from numpy.typing import NDArray

Decode = Callable[[Path, tuple[int, int], tuple[Category, ...]], "NDArray[Any]"]
"""(label PNG, size of the photo, classes) -> places of classes, uint8 [H, W], ignored pixels `label_maps.IGNORED`."""


@dataclass(frozen=True)
class Pair:
    """A photo and its label map."""

    image_id: str
    image: ImageRef
    labels: Path


@dataclass(frozen=True)
class LabelSource:
    """What such a benchmark is: its name, and its only split with the published count."""

    name: str
    split: str
    published: int


def as_map(decode: Decode, categories: tuple[Category, ...]) -> Callable[[Pair], Truth]:
    """Build the truth of semantic segmentation: a label map that is decoded when it is needed."""
    return lambda pair: MapTarget(partial(decode, pair.labels, pair.image.size_hw, categories), categories)


def build(
    source: LabelSource,
    pairs: Sequence[Pair],
    categories: tuple[Category, ...],
    target: Callable[[Pair], Truth],
    origin: Origin,
) -> Split:
    """Make one sample of every pair, in their order; the fingerprint covers classes and label files.

    Args:
        source: what the benchmark is.
        pairs: photos and their PNGs.
        categories: the names that an answer may use.
        target: pair -> truth.
        origin: "official" or "sample".

    Raises:
        DataError: a label file is missing or unreadable.
    """
    names = tuple(category.name for category in categories)
    samples = tuple(
        Sample(
            id=f"{source.name}/{source.split}/{pair.image_id}",
            image=pair.image,
            image_id=pair.image_id,
            question="",
            target=target(pair),
            categories=names,
        )
        for pair in pairs
    )
    truth = [(sample.id, sample.image.size_hw) for sample in samples]
    return Split(
        benchmark=source.name,
        name=source.split,
        origin=origin,
        expected=source.published if origin == "official" else None,
        fingerprint=index_cache.key((repr(truth), repr(categories), label_maps.digest([p.labels for p in pairs]))),
        samples=samples,
    )
