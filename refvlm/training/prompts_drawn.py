"""Visual prompts about an object of a training scene, drawn as the predictor draws those of a query."""

import numpy as np

from benchmarks.schema import Region
from benchmarks.world.visual_prompts import deepest, rough, scribble
from refvlm.processor import Letterbox
from refvlm.regions import KINDS, POINT_RADIUS, rasterise

DRAWN = KINDS
_STROKES = (3, 6)
"""Least and most points of a scribble, the last one excluded."""


def draw_prompt(kind: str, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mark an object: a pixel inside it, its box, a line through it, or all of it; half of them as the world does.

    Args:
        kind: one of DRAWN.
        mask: bool [S, S], not empty.
        rng: decides where.

    Returns:
        float32 [S, S], 1 inside the prompt.
    """
    as_the_world = bool(rng.random() < 0.5)
    if kind == "mask":
        return (rough(mask) if as_the_world else mask).astype(np.float32)
    rows, columns = np.nonzero(mask)
    letterbox = Letterbox(mask.shape, len(mask))
    if kind != "box" and as_the_world:
        return _dots(np.array([deepest(mask)]) if kind == "point" else np.argwhere(scribble(mask).T), letterbox)
    if kind == "box":
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return rasterise(Region("box", box_xyxy=tuple(float(edge) for edge in box)), letterbox)  # type: ignore[arg-type]
    count = 1 if kind == "point" else int(rng.integers(*_STROKES))
    chosen = rng.integers(len(rows), size=count)
    points = np.stack([columns[chosen], rows[chosen]], 1) + 0.5
    spread = points - points.mean(0)
    along = np.linalg.svd(spread, full_matrices=False)[2][0] if count > 1 else np.ones(2)
    ordered = points[np.argsort(spread @ along)]
    line = tuple((float(x), float(y)) for x, y in ordered)
    return rasterise(Region("point" if kind == "point" else "scribble", points_xy=line), letterbox)


def _dots(pixels: np.ndarray, letterbox: Letterbox) -> np.ndarray:
    """Draw pixels [N, 2], xy, as the disks that stand for a raster of the sample world's own."""
    side = letterbox.side
    axis = np.arange(side) + 0.5
    radius = max(1.0, POINT_RADIUS * side)
    away = (axis[None, :, None] - pixels[:, 1, None, None] - 0.5) ** 2 + (
        axis[None, None] - pixels[:, 0, None, None] - 0.5
    ) ** 2
    return np.asarray((away <= radius**2).any(0), dtype=np.float32)
