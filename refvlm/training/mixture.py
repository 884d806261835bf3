"""Mixes sources of real data, and the sample world, by their portions: a pure function of the seed and a number.

One pass over all sources takes `portion` times the pictures of each, spread evenly over the pass; the next pass goes on
in each source where this one stopped, and a source comes in another random order every time it has been gone through.
So any step can be made alone: a resumed run, or one of several processes, sees just what it would have seen.
"""

import hashlib
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import DataError
from benchmarks.files import write_atomic
from benchmarks.geometry import decode
from benchmarks.schema import Sample
from refvlm.processor import Letterbox
from refvlm.regions import rasterise
from refvlm.training.batches import JOINTS
from refvlm.training.config import DataConfig
from refvlm.training.pictures import Frame, Picture
from refvlm.training.question import Drawn, Question, Ref
from refvlm.training.room import Room
from refvlm.training.sources import Source
from refvlm.training.truths import Mark, Unusable
from refvlm.training.wording import word

_LOG = logging.getLogger(__name__)
RECORD = "data.json"
_FINEST = 10_000
"""Shares of the sample world are kept to one part in so many."""


def spread(counts: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Spread sources over a pass as evenly as can be.

    Args:
        counts: how often each source comes, N in all.

    Returns:
        int [N], the source at each place, and how often it came before in the pass. In any stretch from the start, no
        source is more than one picture per other source ahead of or behind its share.
    """
    sources = np.concatenate([np.full(count, place) for place, count in enumerate(counts)])
    number = np.concatenate([np.arange(count) for count in counts])
    due = (number + 0.5) / np.array(counts)[sources]
    order = np.lexsort((sources, due))
    return sources[order].astype(np.int64), number[order].astype(np.int64)


@dataclass(frozen=True)
class Mixture:
    """Real data beside the sample world.

    Attributes:
        sources: what is mixed, at least one.
        data: seed, questions per picture, shares.
        room: what the model can be taught.
        frame: what it sees.
    """

    sources: tuple[Source, ...]
    data: DataConfig
    room: Room
    frame: Frame

    def turn(self, index: int) -> tuple[bool, int]:
        """Whose turn the picture of a number is: (a source's, number among those of its side)."""
        share = Fraction(self.data.world_share).limit_denominator(_FINEST)
        before, after = math.floor(index * share), math.floor((index + 1) * share)
        return (False, before) if after > before else (True, index - before)

    @cached_property
    def _pass(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return spread([source.per_pass for source in self.sources])

    def drawn(self, number: int) -> tuple[int, int]:
        """Which sheet the picture of a number is: (place of its source, place among all that come from there)."""
        whose, before = self._pass
        passes, place = divmod(number, len(whose))
        source = int(whose[place])
        return source, passes * self.sources[source].per_pass + int(before[place])

    def picture(self, number: int) -> Picture:
        """Read the picture of a number and what is asked about it.

        A sheet of which nothing can be used, which shows only now that its files are read, is named in the log, and the
        next one takes its place.

        Raises:
            DataError: a file is missing or broken, or nothing of the source can be used.
        """
        place, drawn = self.drawn(number)
        source = self.sources[place]
        rng = np.random.default_rng([self.data.seed, 78, number])
        for step in range(len(source)):
            samples = source.sheet(self._sheet(place, drawn + step))
            if picture := _picture(source, samples, rng, self):
                return picture
        raise DataError(f"nothing of {source.task} {source.split} can be used: take it out of data.sources")

    def _sheet(self, source: int, drawn: int) -> int:
        """The sheet that comes as a source's `drawn`-th."""
        rounds, place = divmod(drawn, len(self.sources[source]))
        return int(_shuffled(self.data.seed, source, rounds, len(self.sources[source]))[place])

    @property
    def fingerprint(self) -> str:
        """Hash over what the sources hold: the same files make the same batches."""
        facts = [[each.task, each.split, each.fingerprint, each.order.tolist()] for each in self.sources]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def told(self) -> str:
        """Say what is mixed, and what of it cannot be used."""
        total = sum(source.per_pass for source in self.sources)
        lines = [
            f"one pass: {total} pictures, {self.data.world_share:.0%} of all steps' pictures are of the sample world"
        ]
        return "\n".join([*(source.told() for source in self.sources), *lines])

    def keep_record(self, folder: Path) -> None:
        """Write down what is mixed; on a resumed run, compare.

        Raises:
            DataError: the files have changed since the run was started.
        """
        path = folder / RECORD
        if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["fingerprint"] != self.fingerprint:
            raise DataError(f"{path} was made from other files: put them back, or start over in another --out")
        facts = [
            {
                "task": each.task,
                "split": each.split,
                "samples": len(each.samples),
                "used": len(each.order),
                "pictures_per_pass": each.per_pass,
                "left_out": [asdict(fault) for fault in each.left_out],
            }
            for each in self.sources
        ]
        content = {"fingerprint": self.fingerprint, "sources": facts}
        write_atomic(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())


@lru_cache(maxsize=64)
def _shuffled(seed: int, source: int, rounds: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 79, source, rounds]).permutation(count)


def _picture(source: Source, samples: Sequence[Sample], rng: np.random.Generator, mixture: Mixture) -> Picture | None:
    """Read a picture and ask about it; None where no sample of the sheet can be used."""
    photo, frame = samples[0].image, mixture.frame
    letterbox = Letterbox(photo.size_hw, frame.side)
    asked: list[Question] = []
    depth = None
    for sample in samples:
        try:
            question, read = _question(source, sample, letterbox, rng, mixture.room)
        except Unusable as fault:
            _LOG.warning("%s is left out: %s", sample.id, fault)
            continue
        commanded = bool(rng.random() >= mixture.data.instruction_share)
        asked.append(replace(question, commanded=commanded))
        depth = frame.depth(read, letterbox) if read is not None else depth
    if not asked:
        return None
    image = letterbox.paste(photo.open_rgb(), frame.pixels.pad)
    return Picture(", ".join(sample.id for sample in samples), image, frame.no_cells(), depth, asked)


def _question(
    source: Source, sample: Sample, letterbox: Letterbox, rng: np.random.Generator, room: Room
) -> tuple[Question, np.ndarray | None]:
    """Ask about a sample, and read its depth map where depth is asked for."""
    truth = source.lesson.teach(sample)
    prompt = word(source.prompt, rng, sample.question)
    ways = room.fitting(truth, source.lesson.unit, prompt, len(sample.regions))
    way = ways[int(rng.integers(len(ways)))]
    refs = tuple(Ref() if truth.depth else _ref(mark, letterbox) for mark in way.marks)
    regions = tuple(Drawn(region.kind, rasterise(region, letterbox)) for region in sample.regions)
    metres = None if truth.depth is None else truth.depth()
    if metres is not None and not (metres > 0).any():
        raise Unusable("the depth map has no reading")
    return Question(prompt, source.lesson.unit, way.body, refs, regions), metres


def _ref(mark: Mark, letterbox: Letterbox) -> Ref:
    """Bring the truth about an instance into the square input."""
    mask = mark.mask if mark.mask is None or isinstance(mark.mask, np.ndarray) else decode(mark.mask)
    if mask is not None and not mask.any():
        raise Unusable("a mask covers no pixel")
    if mark.keypoints and len(mark.keypoints) != JOINTS:
        raise Unusable(f"a pose has {len(mark.keypoints)} joints and the model {JOINTS}")
    drawn = None if mask is None else letterbox.mask_in(mask)
    joints = np.array([(*letterbox.point_in(x, y), seen) for x, y, seen in mark.keypoints], np.float32)
    return Ref(drawn, joints if len(joints) else None, _box(mark, mask, letterbox))


def _box(mark: Mark, mask: np.ndarray | None, letterbox: Letterbox) -> tuple[float, float, float, float]:
    """The box in the square input, cxcywh in 0..1, cut at the picture's border."""
    height, width = letterbox.size_hw
    if mark.box_xyxy is None:
        assert mask is not None, "an instance has a box or a mask"
        ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        edges = (float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))
    else:
        edges = mark.box_xyxy
    x1, x2 = (min(max(x, 0.0), float(width)) for x in edges[::2])
    y1, y2 = (min(max(y, 0.0), float(height)) for y in edges[1::2])
    if x2 <= x1 or y2 <= y1:
        raise Unusable("a box lies outside its picture")
    (left, top), (right, bottom) = letterbox.point_in(x1, y1), letterbox.point_in(x2, y2)
    side = letterbox.side
    return (left + right) / 2 / side, (top + bottom) / 2 / side, (right - left) / side, (bottom - top) / side
