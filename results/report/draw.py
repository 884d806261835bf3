"""Boxes, masks and points over a picture; `poses`, `prompts` and `maps` beside this file draw the rest.

    canvas = Canvas(image, scale_between(size_hw, least_px=384))
    draw_boxes(canvas, [(12, 8, 60, 44)], labels=["red circle"], scores=[0.93])
    canvas.picture().save("overlay.png")

Every function draws what can be drawn; what is not finite, empty or outside the picture is left out or cut off, and
`canvas.notes` says so. Only arrays of a wrong shape raise ValueError.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics import masks as run_lengths
from results.report.arguments import colours_for, numbers, texts
from results.report.canvas import Canvas, Pixels, Place
from results.report.palette import BLACK, WHITE, Colour

Mask = NDArray[np.bool_] | Mapping[str, Any]
"""bool [H, W], or a compressed COCO run-length mask."""
_DASH_PX = 4


def draw_boxes(
    canvas: Canvas,
    boxes_xyxy: ArrayLike,
    labels: Sequence[str] = (),
    scores: Sequence[float | None] = (),
    colours: Sequence[Colour] = (),
    dashed: bool = False,
) -> None:
    """Draw boxes; the outermost pixels of a line are the outermost ones inside its box.

    Args:
        canvas: to draw on.
        boxes_xyxy: float [N, 4], pixels of the original.
        labels: one for each box, or none.
        scores: likewise; shown behind the label.
        colours: likewise; by default those of the palette, in turn.
        dashed: broken lines, with white between, such as for the truth below an answer.

    Raises:
        ValueError: not [N, 4], or another number of labels, scores or colours.
    """
    boxes = numbers(boxes_xyxy, 4, "boxes_xyxy")
    words, inks = texts(labels, scores, len(boxes)), colours_for(colours, len(boxes))
    edges: list[tuple[Pixels, int]] = []
    for place, box in enumerate(boxes):
        if not np.isfinite(box).all() or box[2] < box[0] or box[3] < box[1]:
            canvas.note("a box that is none is left out")
        elif _is_outside(canvas, box):
            canvas.note("a box outside the picture is left out")
        else:
            edges.append((_draw_box(canvas, box, inks[place], dashed), place))
    for pixels, place in edges:
        if words[place]:
            canvas.label(words[place], Place(pixels), inks[place])


def draw_masks(
    canvas: Canvas,
    masks: Sequence[Mask],
    labels: Sequence[str] = (),
    colours: Sequence[Colour] = (),
    alpha: float = 0.5,
    contours: bool = True,
) -> None:
    """Tint exactly the pixels of masks; each has its outline, white and then coloured, on its own outermost pixels.

    Args:
        canvas: to draw on.
        masks: at the size of the original; others are stretched over it, and a note says so.
        labels: one for each mask, or none; written in the middle of the mask.
        colours: likewise; by default those of the palette, in turn.
        alpha: 0 leaves the picture as it is, 1 hides it.
        contours: whether outlines are drawn.

    Raises:
        ValueError: an array is not bool [H, W], alpha is not in 0..1, or another number of labels or colours.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be from 0 to 1, got {alpha}")
    words, inks = texts(labels, (), len(masks)), colours_for(colours, len(masks))
    shown = [_bool_map(canvas, mask) for mask in masks]
    for place, mask in enumerate(shown):
        if not mask.any():
            canvas.note("an empty mask is left out")
        canvas.fill(mask, inks[place], alpha)
    for place, mask in enumerate(shown):
        if contours:
            canvas.fill(outline(mask, canvas.line_px // 2 + 2), inks[place])
            canvas.fill(outline(mask), WHITE)
    for place, mask in enumerate(shown):
        if words[place] and mask.any():
            canvas.label(words[place], Place(around(mask), centred=True), inks[place])


def draw_points(
    canvas: Canvas, points_xy: ArrayLike, labels: Sequence[str] = (), colours: Sequence[Colour] = ()
) -> None:
    """Draw points as discs with a white rim around them, float [N, 2].

    Raises:
        ValueError: not [N, 2], or another number of labels or colours.
    """
    points = numbers(points_xy, 2, "points_xy")
    words, inks = texts(labels, (), len(points)), colours_for(colours, len(points))
    radius = canvas.line_px + 2
    for place, point in enumerate(points):
        if not is_visible(canvas, point):
            canvas.note("a point outside the picture is left out")
            continue
        draw_disc(canvas, point, radius, inks[place])
        if words[place]:
            x, y = np.rint(canvas.to_canvas(point[None])[0]).astype(int).tolist()
            canvas.label(
                words[place], Place((x - 2 * radius, y - 2 * radius, x + 2 * radius, y + 2 * radius)), inks[place]
            )


def outline(mask: NDArray[np.bool_], thickness_px: int = 1) -> NDArray[np.bool_]:
    """The pixels of a mask within a distance (in steps to the four sides) of what is not in it; the border is not."""
    inner = mask
    for _ in range(thickness_px):
        padded = np.pad(inner, 1, constant_values=True)
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def around(mask: NDArray[np.bool_]) -> Pixels:
    """A small box at the pixel of a mask, not empty, that is nearest to its centre of mass."""
    rows, columns = np.nonzero(mask)
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    x, y = int(columns[nearest]), int(rows[nearest])
    return x, y, x + 1, y + 1


def draw_disc(canvas: Canvas, point: NDArray[np.float64], radius: float, colour: Colour, rim: Colour = WHITE) -> None:
    """Draw a disc with a rim around a point of the picture, [2]; the radius is in pixels of the canvas."""
    canvas.stroke([point.tolist()], radius + 1.5, BLACK if rim == WHITE else rim)
    canvas.stroke([point.tolist()], radius + 1, rim)
    canvas.stroke([point.tolist()], radius, colour)


def is_mask(shape: object) -> bool:
    """Whether something is a mask, in either form."""
    return isinstance(shape, Mapping) or (isinstance(shape, np.ndarray) and shape.dtype == np.bool_)


def is_visible(canvas: Canvas, point: NDArray[np.float64]) -> bool:
    """Whether a point, [2], is finite and on the picture or its edge."""
    height, width = canvas.size_hw
    return bool(np.isfinite(point).all() and 0 <= point[0] <= width and 0 <= point[1] <= height)


def _draw_box(canvas: Canvas, box: NDArray[np.float64], colour: Colour, dashed: bool) -> Pixels:
    """Draw the four edges; returns what they enclose."""
    (left, top), (right, bottom) = np.rint(canvas.to_canvas(box.reshape(2, 2))).tolist()
    height, width = canvas.shown_hw
    x1, y1 = int(np.clip(left, -width, width)), int(np.clip(top, -height, height))
    x2, y2 = int(np.clip(right, x1 + 1, 2 * width + 1)), int(np.clip(bottom, y1 + 1, 2 * height + 1))
    if min(x1, y1) < 0 or x2 > width or y2 > height:
        canvas.note("a box is cut off where the picture ends")
    thick = min(canvas.line_px, (x2 - x1 + 1) // 2, (y2 - y1 + 1) // 2)
    edges: list[Pixels] = [
        (x1, y1, x2, y1 + thick), (x1, y2 - thick, x2, y2), (x1, y1, x1 + thick, y2), (x2 - thick, y1, x2, y2),
    ]  # fmt: skip
    for edge in edges:
        canvas.fill_box(edge, WHITE if dashed else colour)
    for dash in [dash for edge in edges for dash in _dashes(edge, _DASH_PX * canvas.line_px)] if dashed else ():
        canvas.fill_box(dash, colour)
    return x1, y1, x2, y2


def _dashes(edge: Pixels, step: int) -> list[Pixels]:
    """Every other piece of an edge, each `step` long."""
    left, top, right, bottom = edge
    if right - left > bottom - top:
        return [(start, top, min(start + step, right), bottom) for start in range(left, right, 2 * step)]
    return [(left, start, right, min(start + step, bottom)) for start in range(top, bottom, 2 * step)]


def _bool_map(canvas: Canvas, mask: Mask) -> NDArray[np.bool_]:
    """A mask at the size of the canvas."""
    plane = run_lengths.decode(mask) if isinstance(mask, Mapping) else mask
    if plane.dtype != np.bool_ or plane.ndim != 2 or not plane.size:
        raise ValueError(f"a mask must be bool [H, W], got {plane.dtype} {plane.shape}")
    return canvas.enlarge(plane).astype(np.bool_)


def _is_outside(canvas: Canvas, box: NDArray[np.float64]) -> bool:
    height, width = canvas.size_hw
    return bool(box[0] >= width or box[1] >= height or box[2] <= 0 or box[3] <= 0)
