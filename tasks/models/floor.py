"""The floor: what can be had without looking at the picture, by a rule for every kind of task.

| wants | answer |
|---|---|
| words | the most frequent answer to questions that begin alike, else to all; else a fixed one for the kind of task |
| box | the box that fits all others best, else the central one; of visual prompts the largest, as it is |
| mask | the pixels that are covered most often, else the central box; of visual prompts the largest, as it is |
| mask of every pixel | the whole picture as the category that covers most; else as the first one |
| joints | the mean pose in the person's box; else a standing figure |
| depth | the median depth of every height; else a plane that comes nearer from top to bottom |

Averages come from at most 500 samples (maps: 60) of another split in the same data root, `train…` before `val…`, chosen
by id; never from the split under test or one that is called a test. Where there is none, the fixed answers count.
`run.json` says which (`made_of`), and both are part of the run's identity. A fixed answer is made for photos: where the
sample world has no other split it can be worse than the constant, whose central box is never a whole picture of the
wrong category (semantic segmentation). Of four candidates in its scenes any may be meant: the largest is as good a
guess as the middle of the picture, and both are right about once in four (Visual7W).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, get_args

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import DataError
from benchmarks.schema import Box, Group, Instance, Prediction, Query, Region, Rle, Split, Unit
from tasks.base import LoadOptions, ModelEntry, Task

if TYPE_CHECKING:  # listing models must not wait for numpy
    import numpy as np

    from tasks.floor_facts import Facts

VERSION = "floor/2"
MOST, MOST_MAPS = 500, 60
_EVERY_PIXEL = ("panoptic", "semantic")
_MAPS = (*_EVERY_PIXEL, "depth", "ordinal", "salient")
"""Kinds whose truths are maps, each in a file of its own."""
_WORDS = {"caption": "a man standing in front of a building", "reg": "the man in the middle", "pointing": "A"}
_YES = "yes"
_ASKED = {"how many": "2", "what color": "white", "what colour": "white"}
"""The most frequent answers to such questions about photos (Antol et al., VQA, ICCV 2015); "yes" is to all others."""
_INDOOR_M, _OUTDOOR_M = (5.0, 1.5), (60.0, 5.0)
"""Depth of the plane at its far end and at the bottom of the picture."""
_HORIZON = 0.375
"""Where the ground of the sample world ends on average, as a share of the height; photos are planes from the top."""
_OUTDOOR = ("kitti", "diode/outdoor")
_FIGURE = {
    "nose": (0.5, 0.08), "eye": (0.03, 0.06), "ear": (0.07, 0.08), "shoulder": (0.17, 0.22), "elbow": (0.24, 0.38),
    "wrist": (0.26, 0.52), "hip": (0.1, 0.53), "knee": (0.1, 0.75), "ankle": (0.1, 0.96), "top": (0.5, 0.0),
    "neck": (0.5, 0.16), "thorax": (0.5, 0.2), "pelvis": (0.5, 0.53),
}  # fmt: skip
"""A standing figure in its box: joints of the middle, and distances from it of those that come in pairs."""
_COCO = ("nose", "+eye", "-eye", "+ear", "-ear", "+shoulder", "-shoulder", "+elbow", "-elbow", "+wrist", "-wrist",
         "+hip", "-hip", "+knee", "-knee", "+ankle", "-ankle")  # fmt: skip
_MPII = ("-ankle", "-knee", "-hip", "+hip", "+knee", "+ankle", "pelvis", "thorax", "neck", "top", "-wrist", "-elbow",
         "-shoulder", "+shoulder", "+elbow", "+wrist")  # fmt: skip
"""Joints in the order of the benchmark; + is the left of somebody who looks at us, on the right of the picture."""


class Floor:
    """Answers by rule; of a query it uses the size of the picture, its visual prompts and its categories."""

    def __init__(self, kind: str, benchmark: str, facts: "Facts", origin: str = "official") -> None:
        self._kind, self._benchmark, self._facts, self._origin = kind, benchmark, facts, origin

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer every query, in order."""
        return [self._answer(query) for query in queries]

    def fingerprint(self) -> str:
        """Hash over the averages."""
        return _fingerprint(self._facts, self._origin)

    def _answer(self, query: Query) -> Prediction:
        plain = Prediction(sample_id=query.sample_id, status="ok", prompt=query.prompt)
        if query.wants == "text":
            return replace(plain, text=self._words(query.question))
        if query.wants == "depth":
            return replace(plain, depth=self._depth(query.image.size_hw))
        phrase = query.categories[0] if query.categories else query.question
        if query.wants in ("box", "mask"):
            known = self._facts.widest if self._kind in _EVERY_PIXEL else self._facts.category
            phrase = known if known in query.categories else phrase
        group = Group(phrase=str(phrase), unit=query.wants, instances=(self._instance(query),))
        return replace(plain, groups=(group,))

    def _words(self, question: str) -> str:
        from tasks.floor_facts import starts

        if self._facts.text is None and self._kind in _WORDS:
            return _WORDS[self._kind]
        known = self._facts.starts if self._facts.text is not None else _ASKED
        return next((known[start] for start in starts(question) if start in known), self._facts.text or _YES)

    def _instance(self, query: Query) -> Instance:
        box = self._box(query)
        if query.wants == "box":
            return Instance(score=1.0, box_xyxy=box)
        if query.wants == "mask":
            shown = query.regions[0].mask_rle if query.regions and query.regions[0].kind == "mask" else None
            return Instance(score=1.0, mask_rle=shown or self._mask(query, box))
        if query.wants == "point":
            return Instance(keypoints=(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 1.0),))
        return Instance(score=1.0, box_xyxy=box, keypoints=self._pose(box))

    def _box(self, query: Query) -> Box:
        from tasks.floor_facts import CENTRE

        height, width = query.image.size_hw
        boxes = [region.box_xyxy for region in query.regions if region.box_xyxy is not None]
        if boxes:
            return max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        x1, y1, x2, y2 = self._facts.box or CENTRE
        if query.regions and query.regions[0].points_xy:
            return _moved((x1, y1, x2, y2), query.regions[0], query.image.size_hw)
        return (x1 * width, y1 * height, x2 * width, y2 * height)

    def _mask(self, query: Query, box: Box) -> Rle:
        import numpy as np

        from benchmarks.geometry import encode

        height, width = query.image.size_hw
        if (known := self._facts.mask) is not None and not query.regions and self._kind not in _EVERY_PIXEL:
            cells = np.array([[cell == "#" for cell in row] for row in known])
            rows, columns = (np.arange(side) * len(cells) // side for side in (height, width))
            return encode(np.asfortranarray(cells[rows[:, None], columns[None]], dtype=np.uint8))
        canvas = np.zeros((height, width), dtype=np.uint8, order="F")
        x1, y1, x2, y2 = (0, 0, width, height) if self._kind in _EVERY_PIXEL else map(round, box)
        canvas[max(y1, 0) : y2, max(x1, 0) : x2] = 1
        return encode(canvas)

    def _pose(self, box: Box) -> tuple[tuple[float, float, float], ...]:
        x1, y1, x2, y2 = box
        joints = self._facts.joints or _figure(_MPII if self._kind == "pck" else _COCO)
        return tuple((x1 + x * (x2 - x1), y1 + y * (y2 - y1), 1.0) for x, y in joints)

    def _depth(self, size_hw: tuple[int, int]) -> DepthMap:
        """Depth by height: between the middles of the bands that were averaged, or 1 / depth linear as on a plane."""
        import numpy as np

        height, width = size_hw
        rows = (np.arange(height) + 0.5) / height
        if (known := self._facts.depth_m) is not None:
            metres = np.interp(rows, (np.arange(len(known)) + 0.5) / len(known), known)
        else:
            metres = 1 / self._nearness(rows)
        return DepthMap(values=np.repeat(metres[:, None], width, axis=1).astype(np.float32))

    def _nearness(self, rows: "np.ndarray") -> "np.ndarray":
        """1 / depth of a plane at heights from 0 (top) to 1, in 1 / metres."""
        from benchmarks.world.dense import FAR_M, NEAR_M

        (far, near), horizon = (_OUTDOOR_M if self._benchmark.startswith(_OUTDOOR) else _INDOOR_M), 0.0
        if self._origin == "sample":
            far, near, horizon = FAR_M, NEAR_M, _HORIZON
        return 1 / far + (rows - horizon).clip(0) / (1 - horizon) * (1 / near - 1 / far)


def of_split(task: Task, split: Split) -> ModelEntry:
    """Make the floor of one split.

    Raises:
        DataError: the split that averages come from is broken.
    """
    from tasks.floor_facts import Facts, learn
    from tasks.identity import subset

    chosen = _other(split)
    if chosen is None:
        facts, note = Facts(), "fixed answers; read nothing: no training or validation split lies beside this one"
    else:
        samples = subset(chosen.samples, MOST_MAPS if task.kind.name in _MAPS else MOST)
        facts, note = learn(samples), f"averages of {len(samples)} samples of {chosen.benchmark} {chosen.name}"
    return replace(
        ENTRY,
        load=partial(_load, task.kind.name, task.benchmark, facts, split.origin),
        fingerprint=lambda options: _fingerprint(facts, split.origin),
        note=note,
    )


def _other(split: Split) -> Split | None:
    """Open the split to average over: training before validation, never a test."""
    beside = split.beside() if split.beside is not None else {}
    wanted = [name for start in ("train", "val") for name in beside if name.startswith(start)]
    opened = (beside[name]() for name in wanted)
    return next((found for found in opened if found.samples), None)


def _moved(fractions: Box, region: Region, size_hw: tuple[int, int]) -> Box:
    """A box of that size around the first point of a visual prompt, cut at the edges."""
    (height, width), (x, y) = size_hw, region.points_xy[0]
    half_w, half_h = (fractions[2] - fractions[0]) * width / 4, (fractions[3] - fractions[1]) * height / 4
    return (max(x - half_w, 0.0), max(y - half_h, 0.0), min(x + half_w, width), min(y + half_h, height))


def _figure(joints: Sequence[str]) -> list[tuple[float, float]]:
    places = []
    for joint in joints:
        x, y = _FIGURE[joint.lstrip("+-")]
        places.append((0.5 + x if joint[0] == "+" else 0.5 - x if joint[0] == "-" else x, y))
    return places


def _load(kind: str, benchmark: str, facts: "Facts", origin: str, options: LoadOptions) -> Floor:
    return Floor(kind, benchmark, facts, origin)


def _needs_split(options: LoadOptions) -> Floor:
    raise DataError("the floor is made for a split: run it by `refbench eval`")


def _fingerprint(facts: "Facts", origin: str) -> str:
    told = json.dumps([facts.as_json(), origin], sort_keys=True)
    return f"{VERSION}/{hashlib.sha256(told.encode()).hexdigest()[:32]}"


ENTRY = ModelEntry(
    name="floor",
    kind="sanity",
    units=get_args(Unit),
    load=_needs_split,
    description="what can be had without the picture: likeliest box, commonest answer, mean pose, a plane of depth",
    weights="none",
    of_split=of_split,
    note="averages of a training or validation split where one lies beside the split under test, fixed answers else",
)
MODELS = [ENTRY]
