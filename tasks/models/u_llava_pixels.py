"""Pixels in for u-LLaVA, on Pillow: what CLIP and SAM see of a photo, which frames of a video, and boxes back out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.schema import Box, ImageRef

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

FRAMES = 8
_WHITE = (255, 255, 255)


class Pixels:
    """Preprocessing of one checkpoint."""

    def __init__(self, side: int, sam_side: int, pad_white: bool) -> None:
        """Take the sides of CLIP's and SAM's square inputs; photos get white padding, or their centre is cut out."""
        from transformers import CLIPImageProcessorPil, SamImageProcessorPil

        square = {"height": side, "width": side}
        self._padded = pad_white
        self._clip = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=square)
        self._frame = CLIPImageProcessorPil(size=square, do_center_crop=False, resample=2)  # bilinear
        self._sam = SamImageProcessorPil(
            size={"longest_edge": sam_side}, pad_size={"height": sam_side, "width": sam_side}
        )

    def clip(self, photo: "Image.Image") -> "Tensor":
        """What CLIP sees of a photo: float [3, S, S]."""
        return _first(self._clip(padded(photo) if self._padded else photo, return_tensors="pt"))

    def frame(self, photo: "Image.Image") -> "Tensor":
        """What CLIP sees of a frame, without regard to its aspect: float [3, S, S]."""
        return _first(self._frame(photo, return_tensors="pt"))

    def sam(self, photo: "Image.Image") -> "Tensor":
        """What SAM sees: the longer side fills the square, zeros to the right and below: float [3, side, side]."""
        return _first(self._sam(photo, return_tensors="pt"))

    @staticmethod
    def chosen(frames: Sequence[ImageRef]) -> list[ImageRef]:
        """Choose frames: every (n / 8)-th, rounded down; all of a video that has fewer than 8."""
        count = min(FRAMES, len(frames))
        return [frames[place * len(frames) // count] for place in range(count)]


def padded(photo: "Image.Image") -> "Image.Image":
    """Centre a photo in a white square."""
    from PIL import Image

    side = max(photo.size)
    square = Image.new("RGB", (side, side), _WHITE)
    square.paste(photo, ((side - photo.width) // 2, (side - photo.height) // 2))
    return square


def square_to_photo(box: Sequence[float], size_hw: tuple[int, int]) -> Box:
    """Turn a box in shares of the square that pads a photo into its xyxy pixels; it may reach beyond the photo."""
    height, width = size_hw
    side = max(size_hw)
    left, top = (side - width) // 2, (side - height) // 2
    x1, y1, x2, y2 = (share * side for share in box)
    return (x1 - left, y1 - top, x2 - left, y2 - top)


def _first(processed: Any) -> "Tensor":
    pixels: Tensor = processed["pixel_values"][0]
    return pixels
