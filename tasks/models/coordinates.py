"""The coordinate contract: a model that speaks boxes declares in which space and order, and is held to it.

A number that the declared space does not have is a `ContractError`. Other spaces are never tried: a model that gets
better when its numbers are read in another way has a wrong declaration, which `refbench doctor` shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from benchmarks.schema import Box

Space = Literal[
    "pixel_orig", "pixel_resized", "unit", "0-999", "0-1000", "location_1024", "location_1000", "patch_32"
]  # fmt: skip
Order = Literal["xyxy", "xywh", "yxyx"]
Form = Literal["list", "json", "box_tags", "box_tokens", "loc_tokens", "location_tokens", "patch_tokens"]
TOKEN_FORMS: dict[Form, Space] = {
    "loc_tokens": "location_1024",
    "location_tokens": "location_1000",
    "patch_tokens": "patch_32",
}
"""Forms whose tokens have one space."""
SPACES: tuple[Space, ...] = get_args(Space)
ORDERS: tuple[Order, ...] = get_args(Order)
_SIDE_PX = 1.0
"""A box of pixels is at least this long on one side: a shorter one was spoken in fractions of the image."""


class ContractError(ValueError):
    """An answer is not in the declared space, order or form; the text says which number and what is declared."""


@dataclass(frozen=True)
class Scale:
    """A space that is relative to the sides of the picture.

    Attributes:
        top: largest number there is.
        full: number that stands for the whole side.
        whole: only whole numbers.
        centred: a number stands for the middle of its step, not for where the step begins.
    """

    top: float
    full: float
    whole: bool = True
    centred: bool = False


SCALES: dict[Space, Scale] = {
    "unit": Scale(1, 1, whole=False),
    "0-999": Scale(999, 999),
    "0-1000": Scale(1000, 1000),
    "location_1024": Scale(1023, 1024),
    "location_1000": Scale(999, 1000, centred=True),
    "patch_32": Scale(31, 32),
}
"""Space -> its numbers. Those of pixels depend on the picture. `location_1024` is PaliGemma's `<loc0000>` to
`<loc1023>`, `location_1000` Florence-2's `<loc_0>` to `<loc_999>`; the numbers of `patch_32` are the column and row of
Kosmos-2's two patches: a box reaches from middle to middle, or to the outer edges where both lie in one row or column.
"""


class Convention(BaseModel):
    """How a model speaks boxes.

    Attributes:
        space: what the numbers are relative to.
        order: of the four numbers.
        form: how they stand in the text, see `tasks.models.box_text`.
        frame: what the sides are those of: the image, or the square that it was centred in before the model saw it.
        digits: decimals of a number that we write in spaces with fractions; pixels are written whole.
        key: of the numbers in an object, form `json` only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    space: Space
    order: Order = "xyxy"
    form: Form = "list"
    frame: Literal["image", "square"] = "image"
    digits: int = 2
    key: str = "bbox_2d"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        space = TOKEN_FORMS.get(self.form)
        if (space or self.space) != self.space or (space is None and self.space in TOKEN_FORMS.values()):
            raise ValueError(f"form {self.form} and space {self.space} do not go together: {TOKEN_FORMS}")
        return self

    def words(self) -> str:
        """Say it in a few words."""
        return f"{self.space} {self.order}" + (" of the padded square" if self.frame == "square" else "")


@dataclass(frozen=True)
class Picture:
    """Sizes of one picture, in pixels.

    Attributes:
        size_hw: of the original.
        resized_hw: of what the model saw; None where its convention does not depend on that.
    """

    size_hw: tuple[int, int]
    resized_hw: tuple[int, int] | None = None

    def sides(self, convention: Convention) -> tuple[float, float]:
        """Width and height that stand for the whole of the frame, in pixels of the original; the square's are equal."""
        height, width = self.size_hw
        longest = max(height, width)
        return (longest, longest) if convention.frame == "square" else (width, height)

    def offset(self, convention: Convention) -> tuple[float, float]:
        """Where the original begins in the frame, x and y, in whole pixels of the original."""
        height, width = self.size_hw
        sides = self.sides(convention)
        return ((sides[0] - width) // 2, (sides[1] - height) // 2)

    def spoken_sides(self, convention: Convention) -> tuple[float, float]:
        """Numbers that stand for the whole width and height.

        Raises:
            ValueError: they are pixels of what the model saw, and nobody said how large that was.
        """
        if convention.space in SCALES:
            return (SCALES[convention.space].full,) * 2
        if convention.space == "pixel_orig":
            return self.sides(convention)
        if self.resized_hw is None:
            raise ValueError("pixel_resized needs the size of what the model saw: its adapter must record it")
        return (self.resized_hw[1], self.resized_hw[0])


def decode(numbers: Sequence[float], convention: Convention, picture: Picture) -> Box:
    """Turn spoken numbers into a box.

    Args:
        numbers: four, as spoken.
        convention: the declaration.
        picture: sizes.

    Returns:
        Pixels of the original, xyxy; cut at its edges where the frame is a square.

    Raises:
        ContractError: a number is not of the declared space, or the box ends before it begins.
    """
    if len(numbers) != 4:
        raise ContractError(f"a box has four numbers, got {len(numbers)}: {_list(numbers)}")
    _check_numbers(numbers, convention, picture)
    x1, y1, x2, y2 = _corners(numbers, convention.order)
    if x2 < x1 or y2 < y1:
        raise ContractError(f"{_list(numbers)} ends before it begins: boxes are declared as {convention.words()}")
    _check_corner((x2, y2), numbers, convention, picture)
    starts, ends = _steps((x1, y1), (x2, y2), convention.space)
    sides, spoken, offset = picture.sides(convention), picture.spoken_sides(convention), picture.offset(convention)
    left, top = ((v * side / n - start) for v, side, n, start in zip(starts, sides, spoken, offset, strict=True))
    right, bottom = ((v * side / n - start) for v, side, n, start in zip(ends, sides, spoken, offset, strict=True))
    if convention.frame == "image":
        return (left, top, right, bottom)
    height, width = picture.size_hw
    return (_cut(left, width), _cut(top, height), _cut(right, width), _cut(bottom, height))


def encode(box_xyxy: Box, convention: Convention, picture: Picture) -> tuple[float, float, float, float]:
    """Say a box in a convention, rounded as its numbers are: the inverse of `decode` but for `step` at every edge.

    Args:
        box_xyxy: pixels of the original.
        convention: the declaration.
        picture: sizes.
    """
    sides, spoken, offset = picture.sides(convention), picture.spoken_sides(convention), picture.offset(convention)
    exact = [
        (value + offset[axis]) * spoken[axis] / sides[axis]
        for value, axis in zip(box_xyxy, (0, 1, 0, 1), strict=True)
    ]  # fmt: skip
    x1, y1 = (_rounded(value, convention, "start") for value in exact[:2])
    x2, y2 = (_rounded(value, convention, "end") for value in exact[2:])
    return _in_order(x1, y1, x2, y2, convention)


def step(convention: Convention, picture: Picture) -> tuple[float, float]:
    """The most that an edge can move by being spoken, x and y, in pixels of the original."""
    size = 10.0**-convention.digits if convention.space == "unit" else 1.0
    sides, spoken = picture.sides(convention), picture.spoken_sides(convention)
    return (size * sides[0] / spoken[0], size * sides[1] / spoken[1])


def _check_numbers(numbers: Sequence[float], convention: Convention, picture: Picture) -> None:
    scale = SCALES.get(convention.space)
    tops = (scale.top, scale.top) if scale else picture.spoken_sides(convention)
    for number, axis in zip(numbers, (1, 0, 1, 0) if convention.order == "yxyx" else (0, 1, 0, 1), strict=True):
        if not 0 <= number <= tops[axis]:
            raise ContractError(
                f"{number:g} is outside 0 to {tops[axis]:g}: boxes are declared as {convention.words()}"
            )
        if scale is not None and scale.whole and not float(number).is_integer():
            raise ContractError(f"{number:g} is no whole number: boxes are declared as {convention.words()}")


def _check_corner(
    corner: tuple[float, float], numbers: Sequence[float], convention: Convention, picture: Picture
) -> None:
    """Refuse a width or height that leads out of the space, and pixels that are no pixels."""
    scale = SCALES.get(convention.space)
    tops = (scale.top, scale.top) if scale else picture.spoken_sides(convention)
    slack = 0.0 if scale is not None and scale.whole else 1e-9 * max(tops)  # a sum of two decimals is not exact
    if any(value > top + slack for value, top in zip(corner, tops, strict=True)):
        raise ContractError(f"{_list(numbers)} leads outside the image: boxes are declared as {convention.words()}")
    if scale is None and max(corner) < _SIDE_PX:
        raise ContractError(f"{_list(numbers)} is smaller than a pixel: boxes are declared as {convention.words()}")


def _corners(numbers: Sequence[float], order: Order) -> tuple[float, float, float, float]:
    a, b, c, d = numbers
    if order == "xywh":
        return (a, b, a + c, b + d)
    return (b, a, d, c) if order == "yxyx" else (a, b, c, d)


def _in_order(x1: float, y1: float, x2: float, y2: float, convention: Convention) -> tuple[float, float, float, float]:
    if convention.order == "xywh":
        digits = convention.digits if convention.space == "unit" else 0
        return (x1, y1, round(x2 - x1, digits), round(y2 - y1, digits))
    return (y1, x1, y2, x2) if convention.order == "yxyx" else (x1, y1, x2, y2)


def _steps(
    start: tuple[float, float], end: tuple[float, float], space: Space
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Move numbers from steps to where in the step the edge lies."""
    if space == "patch_32":
        outer = start[0] == end[0] or start[1] == end[1]
        before, after = (0.0, 1.0) if outer else (0.5, 0.5)
    else:
        before = after = 0.5 if space in SCALES and SCALES[space].centred else 0.0
    return (start[0] + before, start[1] + before), (end[0] + after, end[1] + after)


def _rounded(value: float, convention: Convention, edge: Literal["start", "end"]) -> float:
    scale = SCALES.get(convention.space)
    if convention.space == "unit":
        return round(min(max(value, 0.0), 1.0), convention.digits)
    if scale is None:
        return float(round(value))
    if convention.space == "patch_32" and edge == "end":
        return min(max(-(-value // 1) - 1, 0.0), scale.top)
    number = value // 1 if scale.centred or convention.space == "patch_32" else float(round(value))
    return min(max(number, 0.0), scale.top)


def _cut(value: float, side: int) -> float:
    return min(max(value, 0.0), float(side))


def _list(numbers: Sequence[float]) -> str:
    return "[" + ", ".join(f"{number:g}" for number in numbers) + "]"
