"""Quality head: foretells the IoU that a decoded box and mask will have, so that answers can be ranked."""

import torch
from torch import Tensor, nn

from refvlm.config import RefVLMConfig
from refvlm.decoders.query import Located, sample_at


class QualityHead(nn.Module):
    """Located queries and what was decoded -> logits of the expected IoU."""

    def __init__(self, config: RefVLMConfig) -> None:
        super().__init__()
        decoder = config.decoder
        self.layers = nn.Sequential(
            nn.Linear(decoder.width + decoder.pixel_width + 6, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(),
            nn.Linear(64, 2),
        )  # fmt: skip

    def forward(self, located: Located, pixels: Tensor, boxes: Tensor, masks: Tensor) -> Tensor:
        """Judge N answers; nothing flows back into what is judged.

        Args:
            located: N queries.
            pixels: float [B, P, S, S].
            boxes: float [N, 4] cxcywh.
            masks: float [N, S, S] logits.

        Returns:
            float32 [N, 2], logits of the IoU of box and mask.
        """
        probability = masks.detach().float().sigmoid()
        sure = (probability - 0.5).abs().mean((1, 2)) * 2
        peak = located.heat.detach().softmax(1).amax(1)
        told = torch.cat([boxes.detach(), sure[:, None], peak[:, None]], 1).to(located.query.dtype)
        read = sample_at(pixels.detach(), located.image, boxes[:, :2].detach())
        judged: Tensor = self.layers(torch.cat([located.query.detach(), read, told], 1)).float()
        return judged
