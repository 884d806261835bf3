"""Depth decoder: every pixel chooses among bins of log-depth, which the `<REF>` that asks for depth may shift.

Our own design after adaptive bins (Bhat et al., AdaBins, 2021): the published code declares a depth unit and has no
decoder for it.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.depth_answer import DepthMap
from refvlm.config import DepthConfig, RefVLMConfig
from refvlm.decoders.base import Decoded, Decoder, Reply, Truth
from refvlm.decoders.query import Located
from refvlm.losses import depth_loss


class DepthDecoder(Decoder):
    """Located queries and pixel embeddings -> depth maps."""

    whole_image = True
    log_depths: Tensor

    def __init__(self, config: RefVLMConfig, depth: DepthConfig) -> None:
        super().__init__()
        width = config.decoder.pixel_width
        self.refine = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 1)
        )
        self.choose = nn.Conv2d(width, depth.bins, 1)
        self.shift = nn.Linear(config.decoder.width, depth.bins)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)
        self.config = depth
        self.register_buffer("log_depths", _steps(depth), persistent=False)

    def fill(self) -> None:
        """Compute what is not stored: for loaders that build a model without its values."""
        self.log_depths = _steps(self.config).to(self.shift.weight.device)

    def forward(self, located: Located, pixels: Tensor, rows: Tensor) -> Tensor:
        """Estimate depth for some queries.

        Args:
            located: N queries.
            pixels: float [B, P, S, S], pixel embeddings.
            rows: int [M], which of the N queries.

        Returns:
            float32 [M, S, S], natural logarithm of metres over the square input.
        """
        maps = pixels[located.image[rows]]
        logits = self.choose(maps + self.refine(maps)).float()
        centres = self.log_depths + self.shift(located.query[rows]).float()  # [M, bins]
        out: Tensor = torch.einsum("mbyx,mb->myx", logits.softmax(1), centres)
        return out

    def depth(self, reply: Reply) -> DepthMap:
        """Read the depth of the picture off the first row."""
        log_m = self(reply.decoded.located, reply.decoded.pixels, reply.rows[:1])[0]
        return DepthMap(values=np.exp(reply.letterbox.map_out(log_m)).astype(np.float32))

    def losses(self, decoded: Decoded, truth: Truth) -> dict[str, Tensor]:
        """Error of log-depth over the rows that ask for the whole image."""
        if not len(truth.whole):
            return {}
        log_m = self(decoded.located, decoded.pixels, truth.whole)
        return {"depth": depth_loss(log_m, truth.depth[decoded.located.image[truth.whole]])}


def _steps(depth: DepthConfig) -> Tensor:
    return torch.linspace(math.log(depth.near_m), math.log(depth.far_m), depth.bins)
