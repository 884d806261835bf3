"""Visual prompts as pixels: which shape and colour marks each region of a question, and the words that refer to it.

Shapes, colours, words and widths are those of ViP-LLaVA (arXiv 2312.00784); `tasks.models.visual_shapes` draws them. A
mark is drawn on a transparent layer of the photo's own size and laid over it, so that a pixel under it becomes
alpha / 255 * colour + (1 - alpha / 255) * pixel; regions are laid over one another in their order.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.schema import Region

if TYPE_CHECKING:
    from PIL import Image

Rgb = tuple[int, int, int]
COLOURS: dict[str, Rgb] = {
    "red": (255, 0, 0),
    "lime": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "fuchsia": (255, 0, 255),
    "aqua": (0, 255, 255),
    "orange": (255, 165, 0),
    "purple": (128, 0, 128),
    "gold": (255, 215, 0),
}
WORDS = {
    "rectangle": "within",
    "ellipse": "within",
    "triangle": "with",
    "point": "at",
    "scribble": "with",
    "mask contour": "with",
    "mask": "with",
    "arrow": "pointed to by",
}
"""Shape -> the word before its name."""
OWN_SHAPES = {"box": "rectangle", "point": "point", "scribble": "scribble", "mask": "mask contour"}
"""Kind of a region -> the shape that shows it as it is."""
AUTO, RANDOM = "auto", "random"
_RANDOM_ALPHA, _RANDOM_ALPHA_OF_MASK = (96, 255), (48, 128)


@dataclass(frozen=True)
class Style:
    """How regions are marked.

    Attributes:
        shape: a key of WORDS; "auto" for the one that shows each region as it is; "random" draws one for each region.
        colour: a key of COLOURS for the first region, those after it for further ones; "random" draws distinct ones.
        alpha: 0 (nothing is seen) to 255 (it covers); None draws one for each region as in training.
        random_widths: draw widths from the ranges of training; else the fixed ones of its evaluation.
        anchor: side of the model's square input, to which widths are relative.
    """

    shape: str = AUTO
    colour: str = "red"
    alpha: int | None = 128
    random_widths: bool = False
    anchor: int = 336


@dataclass(frozen=True)
class Mark:
    """What marks one region: shape, colour and its name (empty where it has none), alpha."""

    shape: str
    name: str
    rgb: Rgb
    alpha: int

    def words(self, coloured: bool = True) -> str:
        """Refer to it: `within the red rectangle`."""
        colour = f"{self.name} " if coloured and self.name else ""
        return f"{WORDS[self.shape]} the {colour}{self.shape}"


def choose(regions: Sequence[Region], style: Style, seed: int) -> list[Mark]:
    """Choose a mark for every region: colours differ while named ones are left, then they have no name.

    Args:
        regions: of one question.
        style: how to mark.
        seed: of the sample; the same one always chooses the same marks.
    """
    draw = random.Random(seed)
    shapes = [_shape(region, style, draw) for region in regions]
    names = list(COLOURS)
    if style.colour == RANDOM:
        draw.shuffle(names)
    else:
        first = names.index(style.colour)
        names = names[first:] + names[:first]
    return [_mark(shape, names, place, style, draw) for place, shape in enumerate(shapes)]


def draw_all(
    image: "Image.Image", regions: Sequence[Region], marks: Sequence[Mark], style: Style, seed: int
) -> "Image.Image":
    """Lay the marks over a photo, in order.

    Args:
        image: RGB.
        regions: what is marked, in pixels of the photo.
        marks: theirs, from `choose`.
        style: widths.
        seed: of the sample: random places of a shape are drawn from it.
    """
    from PIL import Image

    from tasks.models.visual_shapes import draw

    seen = image.convert("RGBA")
    for place, (region, mark) in enumerate(zip(regions, marks, strict=True)):
        layer = draw(image.size, region, mark, style, random.Random(seed * len(COLOURS) + place))
        seen = Image.alpha_composite(seen, layer)
    return seen.convert("RGB")


def _shape(region: Region, style: Style, draw: random.Random) -> str:
    if style.shape == AUTO:
        return OWN_SHAPES[region.kind]
    return draw.choice(list(WORDS)) if style.shape == RANDOM else style.shape


def _mark(shape: str, names: Sequence[str], place: int, style: Style, draw: random.Random) -> Mark:
    low, high = _RANDOM_ALPHA_OF_MASK if shape == "mask" else _RANDOM_ALPHA
    alpha = draw.randint(low, high) if style.alpha is None else style.alpha
    if place < len(names):
        return Mark(shape, names[place], COLOURS[names[place]], alpha)
    return Mark(shape, "", (draw.randrange(256), draw.randrange(256), draw.randrange(256)), alpha)
