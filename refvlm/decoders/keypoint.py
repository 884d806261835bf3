"""Keypoint decoder: looks at the pixels inside a box and finds every joint on a heat map of its own.

The published decoder regresses joints from query slots; reading them off maps trains from scratch many times faster, as
reference points do for boxes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from refvlm.config import KeypointConfig, RefVLMConfig
from refvlm.decoders.query import Located, local_soft_argmax
from refvlm.vision import coordinate_maps

VISIBILITIES = 3
"""0 not there, 1 hidden, 2 visible, as COCO flags them."""


class KeypointDecoder(nn.Module):
    """Located queries, pixel embeddings and boxes -> joints."""

    unit = "keypoint"

    def __init__(self, config: RefVLMConfig, keypoint: KeypointConfig) -> None:
        super().__init__()
        self.config = keypoint
        width = keypoint.width
        self.enter = nn.Conv2d(config.decoder.pixel_width + 2, width, 3, padding=1)
        self.tell = nn.Linear(config.decoder.width, width)
        self.layers = nn.ModuleList(_RoiBlock(width) for _ in range(3))
        self.heat = nn.Conv2d(width, keypoint.joints, 1)
        self.seen = nn.Linear(width, keypoint.joints * VISIBILITIES)

    def forward(self, located: Located, pixels: Tensor, rows: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Find the joints of some queries.

        Args:
            located: N queries.
            pixels: float [B, P, S, S], pixel embeddings.
            rows: int [M], which of the N queries.
            boxes: float [M, 4], where to look, cxcywh in 0..1 of the square input.

        Returns:
            Heat maps, float32 logits [M, K, C*C] over the widened box, and visibility logits [M, K, 3].
        """
        cells = self.config.cells
        axis = coordinate_maps(cells, boxes.float())[0]  # [2, C, C], -1..1
        centre, reach = boxes[:, :2], boxes[:, 2:] / 2 * self.config.margin
        at = centre[:, :, None, None] + reach[:, :, None, None] * axis  # [M, 2, C, C] in 0..1
        grid = (at * 2 - 1).permute(0, 2, 3, 1).to(pixels.dtype)
        looked = functional.grid_sample(pixels[located.image[rows]], grid, align_corners=False)
        relative = axis[None].expand(len(rows), -1, -1, -1).to(looked.dtype)
        x = self.enter(torch.cat([looked, relative], 1)) + self.tell(located.query[rows])[:, :, None, None]
        for layer in self.layers:
            x = layer(x)
        seen = self.seen(x.mean((2, 3))).float().reshape(len(rows), self.config.joints, VISIBILITIES)
        return self.heat(x).float().flatten(2), seen

    def points(self, heat: Tensor, boxes: Tensor) -> Tensor:
        """Read joints off heat maps [M, K, C*C]: float32 [M, K, 2], xy in 0..1 of the square input."""
        cells, count = self.config.cells, heat.shape[1]
        inside = local_soft_argmax(heat.flatten(0, 1), cells, 5).reshape(-1, count, 2)  # 0..1 of the widened box
        return boxes[:, None, :2] + (inside - 0.5) * boxes[:, None, 2:] * self.config.margin


class _RoiBlock(nn.Module):
    """A residual pair of 3x3 convolutions that also hears the mean of the whole map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))
        self.whole = nn.Linear(width, width)
        self.second = nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """[M, C, S, S] -> the same shape."""
        inner = self.first(x)
        out: Tensor = x + self.second(inner + self.whole(inner.mean((2, 3)))[:, :, None, None])
        return out
