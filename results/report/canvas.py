"""A picture to draw on in the coordinates of the original image, whatever size it is shown at.

Coordinates are continuous pixels of the original: (0, 0) is its upper left corner, (0.5, 0.5) the middle of its first
pixel. What is not finite or lies outside is left out or cut off, and `notes` says so: drawing never fails for numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from results.report import lettering
from results.report.palette import Colour, ink_on

Pixels = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the canvas; right and bottom are the first ones outside."""
_PAD = 3
_FAR_PX = 1e6
"""Corners of lines are not taken further outside than this, so that their squares stay numbers."""


def scale_between(size_hw: tuple[int, int], least_px: int = 0, most_px: int | None = None) -> float:
    """How much to magnify: the smallest whole number that makes the longer side `least_px`, at most `most_px`.

    A whole number keeps every pixel of a mask a square. A picture that is larger than `most_px` is made smaller.
    """
    longer = max(size_hw)
    whole = max(1, -(-least_px // longer))
    return whole if most_px is None or whole * longer <= most_px else most_px / longer


@dataclass(frozen=True, slots=True)
class Place:
    """A spot that a label belongs to: the box around what it names, in pixels of the canvas."""

    box: Pixels
    centred: bool = False
    """Whether it is written in the middle instead of above."""


class Canvas:
    """A picture that grows layer by layer; `picture()` returns it.

    Attributes:
        size_hw: of the original image.
        pixels: what is shown: uint8 [h, w, 3].
        notes: what could not be drawn as asked, in words.
    """

    def __init__(self, image: "Image.Image | NDArray[np.uint8]", scale: float = 1.0) -> None:
        """Begin with an image.

        Args:
            image: RGB, or uint8 [H, W, 3].
            scale: pixels of the canvas for one of the image, above 0; each side is at least one pixel.

        Raises:
            ValueError: the array is no RGB picture, or the scale is not above 0.
        """
        if isinstance(image, np.ndarray) and (image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3):
            raise ValueError(f"image must be uint8 [H, W, 3], got {image.dtype} {image.shape}")
        if not 0 < scale < float("inf"):
            raise ValueError(f"scale must be above 0, got {scale}")
        source = Image.fromarray(image) if isinstance(image, np.ndarray) else image.convert("RGB")
        self.size_hw = (source.height, source.width)
        shown = (max(1, round(source.width * scale)), max(1, round(source.height * scale)))
        resized = source if shown == source.size else source.resize(shown, Image.Resampling.LANCZOS)
        self.pixels: NDArray[np.uint8] = np.array(resized, dtype=np.uint8)
        self.notes: list[str] = []
        self._taken: list[Pixels] = []

    @property
    def shown_hw(self) -> tuple[int, int]:
        """Size in pixels of the canvas."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def text_px(self) -> int:
        """Size of the font of labels, which follows the size of the canvas."""
        return int(np.clip(round(min(self.shown_hw) / 24), 11, 24))

    @property
    def line_px(self) -> int:
        """Thickness of lines."""
        return int(np.clip(round(min(self.shown_hw) / 96), 1, 4))

    def picture(self) -> Image.Image:
        """What was drawn, RGB."""
        return Image.fromarray(self.pixels)

    def note(self, text: str) -> None:
        """Say once that something is not shown as asked."""
        if text not in self.notes:
            self.notes.append(text)

    def to_canvas(self, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn points of the original, float [N, 2], into those of the canvas."""
        height, width = self.size_hw
        return points_xy * (self.shown_hw[1] / width, self.shown_hw[0] / height)

    def enlarge(self, plane: NDArray[np.generic]) -> NDArray[np.generic]:
        """Bring an array [H, W] with a value for every pixel to the size of the canvas, without mixing values.

        Arrays of another size than the image are stretched over it, and a note says so.
        """
        if plane.shape != self.size_hw:
            self.note(
                f"a map of {plane.shape[1]}x{plane.shape[0]} is stretched over {self.size_hw[1]}x{self.size_hw[0]}"
            )
        rows, columns = (
            ((np.arange(shown) + 0.5) * own / shown).astype(np.int64)
            for own, shown in zip(plane.shape, self.shown_hw, strict=True)
        )
        return plane[np.ix_(rows, columns)]

    def fill(self, where: NDArray[np.bool_], colour: Colour, alpha: float = 1.0) -> None:
        """Paint pixels of the canvas; `alpha` from 0 (nothing) to 1 (hides what is below)."""
        below = self.pixels[where].astype(np.float64)
        self.pixels[where] = np.rint(below + alpha * (np.array(colour) - below)).astype(np.uint8)

    def fill_box(self, box: Pixels, colour: Colour) -> None:
        """Paint a rectangle of the canvas, as much of it as there is."""
        height, width = self.shown_hw
        left, right = (min(max(edge, 0), width) for edge in (box[0], box[2]))
        top, bottom = (min(max(edge, 0), height) for edge in (box[1], box[3]))
        self.pixels[top:bottom, left:right] = colour

    def stroke(self, path_xy: ArrayLike, radius_px: float, colour: Colour) -> None:
        """Paint everything nearer than a radius to a line with corners; a single corner gives a disc.

        Args:
            path_xy: float [N, 2], at least one corner, finite, pixels of the original.
            radius_px: pixels of the canvas; the edge is smooth.
            colour: of the line.
        """
        corners = np.clip(self.to_canvas(np.asarray(path_xy, dtype=np.float64)), -_FAR_PX, _FAR_PX)
        ends = corners[1:] if len(corners) > 1 else corners
        for start, end in zip(corners, ends, strict=False):
            self._capsule(start, end, radius_px, colour)

    def label(self, text: str, place: Place, colour: Colour, size_px: int | None = None) -> None:
        """Write on a plate of a colour at the best free spot around a place, wholly inside the picture.

        A text that is too long is cut; where the picture is lower than a line, it is left out and a note says so.
        """
        height, width = self.shown_hw
        size = size_px or self.text_px
        text = lettering.cut(text, size, width - 2 * _PAD)
        tall = lettering.height(size)
        if not text or tall > height:
            self.note("the picture is too small for its labels")
            return
        wide = lettering.width(text, size) + 2 * _PAD
        spots = [self._inside(x, y, wide, tall) for x, y in _corners(place, wide, tall)]
        spot = min(spots, key=self._covered)
        plate = Image.new("RGB", (wide, tall), colour)
        lettering.write(plate, (_PAD, 0), text, size, ink_on(colour))
        self.pixels[spot[1] : spot[3], spot[0] : spot[2]] = np.asarray(plate)[: spot[3] - spot[1], : spot[2] - spot[0]]
        self._taken.append(spot)

    def _inside(self, x: float, y: float, wide: int, tall: int) -> Pixels:
        height, width = self.shown_hw
        left, top = max(0, min(round(x), width - wide)), max(0, min(round(y), height - tall))
        return left, top, min(left + wide, width), top + tall

    def _covered(self, spot: Pixels) -> int:
        """Pixels that a spot shares with labels that are there."""
        return sum(
            max(0, min(spot[2], other[2]) - max(spot[0], other[0]))
            * max(0, min(spot[3], other[3]) - max(spot[1], other[1]))
            for other in self._taken
        )

    def _capsule(self, start: NDArray[np.float64], end: NDArray[np.float64], radius: float, colour: Colour) -> None:
        height, width = self.shown_hw
        reach = radius + 1
        low = np.floor(np.minimum(start, end) - reach)
        high = np.ceil(np.maximum(start, end) + reach)
        left, right = (int(np.clip(edge, 0, width)) for edge in (low[0], high[0]))
        top, bottom = (int(np.clip(edge, 0, height)) for edge in (low[1], high[1]))
        if left >= right or top >= bottom:
            return
        x, y = np.meshgrid(np.arange(left, right) + 0.5 - start[0], np.arange(top, bottom) + 0.5 - start[1])
        dx, dy = end - start
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
        cover = np.clip(radius + 0.5 - np.hypot(x - along * dx, y - along * dy), 0.0, 1.0)[..., None]
        below = self.pixels[top:bottom, left:right].astype(np.float64)
        self.pixels[top:bottom, left:right] = np.rint(below + cover * (np.array(colour) - below)).astype(np.uint8)


def _corners(place: Place, wide: int, tall: int) -> list[tuple[float, float]]:
    """Upper left corners of a label, best one first."""
    left, top, right, bottom = place.box
    middle = ((left + right - wide) / 2, (top + bottom - tall) / 2)
    around = [
        (left, top - tall), (left, top), (left, bottom), (right - wide, top - tall), (right - wide, bottom),
        (left, bottom - tall), (right - wide, bottom - tall), (right, top), (left - wide, top),
    ]  # fmt: skip
    return [middle, (middle[0], top - tall), (middle[0], bottom), *around] if place.centred else [*around, middle]
