"""Visual prompts over a picture: what a person drew to ask about a place."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from results.report.arguments import numbers
from results.report.canvas import Canvas, Place
from results.report.draw import Mask, draw_boxes, draw_masks, draw_points, is_mask, is_visible
from results.report.palette import WHITE, Colour

PROMPT: Colour = (255, 0, 200)
"""A colour that neither objects nor the palette have."""


def draw_prompt(
    canvas: Canvas,
    kind: Literal["point", "box", "scribble", "mask"],
    shape: "ArrayLike | Mask",
    label: str = "",
) -> None:
    """Draw a visual prompt: what a person drew to ask about a place.

    Args:
        canvas: to draw on.
        kind: what was drawn.
        shape: of a box float [4], xyxy; of points float [N, 2]; of a scribble float [N, 2], the way of the pen; of a
            mask the mask. The pixels of points or a scribble may be given as a mask instead.
        label: written beside it.

    Raises:
        ValueError: the shape is another one.
    """
    if kind == "box":
        draw_boxes(canvas, np.asarray(shape, dtype=np.float64)[None], [label] if label else (), colours=[PROMPT])
    elif kind == "mask" or is_mask(shape):
        mask: Any = shape
        whole = kind == "mask"
        draw_masks(canvas, [mask], [label] if label else (), [PROMPT], 0.15 if whole else 1.0, contours=whole)
    elif kind == "point":
        points = numbers(shape, 2, "points_xy")
        draw_points(canvas, points, [label] + [""] * (len(points) - 1) if label else (), [PROMPT] * len(points))
    else:
        _draw_scribble(canvas, numbers(shape, 2, "a scribble"), label)


def _draw_scribble(canvas: Canvas, path: NDArray[np.float64], label: str) -> None:
    inside = path[[is_visible(canvas, point) for point in path]] if len(path) else path
    if len(inside) < len(path):
        canvas.note("a point outside the picture is left out")
    if len(inside):
        canvas.stroke(inside.tolist(), canvas.line_px + 2, WHITE)
        canvas.stroke(inside.tolist(), canvas.line_px + 1, PROMPT)
    if label and len(inside):
        x, y = np.rint(canvas.to_canvas(inside[:1])[0]).astype(int).tolist()
        canvas.label(label, Place((x, y, x + 1, y + 1)), PROMPT)
