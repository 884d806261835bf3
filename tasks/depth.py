"""Monocular depth: a photo in, the depth of every pixel out. The protocol's preset decides how the two are compared.

Options of the protocol are those of `refbench score depth` that change numbers: a preset (zoedepth,
depth_anything_v2, monodepth2, marigold) for a dataset (nyu, kitti: cap and meaning of the Eigen crop), and parts that
replace the preset's. A map of another size than the photo is resized as the preset does; where it does not, the sample
has no usable answer. It then counts as the worst in the penalised scores and is left out of the plain means, as a
missing map is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.depth_answer import DepthMap
from benchmarks.depth_maps import DepthTarget, NamedMapTarget
from benchmarks.errors import ConfigError, DataError
from benchmarks.schema import Prediction, Query, Sample
from metrics import depth, depth_files
from metrics.base import Row
from metrics.depth_protocols import RESIZES, DepthProtocol
from metrics.errors import DataError as MetricError
from tasks import protocol
from tasks.base import TaskKind, answer

OPTIONS = (
    "preset", "dataset", "min_depth", "max_depth", "crop", "resize", "align", "clean", "clamp", "min_valid",
)  # fmt: skip
SUFFIX = "_pred"
"""End of the names of predicted files that is not part of the name."""
DISPARITY = "lstsq_disparity"
"""The alignment whose predictions are disparity instead of depth."""


@dataclass(frozen=True, slots=True)
class FileAnswer(Prediction):
    """An answer in a `.npz`, `.npy` or 16-bit PNG (`png_scale` is the stored value of a metre), read when scored."""

    file: Path = Path()
    png_scale: float = 1000.0


def measure(rules: DepthProtocol, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare an answer with the truth.

    Raises:
        DataError: truth or prediction cannot be read, or a predicted file has a size that the protocol cannot bear.
    """
    target = sample.truth(DepthTarget).load()
    key = "relative_disparity" if rules.align == DISPARITY else "depth"
    given = map_of(prediction, key) if prediction.status == "ok" else None
    try:
        row = depth.measure(given, target, rules)
    except MetricError as error:
        file = prediction.file if isinstance(prediction, FileAnswer) else sample.id
        raise DataError(f"{file}: {error}") from None
    return {depth.DEPTH.name: row}


def map_of(prediction: Prediction, key: str = "depth") -> NDArray[np.float32] | None:
    """The map of an answer: float32 [h, w]; None where there is none.

    Args:
        prediction: in memory, or a FileAnswer.
        key: array of a `.npz` with several that holds the map.

    Raises:
        DataError: its file cannot be read.
    """
    if isinstance(prediction, FileAnswer):
        try:
            return depth_files.read_prediction(prediction.file, key, prediction.png_scale)
        except MetricError as error:
            raise DataError(str(error)) from None
    return None if prediction.depth is None else prediction.depth.load()


def refuse(rules: DepthProtocol, query: Query, prediction: Prediction) -> str:
    """Say why a map of another size than the photo cannot be scored; empty where the protocol resizes it.

    Raises:
        DataError: the map lies in a file that cannot be read.
    """
    if prediction.depth is None or (given := prediction.depth.load()).shape == query.image.size_hw:
        return ""
    try:
        RESIZES[rules.resize](given, query.image.size_hw)
    except MetricError as error:
        return str(error)
    return ""


def perfect(rules: DepthProtocol, sample: Sample) -> Prediction:
    """Answer the truth itself, or its inverse where the protocol wants disparity."""
    metres = sample.truth(DepthTarget).load()
    if rules.align == DISPARITY:
        metres = np.divide(1, metres, out=np.zeros_like(metres), where=metres > 0)
    return answer(sample, depth=DepthMap(values=metres))


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Find the predicted file of every photo in a folder, by any of the names that the benchmark's programs use.

    A file that belongs to no photo stands under its own name, so that it is counted.

    Raises:
        DataError: no folder, or two files for one photo.
    """
    if not path.is_dir():
        raise DataError(f"{path} is no folder: put one .npz, .npy or 16-bit PNG per photo into one")
    files = _files(path)
    found: dict[str, Prediction] = {}
    for sample in samples:
        target = sample.truth(NamedMapTarget)
        here = [name for name in target.names if name in files]
        if len(here) > 1:
            raise DataError(f"{path}: {here[0]} and {here[1]} are both depth of {sample.id}: keep one")
        for name in here:
            file = files.pop(name)
            found[sample.id] = FileAnswer(sample.id, "ok", file=file, png_scale=target.png_scale)
    return {**found, **{name: FileAnswer(name, "ok", file=file) for name, file in files.items()}}


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind that follows a protocol.

    Raises:
        ConfigError: an option has a value there is not.
        UnknownName: there is no such option.
    """
    try:
        return _kind(depth_files.read_protocol(protocol.only(options, OPTIONS)))
    except MetricError as error:
        raise ConfigError(f"protocol: {error}") from None


def _files(folder: Path) -> dict[str, Path]:
    """Predicted files below a folder by path without ending and suffix; of several endings the first counts."""
    found: dict[str, Path] = {}
    for ending in reversed(depth_files.ENDINGS):
        for file in sorted(folder.rglob(f"*{ending}")):
            name = file.relative_to(folder).with_suffix("").as_posix().removesuffix(SUFFIX)
            if (other := found.get(name)) is not None and other.suffix == file.suffix:
                raise DataError(f"{folder}: {other.name} and {file.name} both answer for '{name}': keep one")
            found[name] = file
    return found


def _kind(rules: DepthProtocol) -> TaskKind:
    return TaskKind(
        name="depth",
        wants="depth",
        metrics=(replace(depth.DEPTH, protocol=str(rules)),),
        measure=partial(measure, rules),
        refuse=partial(refuse, rules),
        perfect=partial(perfect, rules),
        configure=configure,
        official=official,
        formats="a folder of .npz, .npy (metres) or 16-bit PNG maps, named as the benchmark's depth maps or photos",
    )


KINDS = [_kind(depth_files.read_protocol({}))]
