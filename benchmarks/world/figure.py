"""Jointed figures: people with the 17 joints of COCO in random poses, drawn as limbs, trunk and head."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""COCO order."""
SKELETON = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10), (9, 11),
    (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip
"""Pairs of joints, counted from 1 as COCO does."""
SKIN, HAIR, TROUSERS = (228, 184, 150), (70, 45, 30), (60, 60, 75)
_FACE = 3
"""Joints of the face that a figure seen from behind does not show: nose and eyes."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A person.

    Attributes:
        joints_xy: float [17, 2], pixels.
        height: from sole to crown, pixels.
        back: seen from behind: nose and eyes are not there to be labelled.
    """

    joints_xy: np.ndarray
    height: float
    back: bool


def draw_figure(rng: np.random.Generator, x: float, y: float, height: float) -> Figure:
    """Pose a figure that stands with its feet around (x, y), pixels."""
    back = bool(rng.random() < 0.3)
    unit = np.zeros((17, 2))
    unit[0] = 0, -0.90
    unit[1:5] = (0.035, -0.925), (-0.035, -0.925), (0.075, -0.91), (-0.075, -0.91)
    unit[5:7] = (0.125, -0.79), (-0.125, -0.79)
    unit[11:13] = (0.075, -0.47), (-0.075, -0.47)
    for side, first in ((1, 0), (-1, 1)):
        upper = rng.uniform(0.0, 2.6)
        lower = upper + rng.uniform(-0.9, 0.9)
        unit[7 + first] = unit[5 + first] + 0.16 * _turned(side, upper)
        unit[9 + first] = unit[7 + first] + 0.15 * _turned(side, lower)
        thigh = rng.uniform(0.0, 0.45)
        unit[13 + first] = unit[11 + first] + 0.23 * _turned(side, thigh)
        unit[15 + first] = unit[13 + first] + 0.22 * _turned(side, thigh * rng.uniform(-0.3, 0.8))
    if back:
        unit[:, 0] *= -1
    unit[:, 1] -= unit[15:17, 1].max()
    return Figure(np.round(unit * height + (x, y), 2), height, back)


def paint(figure: Figure, shirt: tuple[int, int, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a figure: uint8 [S, S, 3] colours and bool [S, S] mask."""
    canvas = Image.new("RGB", (size, size))
    mask = Image.new("1", (size, size))
    for brush, colour in ((ImageDraw.Draw(canvas), True), (ImageDraw.Draw(mask), False)):
        _paint(brush, figure, (shirt, SKIN, HAIR, TROUSERS) if colour else (1, 1, 1, 1))
    return np.asarray(canvas), np.asarray(mask)


def _paint(brush: ImageDraw.ImageDraw, figure: Figure, colours: tuple[int | tuple[int, int, int], ...]) -> None:
    shirt, skin, hair, trousers = colours
    xy, wide = figure.joints_xy, figure.height * 0.075
    for hip, knee, ankle in ((11, 13, 15), (12, 14, 16)):
        _limb(brush, xy[[hip, knee, ankle]], wide, trousers)
    trunk = [tuple(xy[joint]) for joint in (5, 6, 12, 11)]
    brush.polygon(trunk, fill=shirt)
    _limb(brush, xy[[5, 6, 12, 11, 5]], wide, shirt)
    for shoulder, elbow, wrist in ((5, 7, 9), (6, 8, 10)):
        _limb(brush, xy[[shoulder, elbow]], wide * 0.8, shirt)
        _limb(brush, xy[[elbow, wrist]], wide * 0.8, skin)
    x, y = (xy[3] + xy[4]) / 2
    radius = figure.height * 0.085
    brush.line([(x, y), tuple((xy[5] + xy[6]) / 2)], fill=skin, width=max(1, round(wide * 0.7)))
    brush.ellipse([x - radius, y - radius, x + radius, y + radius], fill=hair)
    if not figure.back:
        brush.ellipse([x - radius * 0.8, y - radius * 0.6, x + radius * 0.8, y + radius], fill=skin)


def visibility(figure: Figure, shown: np.ndarray) -> np.ndarray:
    """COCO flags, int [17]: 2 where the joint lies on a shown pixel, 1 where something hides it, 0 for a hidden face.

    Args:
        figure: the person.
        shown: bool [S, S], pixels at which no nearer object stands.
    """
    size = len(shown)
    columns, rows = np.clip(np.round(figure.joints_xy).astype(int), 0, size - 1).T
    flags = np.where(shown[rows, columns], 2, 1)
    if figure.back:
        flags[:_FACE] = 0
    return flags


def _turned(side: int, angle: float) -> np.ndarray:
    """Direction that hangs down at angle 0 and points to a side at a quarter turn."""
    return np.array([side * np.sin(angle), np.cos(angle)])


def _limb(brush: ImageDraw.ImageDraw, points: np.ndarray, width: float, colour: int | tuple[int, int, int]) -> None:
    """A thick line with round ends and corners."""
    radius = max(width / 2, 0.8)
    brush.line([tuple(point) for point in points], fill=colour, width=max(1, round(width)))
    for x, y in points:
        brush.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
