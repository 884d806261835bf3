"""Visual prompts for an object of the sample world: where one would click, what one would scribble, always the same."""

import numpy as np

_MARGIN = 0.15
"""Share of the object's width that a scribble leaves free on either side."""


def deepest(mask: np.ndarray) -> tuple[int, int]:
    """The pixel farthest from the edge of a bool [H, W] mask that is not empty: x, y, the first of several."""
    left = mask
    while (smaller := _eroded(left)).any():
        left = smaller
    y, x = (int(axis[0]) for axis in np.nonzero(left))
    return x, y


def scribble(mask: np.ndarray) -> np.ndarray:
    """A wavy line from left to right inside a mask: bool [H, W], one pixel in every column that it passes."""
    drawn = np.zeros_like(mask)
    columns = np.flatnonzero(mask.any(0))
    margin = int(_MARGIN * len(columns))
    for step, x in enumerate(columns[margin : len(columns) - margin].tolist()):
        rows = np.flatnonzero(mask[:, x])
        drawn[rows[round((0.5 + 0.3 * np.sin(step / 3)) * (len(rows) - 1))], x] = True
    return drawn


def rough(mask: np.ndarray) -> np.ndarray:
    """The mask, larger by a pixel all around."""
    padded = np.pad(mask, 1)
    shifted = [padded[1 + dy :, 1 + dx :][: mask.shape[0], : mask.shape[1]] for dx, dy in _AROUND]
    return np.asarray(np.any(shifted, axis=0))


_AROUND = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


def _eroded(mask: np.ndarray) -> np.ndarray:
    return np.asarray(~rough(np.pad(~mask, 1, constant_values=True))[1:-1, 1:-1])
