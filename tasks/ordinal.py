"""Order in depth: a photo in, the depth of every pixel out, of which only the order of point pairs counts.

The protocol has one option, `resize`: how a map of another size than the photo is brought to it, as for depth. Without
it such an answer is refused, and counts as wrong on every pair.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from benchmarks.depth_answer import DepthMap
from benchmarks.depth_maps import DisparityTarget
from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Query, Sample
from metrics import ordinal
from metrics.base import Row
from metrics.depth_protocols import RESIZES
from metrics.errors import DataError as MetricError
from tasks import protocol
from tasks.base import TaskKind, answer
from tasks.depth import FileAnswer, map_of, official

AS_IS = "none"
RESIZE = (AS_IS, "align_corners", "half_pixel", "half_pixel_disparity")
"""Ways of `metrics.depth_protocols` that suit photos of any size."""


def measure(resize: str, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the order of pairs in an answer with the true one.

    Raises:
        DataError: truth or prediction cannot be read, or a predicted file has a size that the protocol cannot bear.
    """
    target = sample.truth(DisparityTarget).load()
    given = map_of(prediction) if prediction.status == "ok" else None
    try:
        sized = None if given is None else RESIZES[resize](given, target.shape)
        row = ordinal.measure(sized, target, sample.id)
    except MetricError as error:
        file = prediction.file if isinstance(prediction, FileAnswer) else sample.id
        raise DataError(f"{file}: {error}") from None
    return {ordinal.ORDINAL.name: row}


def refuse(resize: str, query: Query, prediction: Prediction) -> str:
    """Say why a map of another size than the photo cannot be scored; empty where the protocol resizes it.

    Raises:
        DataError: the map lies in a file that cannot be read.
    """
    if resize != AS_IS or prediction.depth is None:
        return ""
    given, wanted = prediction.depth.load().shape, query.image.size_hw
    return "" if given == wanted else f"the depth map is {given} but its photo {wanted} (rows, columns)"


def perfect(sample: Sample) -> Prediction:
    """Answer the true disparity as depth, NaN where there is no reading."""
    return answer(sample, depth=DepthMap(values=ordinal.depth_of(sample.truth(DisparityTarget).load())))


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind that follows a protocol.

    Raises:
        ConfigError: an option has a value there is not.
        UnknownName: there is no such option.
    """
    return _kind(protocol.choice(protocol.only(options, ("resize",)), "resize", RESIZE, AS_IS))


def _kind(resize: str) -> TaskKind:
    rules = ordinal.ORDINAL.protocol if resize == AS_IS else f"{ordinal.ORDINAL.protocol} resize={resize}"
    return TaskKind(
        name="ordinal",
        wants="depth",
        metrics=(replace(ordinal.ORDINAL, protocol=rules),),
        measure=partial(measure, resize),
        refuse=partial(refuse, resize),
        perfect=perfect,
        configure=configure,
        official=official,
        formats="a folder of .npz, .npy or 16-bit PNG maps of depth (not disparity), named as the photos",
    )


KINDS = [_kind(AS_IS)]
