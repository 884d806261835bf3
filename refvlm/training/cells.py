"""What covers each cell of 8 x 8 pixels, as auxiliary truth: colour, shape, size, texture and stuff.

Every map counts from 1, 0 = nothing of the kind; -100 where a scene has no such facts.
"""

import numpy as np
import torch
from torch import Tensor

from benchmarks.world.dense import STUFF, TEXTURES, THINGS, DenseScene
from benchmarks.world.scenes import COLOURS, SHAPES, SIZE, SIZES, Scene

UNKNOWN = -100
KINDS: tuple[tuple[str, ...], ...] = (tuple(COLOURS), (*SHAPES, THINGS[0]), tuple(SIZES), TEXTURES, STUFF)
"""Names of each map's values, from 1."""
_SIDE = SIZE // 8
_LEAST_SHARE = 0.25
_OBJECT_WEIGHT = 4.0


def weights(covered: Tensor) -> Tensor:
    """Weigh cells, int [B, K, C, C] -> float of that shape: those with an object four times as much as others, those of
    which nothing is known not at all.
    """
    objects = torch.where(covered[:, :1] > 0, _OBJECT_WEIGHT, 1.0)
    return objects * (covered != UNKNOWN)


def describe_cells(scene: Scene) -> np.ndarray:
    """Describe a scene of shapes: int64 [5, S/8, S/8]."""
    names = [
        (1 + KINDS[0].index(t.colour), 1 + KINDS[1].index(t.shape), 1 + KINDS[2].index(t.size)) for t in scene.things
    ]
    found = _cells(scene.masks, np.array(names))
    return np.concatenate([found, np.full((2, _SIDE, _SIDE), UNKNOWN)])


def describe_dense_cells(scene: DenseScene) -> np.ndarray:
    """Describe a dense scene: int64 [5, S/8, S/8]; it says nothing of sizes, which depend on distance."""
    names = [
        (1 + KINDS[0].index(o.colour), 1 + KINDS[1].index(o.category), 1 + KINDS[3].index(o.texture))
        for o in scene.objects
    ]
    colour, shape, texture = _cells(np.stack([o.mask for o in scene.objects]), np.array(names))
    stuff = np.stack([_shares(scene.stuff == k) for k in range(len(STUFF))]).argmax(0) + 1
    size = np.full((_SIDE, _SIDE), UNKNOWN)
    return np.stack([colour, shape, size, texture, np.where(colour > 0, 0, stuff)]).astype(np.int64)


def _cells(masks: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Names of the object that covers most of each cell: int64 [K, S/8, S/8] from bool [N, S, S] and int [N, K]."""
    share = _shares(masks)  # [N, S/8, S/8]
    cells = names[share.argmax(0)] * (share.max(0) > _LEAST_SHARE)[..., None]
    return np.asarray(cells.transpose(2, 0, 1), dtype=np.int64)


def _shares(masks: np.ndarray) -> np.ndarray:
    """Share of each cell that is covered: bool [..., S, S] -> float [..., S/8, S/8]."""
    blocks = masks.reshape(*masks.shape[:-2], _SIDE, 8, _SIDE, 8)
    return np.asarray(blocks.mean((-3, -1)))
