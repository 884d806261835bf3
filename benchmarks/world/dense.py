"""Scenes where every pixel has a truth: ground and sky, shapes and people that stand on it, depth, who hides whom.

Objects stand upright on a ground plane, so what is farther is smaller and higher up; nearer ones hide farther ones. The
ground recedes to the horizon and is cut off at 10 m, where the backdrop stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmarks.world.figure import Figure, draw_figure, paint, visibility
from benchmarks.world.scenes import COLOURS, HELD_OUT, OUTLINES, SHAPES, SIZE, SPLIT_CODES, SplitName, polygon_masks

THINGS = ("person", *SHAPES)
BACKDROPS: Mapping[str, tuple[int, int, int]] = {"sky": (150, 190, 235), "wall": (196, 182, 160)}
GROUNDS: Mapping[str, tuple[int, int, int]] = {
    "grass": (96, 140, 70),
    "sand": (222, 200, 140),
    "water": (70, 120, 160),
    "road": (120, 120, 124),
}
STUFF = (*BACKDROPS, *GROUNDS)
TEXTURES = ("plain", "striped", "dotted")
FAR_M, NEAR_M = 10.0, 2.0
SHARE = 0.4
"""Dense scenes per referring scene of a split."""
_PIXELS_PER_RADIUS, _PIXELS_PER_HEIGHT = 52.0, 140.0
"""Apparent size at one metre of a shape of radius 1 and of a person."""
_LEAST_RADIUS, _LEAST_HEIGHT, _LEAST_SHOWN = 6.0, 26.0, 0.4


@dataclass(frozen=True, slots=True)
class DenseObject:
    """One thing: what it is, how far, and where it shows.

    Attributes:
        category: one of THINGS.
        colour: of the shape, or of the person's shirt.
        texture: one of TEXTURES; a person's is plain.
        depth_m: metres.
        mask: bool [S, S], pixels that show, without what nearer objects hide.
        whole: bool [S, S], all its pixels.
        keypoints: float [17, 3], x, y in pixels and COCO visibility; None for a shape.
    """

    category: str
    colour: str
    texture: str
    depth_m: float
    mask: np.ndarray
    whole: np.ndarray
    keypoints: np.ndarray | None = None

    @property
    def box_xywh(self) -> tuple[int, int, int, int]:
        """The box around the pixels that show."""
        rows, columns = np.flatnonzero(self.mask.any(1)), np.flatnonzero(self.mask.any(0))
        left, top = int(columns[0]), int(rows[0])
        return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


@dataclass(frozen=True, slots=True)
class DenseScene:
    """A picture with a truth for every pixel.

    Attributes:
        image: uint8 [S, S, 3] RGB.
        objects: from far to near.
        stuff: uint8 [S, S], index into STUFF of what lies behind the objects.
        depth_m: float32 [S, S], metres, everywhere known.
    """

    image: np.ndarray
    objects: tuple[DenseObject, ...]
    stuff: np.ndarray
    depth_m: np.ndarray

    def stuff_mask(self, name: str) -> np.ndarray:
        """Where a stuff shows: bool [S, S], all False where it is not in the scene."""
        hidden = np.any([each.mask for each in self.objects], axis=0)
        return np.asarray((self.stuff == STUFF.index(name)) & ~hidden)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A thing before it is known what hides it."""

    category: str
    colour: str
    texture: str
    depth_m: float
    pixels: np.ndarray
    mask: np.ndarray
    figure: Figure | None


def numbered(seed: int, scenes: Mapping[SplitName, int], split: SplitName) -> list[tuple[int, DenseScene]]:
    """The dense scenes of one split with their image ids, which no other split uses.

    Args:
        seed: of the world.
        scenes: number of referring scenes per split; a split that is not in it has no dense scene.
        split: which.
    """
    wanted = scenes.get(split, 0)
    count = max(2, round(SHARE * wanted)) if wanted else 0
    return [(10_000 * SPLIT_CODES[split] + index + 1, generate_dense(seed, split, index)) for index in range(count)]


@lru_cache(maxsize=512)
def generate_dense(seed: int, split: SplitName, index: int) -> DenseScene:
    """Generate one scene: the same for the same arguments, on any machine.

    Args:
        seed: seed of the whole world.
        split: decides the random stream, and for "shifted" the harder rules.
        index: number of the scene within its split.
    """
    rng = np.random.default_rng([seed, 9, SPLIT_CODES[split], index])
    horizon = int(rng.integers(SIZE // 4, SIZE // 2))
    stuff = _stuff(rng, horizon)
    ground = _ground_depth(horizon)
    while (objects := _objects(rng, split == "shifted", ground)) is None:
        pass
    canvas, depth = _background(rng, stuff), ground[:, None].repeat(SIZE, axis=1)
    for placed in objects:
        canvas[placed.mask] = placed.pixels[placed.mask]
        depth[placed.mask] = placed.depth_m
    canvas += rng.normal(0, 4.0, size=canvas.shape).astype(np.float32)
    return DenseScene(np.clip(canvas, 0, 255).astype(np.uint8), _seen(objects), stuff, depth.astype(np.float32))


def _stuff(rng: np.random.Generator, horizon: int) -> np.ndarray:
    """Index into STUFF of every pixel: a backdrop above the horizon, one or two grounds below."""
    labels = np.full((SIZE, SIZE), int(rng.integers(len(BACKDROPS))), dtype=np.uint8)
    first, second = len(BACKDROPS) + rng.permutation(len(GROUNDS))[:2]
    labels[horizon:] = first
    if rng.random() < 0.6:
        rows, columns = np.mgrid[:SIZE, :SIZE]
        edge = rng.uniform(0.25, 0.75) * SIZE + rng.uniform(-0.5, 0.5) * (rows - horizon)
        labels[(rows >= horizon) & (columns > edge)] = second
    return labels


def _ground_depth(horizon: int) -> np.ndarray:
    """Metres of every row, float64 [S]: a plane that is nearest at the lower edge, cut off at the backdrop."""
    rows = np.arange(SIZE, dtype=np.float64)
    below = np.maximum(rows - horizon, 1e-9)
    return np.asarray(np.where(rows <= horizon, FAR_M, np.minimum(FAR_M, NEAR_M * (SIZE - 1 - horizon) / below)))


def _background(rng: np.random.Generator, stuff: np.ndarray) -> np.ndarray:
    """Colours of the stuff, each with a pattern of its own: float32 [S, S, 3]."""
    palette = np.array([*BACKDROPS.values(), *GROUNDS.values()], dtype=np.float32)
    canvas = palette[stuff] * rng.uniform(0.9, 1.08)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    waves = {
        "wall": ((rows // 6) + (columns // 12)) % 2 * 10.0,
        "grass": rng.normal(0, 14.0, size=stuff.shape),
        "water": 10.0 * np.sin(rows * 1.1 + np.sin(columns * 0.2)),
        "road": ((columns - rows) // 16) % 2 * 8.0,
    }
    for name, wave in waves.items():
        canvas += np.where(stuff == STUFF.index(name), wave, 0.0).astype(np.float32)[..., None]
    return np.asarray(canvas)


def _objects(rng: np.random.Generator, shifted: bool, ground: np.ndarray) -> list[_Placed] | None:
    """Place things from far to near; None where one of them would hardly show."""
    people = int(rng.integers(1, 4)) if shifted else int(rng.choice([0, 1, 1, 2]))
    shapes = int(rng.integers(4, 6)) if shifted else int(rng.integers(2, 5))
    placed = [_person(rng, ground) for _ in range(people)] + [
        _shape(rng, ground, shifted and k == 0) for k in range(shapes)
    ]
    ordered = sorted(placed, key=lambda each: -each.depth_m)
    for place, each in enumerate(ordered):
        hidden = np.any([nearer.mask for nearer in ordered[place + 1 :]], axis=0)
        if (each.mask & ~hidden).sum() < max(_LEAST_SHOWN * each.mask.sum(), 30):
            return None
    return ordered


def _stand(rng: np.random.Generator, ground: np.ndarray, scale: float, least: float, top: float) -> tuple[int, float]:
    """Choose a row to stand on where the apparent size is large enough and the thing fits below the upper edge."""
    rows = np.flatnonzero((scale / ground >= least) & (top * scale / ground < np.arange(SIZE) - 1))
    row = int(rng.choice(rows[rows < SIZE - 2]))
    return row, float(ground[row])


def _shape(rng: np.random.Generator, ground: np.ndarray, held_out: bool) -> _Placed:
    pairs = sorted(HELD_OUT) if held_out else [(c, s) for c in COLOURS for s in SHAPES if (c, s) not in HELD_OUT]
    colour, shape = pairs[int(rng.integers(len(pairs)))]
    size = rng.uniform(0.55, 0.7) if rng.random() < 0.5 else rng.uniform(0.85, 1.0)
    row, depth_m = _stand(rng, ground, size * _PIXELS_PER_RADIUS, _LEAST_RADIUS, 2.0)
    radius = size * _PIXELS_PER_RADIUS / depth_m
    x = rng.uniform(radius + 1, SIZE - radius - 1)
    mask = polygon_masks([OUTLINES[shape] * radius + (x, row - radius)])[0]
    texture = TEXTURES[int(rng.integers(len(TEXTURES)))]
    pixels = np.array(COLOURS[colour], dtype=np.float32) * rng.uniform(0.88, 1.08) * _shade(texture)[..., None]
    return _Placed(
        colour=colour, category=shape, texture=texture, depth_m=depth_m, pixels=pixels, mask=mask, figure=None
    )


def _person(rng: np.random.Generator, ground: np.ndarray) -> _Placed:
    colour = list(COLOURS)[int(rng.integers(len(COLOURS)))]
    while True:
        row, depth_m = _stand(rng, ground, _PIXELS_PER_HEIGHT, _LEAST_HEIGHT, 1.05)
        height = _PIXELS_PER_HEIGHT / depth_m
        figure = draw_figure(rng, rng.uniform(0.3 * height, SIZE - 0.3 * height), row, height)
        if figure.joints_xy.min() >= 1 and figure.joints_xy.max() <= SIZE - 2:
            break
    pixels, mask = paint(figure, COLOURS[colour], SIZE)
    return _Placed("person", colour, "plain", depth_m, pixels.astype(np.float32), mask, figure)


def _shade(texture: str) -> np.ndarray:
    """Brightness of a texture, float64 [S, S] around 1."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    if texture == "striped":
        return np.where((rows + columns) // 3 % 2 == 0, 1.0, 0.72)
    if texture == "dotted":
        return np.where((rows % 5 < 2) & (columns % 5 < 2), 0.6, 1.0)
    return np.ones((SIZE, SIZE))


def _seen(placed: list[_Placed]) -> tuple[DenseObject, ...]:
    """Work out what shows of each thing; they come from far to near."""
    objects = []
    for place, each in enumerate(placed):
        shown = ~np.any([nearer.mask for nearer in placed[place + 1 :]] or [np.zeros_like(each.mask)], axis=0)
        joints = None
        if each.figure is not None:
            flags = visibility(each.figure, shown)
            joints = np.column_stack([np.where(flags[:, None] > 0, each.figure.joints_xy, 0), flags])
        objects.append(
            DenseObject(each.category, each.colour, each.texture, each.depth_m, each.mask & shown, each.mask, joints)
        )
    return tuple(objects)
