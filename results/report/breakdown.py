"""What kinds of mistakes a detector makes, and how much AP each kind costs.

The kinds are those of Bolya et al., TIDE (ECCV 2020), at IoU 0.5 (foreground) and 0.1 (background), judged in this
order: a found object that is no hit is `localisation` (right category, IoU 0.1 to 0.5), `classification` (wrong
category, IoU from 0.5), `duplicate` (right category and IoU from 0.5, but the object is taken), `background` (IoU at
most 0.1 with every object) or `both` (the rest: wrong category and badly placed). A true object that nobody hit and
that no mistake of the first two kinds lies on is `missed`.
The cost of a kind is how much AP50 rises when all its mistakes are put right, one kind at a time, as in TIDE.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
FOREGROUND, BACKGROUND = 0.5, 0.1
NOTHING = -1
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Scene:
    """Found and true objects of one image.

    Attributes:
        score: float [D].
        category: int [D], of found objects.
        true_category: int [G].
        overlap: float [D, G], IoU; with a crowd, the share of the found object that lies in it.
        crowd: bool [G], a group that is never missed and that found objects of its category may lie in.
    """

    score: NDArray[np.float64]
    category: NDArray[np.int64]
    true_category: NDArray[np.int64]
    overlap: NDArray[np.float64]
    crowd: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """How many mistakes there are of each kind, AP50, and what AP50 would gain without each kind, in [0, 1].

    `ap50` is NaN without any true object.
    """

    counts: dict[str, int]
    gains: dict[str, float]
    ap50: float


@dataclass(frozen=True, slots=True)
class _Judged:
    """Found objects of all images, flat: float [D] scores, int [D] categories, whether each is a hit; and its mistake.

    `category` is that of the found object; `mended` that of the true object it lies on; `target` numbers true objects,
    `NOTHING` for none. `positives` counts true objects by category.
    """

    score: NDArray[np.float64]
    category: NDArray[np.int64]
    kind: NDArray[np.int64]
    target: NDArray[np.int64]
    mended: NDArray[np.int64]
    taken: NDArray[np.bool_]
    missed: NDArray[np.int64]
    positives: NDArray[np.int64]


_HIT, _IGNORED = len(KINDS), len(KINDS) + 1
_CLASS, _PLACE, _BOTH, _TWICE, _EMPTY, _MISSED = range(len(KINDS))


def break_down(scenes: Sequence[Scene]) -> Breakdown:
    """Judge every found object and weigh every kind of mistake."""
    judged = _judge_all(scenes)
    counts = {name: int((judged.kind == kind).sum()) for kind, name in enumerate(KINDS)}
    counts["missed"] = int(judged.missed.sum())
    whole = _ap(judged)
    gains = {name: _ap(_mended(judged, kind)) - whole for kind, name in enumerate(KINDS)}
    known = {name: max(0.0, gain) if np.isfinite(gain) else 0.0 for name, gain in gains.items()}
    return Breakdown(counts, known, whole)


def confusion(scenes: Sequence[Scene], categories: int) -> NDArray[np.int64]:
    """What the surest found object on a true one (IoU from 0.5) is called: int [C, C + 1], the last column for none.

    Crowds are left out; a found object may lie on several true ones.
    """
    table: NDArray[np.int64] = np.zeros((categories, categories + 1), dtype=np.int64)
    for scene in scenes:
        order = np.argsort(-scene.score, kind="stable")
        for place in np.flatnonzero(~scene.crowd).tolist():
            on = order[scene.overlap[order, place] >= FOREGROUND]
            called = int(scene.category[on[0]]) if len(on) else categories
            table[int(scene.true_category[place]), called] += 1
    return table


def _judge_all(scenes: Sequence[Scene]) -> _Judged:
    categories = 1 + max(
        (int(part.max(initial=-1)) for s in scenes for part in (s.category, s.true_category)), default=0
    )
    kinds, targets, mended, taken = [], [], [], []
    missed, positives = np.zeros(categories, dtype=np.int64), np.zeros(categories, dtype=np.int64)
    before = 0
    for scene in scenes:
        hit = _hits(scene)
        kind, lies_on = _judge(scene, hit)
        used = np.zeros(len(scene.true_category), dtype=bool)
        used[hit[hit >= 0]] = True
        covered = used.copy()
        covered[lies_on[np.isin(kind, (_CLASS, _PLACE))]] = True
        real = ~scene.crowd
        np.add.at(missed, scene.true_category[real & ~covered], 1)
        np.add.at(positives, scene.true_category[real], 1)
        known = lies_on >= 0
        kinds.append(kind)
        targets.append(np.where(known, lies_on + before, NOTHING))
        mended.append(np.where(known, _at(scene.true_category, lies_on), scene.category))
        taken.append(known & _at(used, lies_on))
        before += len(scene.true_category)
    return _Judged(
        _flat([scene.score for scene in scenes], np.float64), _flat([scene.category for scene in scenes], np.int64),
        _flat(kinds, np.int64), _flat(targets, np.int64), _flat(mended, np.int64), _flat(taken, np.bool_),
        missed, positives,
    )  # fmt: skip


def _hits(scene: Scene) -> NDArray[np.int64]:
    """Which true object each found one hits, int [D]: the surest choose first, each the best one that is left."""
    hit: NDArray[np.int64] = np.full(len(scene.score), NOTHING, dtype=np.int64)
    free = ~scene.crowd
    for place in np.argsort(-scene.score, kind="stable").tolist():
        fits = free & (scene.true_category == scene.category[place]) & (scene.overlap[place] >= FOREGROUND)
        if fits.any():
            hit[place] = int(np.argmax(np.where(fits, scene.overlap[place], -1.0)))
            free[hit[place]] = False
    return hit


def _judge(scene: Scene, hit: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The kind of each found object and the true object that it lies on, int [D] each."""
    kinds: NDArray[np.int64] = np.full(len(hit), _EMPTY, dtype=np.int64)
    lies_on = hit.copy()
    for place in range(len(hit)):
        same = scene.true_category == scene.category[place]
        alike, others = (np.where(which & ~scene.crowd, scene.overlap[place], -1.0) for which in (same, ~same))
        best, other = alike.max(initial=-1.0), others.max(initial=-1.0)
        if hit[place] >= 0:
            kinds[place] = _HIT
        elif (scene.overlap[place, same & scene.crowd] >= FOREGROUND).any():
            kinds[place] = _IGNORED
        elif BACKGROUND <= best < FOREGROUND:
            kinds[place], lies_on[place] = _PLACE, int(np.argmax(alike))
        elif other >= FOREGROUND:
            kinds[place], lies_on[place] = _CLASS, int(np.argmax(others))
        elif best >= FOREGROUND:
            kinds[place] = _TWICE
        elif max(best, other) > BACKGROUND:
            kinds[place] = _BOTH
    return kinds, lies_on


def _mended(judged: _Judged, kind: int) -> _Judged:
    """The same with one kind of mistake put right."""
    if kind == _MISSED:
        return replace(judged, positives=judged.positives - judged.missed)
    wrong = judged.kind == kind
    if kind not in (_CLASS, _PLACE):
        return replace(judged, kind=np.where(wrong, _IGNORED, judged.kind))
    fixable = np.flatnonzero(wrong & ~judged.taken)
    surest = fixable[np.argsort(-judged.score[fixable], kind="stable")]
    _, first = np.unique(judged.target[surest], return_index=True)
    hits = np.zeros(len(wrong), dtype=bool)
    hits[surest[first]] = True
    kinds = np.where(hits, _HIT, np.where(wrong, _IGNORED, judged.kind))
    return replace(judged, kind=kinds, category=np.where(hits, judged.mended, judged.category))


def _ap(judged: _Judged) -> float:
    """Mean over categories with true objects of the precision at 101 recalls, as COCO's AP50; NaN without any."""
    values = []
    for category in np.flatnonzero(judged.positives > 0).tolist():
        mine = np.flatnonzero((judged.category == category) & (judged.kind != _IGNORED))
        mine = mine[np.argsort(-judged.score[mine], kind="stable")]
        right = np.cumsum(judged.kind[mine] == _HIT)
        precision = np.maximum.accumulate((right / np.arange(1, len(mine) + 1))[::-1])[::-1]
        at = np.searchsorted(right / judged.positives[category], _RECALLS)
        values.append(float(np.append(precision, 0.0)[at].mean()))
    return float(np.mean(values)) if values else float("nan")


def _at(values: NDArray, places: NDArray[np.int64]) -> NDArray:
    """Values at places, whatever stands there for those that are `NOTHING`."""
    return values[places] if len(values) else np.zeros(len(places), dtype=values.dtype)


def _flat(parts: Sequence[NDArray], kind: type) -> NDArray:
    return np.concatenate([np.asarray(part, dtype=kind) for part in parts]) if parts else np.zeros(0, dtype=kind)
