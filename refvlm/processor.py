"""Between pictures and the model's square input: one invertible letterbox, one normalisation."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

PAD_VALUE = 127
_MEAN, _SPREAD = 127.5, 64.0


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

    def paste(self, image: Image.Image) -> np.ndarray:
        """Bring a picture into the square: pad with grey, then resize once (bilinear, antialiased): uint8 [S, S, 3]."""
        long = max(self.size_hw)
        if image.size == (self.side, self.side):
            return np.asarray(image)
        square = Image.new("RGB", (long, long), (PAD_VALUE,) * 3)
        left, top = self.offset_xy
        square.paste(image, (int(left), int(top)))
        return np.asarray(square.resize((self.side, self.side), Image.Resampling.BILINEAR))

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
        height, width = self.size_hw
        long = max(height, width)
        left, top = (int(value) for value in self.offset_xy)
        square = functional.interpolate(logits[None, None].float(), (long, long), mode="bilinear", align_corners=False)
        return np.asarray(square[0, 0, top : top + height, left : left + width].cpu() > 0)


def normalise(pixels: np.ndarray) -> Tensor:
    """Turn uint8 [S, S, 3] into float32 [3, S, S], about -2 to 2."""
    return torch.from_numpy(np.array(pixels, dtype=np.float32)).permute(2, 0, 1).sub_(_MEAN).div_(_SPREAD).contiguous()
