"""The published visual prompt encoder, for comparison: bands of raster lines and a token that cannot tell shape.

It pools the tokens of the language model's branch only, and its tokens pass the projector that image tokens pass. Two
traits of the published code are kept on purpose: its "patches" are runs of consecutive cells in raster order, so bands
instead of a grid, and its mask token is the mean of a linear map of a mask that sums to one, so the same for every
prompt. One is not: a prompt that vanishes when its raster shrinks keeps the cell that it covers most.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from refvlm.config import RefVLMConfig
from refvlm.regions import RegionEncoder
from refvlm.vision import ImageFeatures


class BandEncoder(nn.Module):
    """Rasterised prompts -> tokens in the width of the language model."""

    def __init__(self, bands: int, encoder_width: int, projector: nn.Module) -> None:
        """Build an encoder with `bands` tokens of content and one mask token.

        Args:
            bands: how many; they divide the number of image tokens.
            encoder_width: channels of the encoder's map.
            projector: that of the image tokens. It is shared, and stored where it belongs.
        """
        super().__init__()
        self.bands = bands
        self.shared = (projector,)  # in a tuple it is no part of this module
        self.mask_embedding = nn.Linear(1, encoder_width)
        self.position_embedding = nn.Embedding(bands + 1, encoder_width)

    def forward(self, masks: Tensor, kinds: Tensor, image: Tensor, features: ImageFeatures) -> Tensor:
        """Encode R prompts; their kinds play no part.

        Args:
            masks: float [R, S, S] over the square input, 1 inside.
            kinds: int [R].
            image: int [R], which image each one is drawn on.
            features: of all images.

        Returns:
            float [R, T, D], the tokens of each prompt.
        """
        share = cells_inside(masks, features.encoded.shape[-1]).to(features.encoded.dtype)  # [R, G*G]
        cells = features.encoded.flatten(2).transpose(1, 2)[image] * share[..., None]  # [R, G*G, E]
        content = cells.reshape(len(cells), self.bands, -1, cells.shape[2]).sum(2)
        token = self.mask_embedding(share[..., None]).mean(1, keepdim=True)
        tokens = torch.cat([content, token], 1) + self.position_embedding.weight
        out: Tensor = self.shared[0](tokens)
        return out


def cells_inside(masks: Tensor, side: int) -> Tensor:
    """Cells that a prompt touches, each with the same share, which sum to 1: float [R, S, S] -> [R, side*side]."""
    small = functional.interpolate(masks[:, None].float(), (side, side), mode="bilinear", align_corners=False)
    inside = (small.flatten(1) > 0).float()
    covered = functional.adaptive_avg_pool2d(masks[:, None].float(), side).flatten(1)
    most = functional.one_hot(covered.argmax(1), side * side).float()
    inside = torch.where(inside.any(1, keepdim=True), inside, most)
    return inside / (inside.sum(1, keepdim=True) + 1e-8)


def region_encoder(config: RefVLMConfig, level_widths: tuple[int, ...], projector: nn.Module) -> nn.Module | None:
    """Build the encoder of the design that the configuration names; None where it has none."""
    if config.regions is None:
        return None
    if config.regions.design == "bands":
        return BandEncoder(config.regions.grid**2, config.encoder.width, projector)
    return RegionEncoder(config, config.regions, level_widths)
