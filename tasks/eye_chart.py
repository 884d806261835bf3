"""Pictures with known boxes, to find out in which coordinates a model speaks: scenes of the sample world, enlarged and
set off-centre on canvases of several aspect ratios, so that pixels, fractions and padded squares all differ."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.schema import Box, ImageRef, Query
from tasks.prompts import render

SIZES_HW = ((384, 384), (384, 690), (690, 384), (450, 900), (900, 450), (530, 610))
"""Sizes of the canvases, in turn; none is a multiple of what models cut pictures into."""
_SCALE = 3
_PROMPT = "locate_expression"
_SEED = 20


def charts(folder: Path, count: int) -> Iterator[tuple[Query, Box]]:
    """Draw the first charts, always the same ones.

    Args:
        folder: where the pictures are written.
        count: how many.

    Yields:
        A question for one box, and that box in xyxy pixels.
    """
    from PIL import Image

    from benchmarks.world.expressions import all_expressions
    from benchmarks.world.scenes import generate

    for number in range(count):
        scene = generate(_SEED, "test", number)
        found = all_expressions(scene.things, with_articles=True)
        largest = {int(np.argmax(scene.masks.sum((1, 2))))}
        named = [each for each in found["attribute"] if each.target in largest] or found["attribute"]
        expression = named[0] if named else found["superlative"][0]
        height, width = SIZES_HW[number % len(SIZES_HW)]
        path = folder / f"chart-{number:03d}.png"
        picture = np.repeat(np.repeat(scene.image, _SCALE, 0), _SCALE, 1)
        left, top = _corner(number, (height, width), picture.shape[0])
        canvas = np.empty((height, width, 3), dtype=np.uint8)
        canvas[:] = scene.image.mean((0, 1))
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        Image.fromarray(canvas).save(path)
        ys, xs = np.nonzero(scene.masks[expression.target])
        edges = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        x1, y1, x2, y2 = (float(_SCALE * edge) for edge in edges)
        text = expression.text
        query = Query(f"chart-{number:03d}", ImageRef(path, (height, width)), text, render(_PROMPT, text), "box")
        yield query, (x1 + left, y1 + top, x2 + left, y2 + top)


def _corner(number: int, size_hw: tuple[int, int], side: int) -> tuple[int, int]:
    """Where the scene begins on its canvas, x and y: at the left or top every other round, else at the far end."""
    far = (number // len(SIZES_HW)) % 2
    height, width = size_hw
    return (far * (width - side), far * (height - side))
