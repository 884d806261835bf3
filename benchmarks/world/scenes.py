"""Scenes of coloured shapes on a noisy background, exact to the pixel and deterministic by seed.

A scene holds 3 to 6 objects (up to 8 in the shifted split) that do not overlap. The first two drawn share a
shape, so that expressions need attributes, positions or relations to single one out.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

SIZE = 128
"""Side of every scene, in pixels."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "green": (50, 160, 60),
    "blue": (45, 85, 215),
    "yellow": (240, 215, 50),
    "purple": (130, 50, 165),
    "orange": (240, 135, 25),
    "pink": (245, 140, 190),
    "cyan": (45, 200, 215),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond")
SIZES = {"small": (8.0, 11.0), "large": (15.0, 21.0)}
"""Circumradius ranges, in pixels."""

HELD_OUT = frozenset(
    {
        ("red", "star"),
        ("green", "cross"),
        ("blue", "triangle"),
        ("yellow", "diamond"),
        ("purple", "circle"),
        ("cyan", "square"),
    }
)
"""Colour-shape pairs that only the shifted split shows."""

SplitName = Literal["train", "val", "test", "shifted"]
SPLIT_CODES: dict[SplitName, int] = {"train": 0, "val": 1, "test": 2, "shifted": 3}


@dataclass(frozen=True, slots=True)
class Thing:
    """One object: its names, its centre and circumradius in pixels, its outline as float [V, 2] xy pixels."""

    colour: str
    shape: str
    size: str
    x: float
    y: float
    radius: float
    outline: np.ndarray


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with exact truth: uint8 [128, 128, 3] RGB, its objects, and a bool [N, 128, 128] mask each."""

    image: np.ndarray
    things: tuple[Thing, ...]
    masks: np.ndarray


def _regular(corners: int, turn: float) -> np.ndarray:
    angles = turn + 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _star() -> np.ndarray:
    points = _regular(10, -np.pi / 2)
    points[1::2] *= 0.45
    return points


def _cross() -> np.ndarray:
    arm = 0.34
    xs = [-arm, arm, arm, 1, 1, arm, arm, -arm, -arm, -1, -1, -arm]
    ys = [-1, -1, -arm, -arm, arm, arm, 1, 1, arm, arm, -arm, -arm]
    return np.stack([xs, ys], axis=1) * 0.94


OUTLINES = {
    "circle": _regular(32, 0.0),
    "square": _regular(4, np.pi / 4),
    "triangle": _regular(3, -np.pi / 2),
    "star": _star(),
    "cross": _cross(),
    "diamond": _regular(4, 0.0) * np.array([0.72, 1.0]),
}
"""Corners of every shape, float [V, 2] xy within the unit circle."""


def rng_for(seed: int, split: SplitName, index: int) -> np.random.Generator:
    """Build the generator of one scene: the same scene for the same seed, split and index, on any machine."""
    return np.random.default_rng([seed, SPLIT_CODES[split], index])


def _kinds(rng: np.random.Generator, count: int, shifted: bool) -> list[tuple[str, str]]:
    """Draw colour and shape of each object; two share a shape, colours repeat on purpose."""
    palette = list(rng.permutation(list(COLOURS))[: max(2, count - 1)])
    allowed = [(c, s) for c in palette for s in SHAPES if (c, s) not in HELD_OUT]
    kinds = [allowed[int(i)] for i in rng.integers(len(allowed), size=count)]
    partners = [pair for pair in allowed if pair[1] == kinds[0][1]]
    kinds[1] = partners[int(rng.integers(len(partners)))]
    if shifted:
        held_out = sorted(HELD_OUT)
        kinds[2] = held_out[int(rng.integers(len(held_out)))]
    return [(str(colour), str(shape)) for colour, shape in kinds]


def _place(rng: np.random.Generator, radius: float, placed: list[Thing]) -> tuple[float, float] | None:
    """Find a centre whose circle stays inside the picture and touches no other, or None after 60 tries."""
    low, high = radius + 1.5, SIZE - radius - 1.5
    for x, y in rng.uniform(low, high, size=(60, 2)):
        if all((x - t.x) ** 2 + (y - t.y) ** 2 > (radius + t.radius + 1.0) ** 2 for t in placed):
            return float(x), float(y)
    return None


def draw_things(rng: np.random.Generator, shifted: bool) -> tuple[Thing, ...]:
    """Draw the objects of one scene; those that find no room are left out, at least three stay."""
    while True:
        count = int(rng.integers(6, 9)) if shifted else int(rng.integers(3, 7))
        placed: list[Thing] = []
        for colour, shape in _kinds(rng, count, shifted):
            size = "small" if rng.random() < 0.5 else "large"
            radius = float(rng.uniform(*SIZES[size]))
            centre = _place(rng, radius, placed)
            if centre is None:
                continue
            outline = np.round(OUTLINES[shape] * radius + np.array(centre), 2)
            placed.append(Thing(colour, shape, size, *centre, radius, outline))
        if len(placed) >= 3:
            return tuple(placed)


def _background(rng: np.random.Generator) -> np.ndarray:
    """Paint a grey-tinted linear gradient with pixel noise: float32 [128, 128, 3], 0 to 255."""
    start, end = rng.uniform(60, 190, size=(2, 1)) + rng.uniform(-18, 18, size=(2, 3))
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.linspace(-0.5, 0.5, SIZE, dtype=np.float32)
    mix = np.clip(ramp[None, :] * np.cos(angle) + ramp[:, None] * np.sin(angle) + 0.5, 0, 1)[..., None]
    canvas: np.ndarray = ((1 - mix) * start + mix * end).astype(np.float32)
    return canvas


def outline_masks(things: tuple[Thing, ...]) -> np.ndarray:
    """Rasterise outlines as pycocotools does for annotations: bool [N, 128, 128]."""
    return polygon_masks([thing.outline for thing in things])


def polygon_masks(outlines: Sequence[np.ndarray]) -> np.ndarray:
    """Rasterise polygons, float [V, 2] xy pixels each, as pycocotools does: bool [N, 128, 128]."""
    from pycocotools import mask as coco_mask

    polygons = [outline.ravel().tolist() for outline in outlines]
    encoded = coco_mask.frPyObjects(polygons, SIZE, SIZE)
    with warnings.catch_warnings():
        # pycocotools 2.0.11 builds its array in a way that NumPy 2 deprecates; the result is right.
        warnings.simplefilter("ignore", DeprecationWarning)
        masks: np.ndarray = coco_mask.decode(encoded).transpose(2, 0, 1) > 0
    return masks


def generate(seed: int, split: SplitName, index: int, most: int | None = None) -> Scene:
    """Generate one scene with its picture and masks.

    Args:
        seed: seed of the whole world.
        split: decides the random stream, and for "shifted" the harder rules.
        index: number of the scene within its split.
        most: how many objects stay at most; None for all. The scenes of the sample world's files have all of theirs.
    """
    rng = rng_for(seed, split, index)
    things = draw_things(rng, split == "shifted")
    if most is not None:
        things = tuple(things[int(row)] for row in rng.permutation(len(things))[:most])
    masks = outline_masks(things)
    canvas = _background(rng)
    for thing, mask in zip(things, masks, strict=True):
        colour = np.array(COLOURS[thing.colour], dtype=np.float32) * rng.uniform(0.88, 1.08)
        canvas[mask] = colour
    canvas += rng.normal(0, 5.0, size=canvas.shape).astype(np.float32)
    return Scene(np.clip(canvas, 0, 255).astype(np.uint8), things, masks)
