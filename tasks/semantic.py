"""Semantic segmentation: a picture in, masks of its regions out, each with the name of a class.

From an answer to a label map: the phrase of every group is mapped to a class by the mapper that the protocol names
(`phrases`); a pixel takes the class of the first ranked mask that covers it, see `tasks.overlap`. Pixels without a
mask, and those of masks whose phrase is no class, are an unknown class: they count against their true one.

`average` names the convention of the means: `detectron2` leaves out classes without target pixels, `mmseg` counts one
that is only predicted as 0. Predictions in the official format are label PNGs whose values are the category ids of the
benchmark: COCO's, 1 to 150 in ADE20K, label ids (not train ids) in Cityscapes. Other values are the unknown class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.errors import DataError
from benchmarks.label_maps import IGNORED, values
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.truth import Category, MapTarget
from metrics import masks, phrases, semantic
from metrics.base import Metric, Row
from metrics.image_pairs import LABEL_MODES, read_plane
from tasks import overlap, protocol
from tasks.base import TaskKind, answer
from tasks.phrases import Mapper
from tasks.phrases import find as find_mapper

MAPPER = "lexical"
AVERAGES: Mapping[str, Metric] = {"detectron2": semantic.SEMANTIC, "mmseg": semantic.SEMANTIC_MMSEG}
_NAME_PARTS = 3
"""Parts of a file name that name the picture: Cityscapes adds more (aachen_000000_000019_gtFine_labelIds)."""


@dataclass(frozen=True)
class Rules:
    """How an answer is compared: the mapper of phrases, and which classes the means cover."""

    mapper: Mapper
    metric: Metric = semantic.SEMANTIC


@dataclass(frozen=True, slots=True)
class FiledLabels(Prediction):
    """An answer that lies in a file as a label map; it is read when it is scored.

    Attributes:
        file: a PNG whose values are category ids; always there.
    """

    file: Path | None = None

    def read(self, categories: Sequence[Category], size_hw: tuple[int, int]) -> np.ndarray:
        """Decode the PNG: int [H, W], places of categories, and their number for any other value.

        Raises:
            DataError: the file is damaged, of another kind or of another size than the picture.
        """
        assert self.file is not None, "filed labels have a file"
        plane = read_plane(self.file, LABEL_MODES, "one category id per pixel (8 or 16 bits, grey or palette)")
        if plane.shape != tuple(size_hw):
            raise DataError(
                f"{self.file} is {plane.shape} but its picture {size_hw} (rows, columns): resize the scores"
            )
        known = {category.id: place for place, category in enumerate(categories)}
        found, places = np.unique(plane, return_inverse=True)
        return np.array([known.get(value, len(known)) for value in found.tolist()])[places].reshape(plane.shape)


def measure(rules: Rules, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the labels of an answer with the true ones; no answer is wrong everywhere."""
    target = sample.truth(MapTarget)
    labels, size = target.load(), len(target.categories)
    found, categories = None, []
    if isinstance(prediction, FiledLabels):
        found = prediction.read(target.categories, sample.image.size_hw)
    elif prediction.status == "ok":
        ranked = overlap.claims(prediction, sample.categories, rules.mapper)
        categories = [claim.category for claim in ranked]
        owner, _ = overlap.owners(ranked, sample.image.size_hw)
        found = np.array([size if place is None else place for place in (None, *categories)])[owner + 1]
    return {
        rules.metric.name: semantic.measure(found, labels, size, IGNORED),
        phrases.PHRASES.name: phrases.measure(categories),
    }


def perfect(sample: Sample) -> Prediction:
    """Answer one mask for every class that is there."""
    target = sample.truth(MapTarget)
    labels = np.asfortranarray(target.load())  # masks are encoded column by column
    here = sorted(values(labels) - {IGNORED})
    return answer(
        sample,
        [
            Group(target.categories[place].name, "mask", (Instance(mask_rle=masks.encode(labels == place)),))
            for place in here
        ],
    )


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Find the label PNG of every sample, by the name of its photo; PNGs of no sample are left out.

    Args:
        path: a folder; PNGs may lie in folders below it.
        samples: what was asked.

    Raises:
        DataError: it is no folder, or two PNGs claim one picture.
    """
    if not path.is_dir():
        raise DataError(f"{path} is no folder: hand in the folder of label PNGs, named as the photos are")
    found: dict[str, Path] = {}
    for file in sorted(path.rglob("*.png")):
        name = _picture(file)
        if name in found:
            raise DataError(f"{file} and {found[name]} both answer for {name}: keep one")
        found[name] = file
    names = [_picture(sample.image.path) for sample in samples]
    return {
        sample.id: FiledLabels(sample_id=sample.id, status="ok", file=found[name])
        for sample, name in zip(samples, names, strict=True)
        if name in found
    }


def _picture(path: Path) -> str:
    return "_".join(path.stem.split("_")[:_NAME_PARTS])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Follow `phrases` (a mapper) and `average` (detectron2 or mmseg).

    Raises:
        UnknownName: no such option or mapper.
        ConfigError: a value that cannot be used.
    """
    protocol.only(options, ("phrases", "average"))
    average = protocol.choice(options, "average", AVERAGES, "detectron2")
    return _kind(Rules(find_mapper(options.get("phrases", MAPPER)), AVERAGES[average]))


def _kind(rules: Rules) -> TaskKind:
    return TaskKind(
        name="semantic",
        wants="mask",
        metrics=(rules.metric, phrases.PHRASES),
        measure=partial(measure, rules),
        perfect=perfect,
        configure=configure,
        official=official,
        formats="a folder of label PNGs, named as the photos are; a pixel's value is a category id",
    )


KINDS = [_kind(Rules(find_mapper(MAPPER)))]
