"""Mask decoder: a pyramid pixel decoder, and per query a dot product plus a paraboloid around its reference point."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.geometry import encode
from benchmarks.schema import Instance
from refvlm.config import RefVLMConfig
from refvlm.decoders.base import Decoder, Reply
from refvlm.decoders.query import Layout, Located, sample_at
from refvlm.vision import ImageFeatures, coordinate_maps


class PixelDecoder(nn.Module):
    """Feature pyramid from coarse to fine: pixel embeddings at the stride of the finest level."""

    def __init__(self, config: RefVLMConfig, level_widths: tuple[int, ...]) -> None:
        super().__init__()
        width = config.decoder.pixel_width
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in level_widths)
        self.encoded_in = nn.Conv2d(config.encoder.width, width, 1)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))
            for _ in level_widths
        )

    def forward(self, features: ImageFeatures) -> Tensor:
        """Features -> float [B, P, S, S]."""
        merged: Tensor = self.encoded_in(features.encoded)
        levels = list(zip(features.pyramid, self.laterals, self.smooth, strict=True))
        for level, lateral, smooth in reversed(levels):
            merged = functional.interpolate(merged, level.shape[-2:], mode="bilinear", align_corners=False)
            merged = merged + lateral(level)
            merged = merged + smooth(merged)
        return merged


class MaskDecoder(Decoder):
    """Located queries and pixel embeddings -> mask logits."""

    def __init__(self, config: RefVLMConfig) -> None:
        super().__init__()
        decoder = config.decoder
        self.config = decoder
        width = decoder.width + decoder.pixel_width * decoder.point_features
        self.embed = nn.Sequential(
            nn.Linear(width, decoder.head_width),
            nn.GELU(),
            nn.Linear(decoder.head_width, decoder.pixel_width),
        )
        self.bowl = _bowl(width) if decoder.bowl else None

    def forward(self, located: Located, pixels: Tensor, centre: Tensor) -> Tensor:
        """Decode masks.

        Args:
            located: N queries.
            pixels: float [B, P, S, S].
            centre: float [N, 2], where each object is believed to be, xy in 0..1.

        Returns:
            float32 [N, S, S], logits over the square input; above 0 is object.
        """
        seen = [sample_at(pixels, located.image, centre.detach())] if self.config.point_features else []
        query = torch.cat([located.query, *seen], 1)
        layout = Layout.of(located.image, len(pixels))
        dots: Tensor = layout.gather(torch.einsum("bqp,bpyx->bqyx", layout.spread(self.embed(query)), pixels)).float()
        dots = dots / pixels.shape[1] ** 0.5
        if self.bowl is None:
            return dots
        bias, steep_x, steep_y = self.bowl(query).float().unbind(1)
        grid = coordinate_maps(pixels.shape[-1], centre.float())[0]  # [2, S, S], -1..1
        away = (grid[None] - (centre.detach().float() * 2 - 1)[:, :, None, None]) ** 2  # [N, 2, S, S]
        bowl = bias[:, None, None] - 4 * (
            functional.softplus(steep_x)[:, None, None] * away[:, 0]
            + functional.softplus(steep_y)[:, None, None] * away[:, 1]
        )
        logits: Tensor = dots + bowl
        return logits

    def answer(self, reply: Reply) -> list[Instance]:
        """One mask for each row."""
        return mask_instances(reply, reply.decoded.masks[reply.rows])


def mask_instances(reply: Reply, logits: Tensor) -> list[Instance]:
    """Bring mask logits [M, S', S'] over the square input to the picture."""
    masks = (reply.letterbox.mask_out(each) for each in logits)
    return [Instance(score=score, mask_rle=encode(mask)) for score, mask in zip(reply.scores(1), masks, strict=True)]


def _bowl(width: int) -> nn.Linear:
    """Start as a wide paraboloid, the same for every query."""
    bowl = nn.Linear(width, 3)
    nn.init.zeros_(bowl.weight)
    with torch.no_grad():
        bowl.bias.copy_(torch.tensor([-1.0, 2.0, 2.0]))
    return bowl
