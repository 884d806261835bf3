"""Poses over a picture: joints and the bones between them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from results.report.arguments import colours_for, numbers, texts
from results.report.canvas import Canvas, Place
from results.report.draw import draw_disc, is_visible
from results.report.palette import BLACK, WHITE, Colour
from results.report.skeletons import BY_JOINTS, Edges


def draw_poses(
    canvas: Canvas,
    poses: Sequence[ArrayLike],
    edges: Edges | None = None,
    labels: Sequence[str] = (),
    colours: Sequence[Colour] = (),
    hidden_below: float = 0.0,
) -> None:
    """Draw poses: a line for each bone whose two joints are there, and a disc for each joint.

    Args:
        canvas: to draw on.
        poses: each float [K, 3]: x, y and a visibility or score; a joint with 0 or less is not drawn.
        edges: pairs of joints; by default the skeleton of COCO for 17 joints, of MPII for 16, none for others.
        labels: one for each pose, or none.
        colours: likewise; by default those of the palette, in turn.
        hidden_below: joints whose third number is lower are drawn as rings; 2 for COCO's visibilities, where 1 is a
            joint that something hides.

    Raises:
        ValueError: a pose is not [K, 3], an edge names a joint there is not, or another number of labels or colours.
    """
    words, inks = texts(labels, (), len(poses)), colours_for(colours, len(poses))
    for place, each in enumerate(poses):
        pose = numbers(each, 3, "a pose")
        bones = BY_JOINTS.get(len(pose), ()) if edges is None else edges
        if any(not 0 <= end < len(pose) for bone in bones for end in bone):
            raise ValueError(f"an edge names a joint that a pose of {len(pose)} joints does not have")
        here = _draw_pose(canvas, pose, bones, inks[place], hidden_below)
        if words[place] and len(here):
            low, high = (
                canvas.to_canvas(here[:, :2].min(axis=0)[None])[0],
                canvas.to_canvas(here[:, :2].max(axis=0)[None])[0],
            )
            box = (int(low[0]), int(low[1]), int(high[0]) + 1, int(high[1]) + 1)
            canvas.label(words[place], Place(box), inks[place])


def _draw_pose(
    canvas: Canvas, pose: NDArray[np.float64], bones: Edges, colour: Colour, hidden_below: float
) -> NDArray[np.float64]:
    """Draw one pose; returns the joints that are there, [M, 3]."""
    claimed = [bool(joint[2] > 0) for joint in pose]
    there = [said and is_visible(canvas, joint[:2]) for said, joint in zip(claimed, pose, strict=True)]
    if claimed != there:
        canvas.note("a joint outside the picture is left out")
    for first, second in bones:
        if there[first] and there[second]:
            canvas.stroke(pose[[first, second], :2], canvas.line_px + 1, BLACK)
            canvas.stroke(pose[[first, second], :2], canvas.line_px, colour)
    for joint in pose[there]:
        draw_disc(canvas, joint[:2], canvas.line_px + 0.5, WHITE if joint[2] < hidden_below else colour, colour)
    return pose[there]
