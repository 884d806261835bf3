"""Between pictures and the model's square input: one invertible letterbox, one normalisation."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from refvlm.config import PixelConfig

PLAIN = PixelConfig()
"""Normalisation of models that have no pre-trained encoder."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture of `size_hw` scaled by `scale` and centred in a square of `side` pixels."""

    size_hw: tuple[int, int]
    side: int

    @property
    def scale(self) -> float:
        """Square pixels per picture pixel."""
        return self.side / max(self.size_hw)

    @property
    def offset_xy(self) -> tuple[float, float]:
        """Left and top padding in picture pixels."""
        height, width = self.size_hw
        long = max(height, width)
        return (long - width) // 2, (long - height) // 2

    def paste(self, image: Image.Image, pad: tuple[int, int, int] = PLAIN.pad) -> np.ndarray:
        """Bring a picture into the square: pad, then resize once (bilinear, antialiased): uint8 [S, S, 3]."""
        long = max(self.size_hw)
        if image.size == (self.side, self.side):
            return np.asarray(image)
        square = Image.new("RGB", (long, long), pad)
        left, top = self.offset_xy
        square.paste(image, (int(left), int(top)))
        return np.asarray(square.resize((self.side, self.side), Image.Resampling.BILINEAR))

    def point_in(self, x: float, y: float) -> tuple[float, float]:
        """Turn a point of the picture, pixels, into pixels of the square."""
        left, top = self.offset_xy
        return (x + left) * self.scale, (y + top) * self.scale

    def point_out(self, x: float, y: float) -> tuple[float, float]:
        """Turn a point in 0..1 of the square into pixels of the picture; it may lie outside."""
        left, top = self.offset_xy
        return x * max(self.size_hw) - left, y * max(self.size_hw) - top

    def mask_in(self, mask: np.ndarray) -> np.ndarray:
        """Bring a mask [H, W] of 0 and 1 into the square: share of each pixel that is inside, float32 [S, S]."""
        long = max(self.size_hw)
        left, top = (int(value) for value in self.offset_xy)
        square = np.zeros((long, long), dtype=np.float32)
        square[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
        resized = Image.fromarray(square).resize((self.side, self.side), Image.Resampling.BOX)
        return np.asarray(resized).copy()

    def map_out(self, values: Tensor) -> np.ndarray:
        """Bring a map [S', S'] over the square to the picture, bilinearly: float32 [H, W]."""
        height, width = self.size_hw
        long = max(height, width)
        left, top = (int(value) for value in self.offset_xy)
        square = functional.interpolate(values[None, None].float(), (long, long), mode="bilinear", align_corners=False)
        return square[0, 0, top : top + height, left : left + width].cpu().numpy()

    def box_out(self, box: Tensor) -> tuple[float, float, float, float]:
        """Turn a box in cxcywh, 0..1 of the square, into xyxy pixels of the picture, cut at its border."""
        long = max(self.size_hw)
        height, width = self.size_hw
        left, top = self.offset_xy
        cx, cy, w, h = (float(value) * long for value in box)
        xs = [min(max(x - left, 0.0), float(width)) for x in (cx - w / 2, cx + w / 2)]
        ys = [min(max(y - top, 0.0), float(height)) for y in (cy - h / 2, cy + h / 2)]
        return xs[0], ys[0], xs[1], ys[1]

    def mask_out(self, logits: Tensor) -> np.ndarray:
        """Bring mask logits [S', S'] of the square to the picture: bilinear to its size, then > 0: bool [H, W]."""
        return np.asarray(self.map_out(logits) > 0)


def normalise(pixels: np.ndarray, how: PixelConfig = PLAIN) -> Tensor:
    """Turn uint8 [S, S, 3] into float32 [3, S, S], about -2 to 2."""
    mean, spread = torch.tensor(how.mean), torch.tensor(how.spread)
    return torch.from_numpy(np.array(pixels, dtype=np.float32)).sub_(mean).div_(spread).permute(2, 0, 1).contiguous()
