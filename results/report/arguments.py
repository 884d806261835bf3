"""What callers of the drawing functions hand in, checked: shapes of arrays, one text and one colour a thing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from results.report.palette import Colour, hue


def numbers(values: object, width: int, name: str) -> NDArray[np.float64]:
    """Read float [N, width]; anything empty is no row.

    Raises:
        ValueError: another shape.
    """
    found: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if found.size == 0:
        return np.zeros((0, width))
    if found.ndim != 2 or found.shape[1] != width:
        raise ValueError(f"{name} must be float [N, {width}], got {found.shape}")
    return found


def texts(labels: Sequence[str], scores: Sequence[float | None], count: int) -> list[str]:
    """Join labels and scores: one text for each thing, which may be empty.

    Raises:
        ValueError: another number of them.
    """
    for name, given in (("labels", labels), ("scores", scores)):
        if given and len(given) != count:
            raise ValueError(f"{len(given)} {name} for {count} things: give one for each, or none")
    words = list(labels) or [""] * count
    numbers = ["" if score is None else f"{score:.2f}" for score in scores] or [""] * count
    return [f"{word} {number}".strip() for word, number in zip(words, numbers, strict=True)]


def colours_for(colours: Sequence[Colour], count: int) -> list[Colour]:
    """The colour of each thing, by default those of the palette in turn.

    Raises:
        ValueError: another number of colours.
    """
    if colours and len(colours) != count:
        raise ValueError(f"{len(colours)} colours for {count} things: give one for each, or none")
    return list(colours) or [hue(place) for place in range(count)]
