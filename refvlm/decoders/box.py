"""Box decoder: an offset to the reference point and a size, refined once at the corrected centre."""

import torch
from torch import Tensor, nn

from benchmarks.schema import Instance
from refvlm.config import RefVLMConfig
from refvlm.decoders.base import Decoder, Reply
from refvlm.decoders.query import Located, sample_at


class BoxDecoder(Decoder):
    """Located queries -> boxes."""

    def __init__(self, config: RefVLMConfig) -> None:
        super().__init__()
        decoder = config.decoder
        self.config = decoder
        width = decoder.width + decoder.pixel_width * decoder.point_features
        self.first = _head(width, decoder.head_width)
        self.second = _head(width, decoder.head_width) if decoder.refine else None

    def forward(self, located: Located, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Decode boxes.

        Args:
            located: N queries.
            pixels: float [B, P, S, S], pixel embeddings shared with the mask decoder.

        Returns:
            First and refined boxes, each float32 [N, 4], cxcywh in 0..1 of the square input; the same boxes twice
            where the configuration refines none.
        """
        rough = self._step(self.first, located, pixels, located.point, None)
        return rough, rough if self.second is None else self._step(self.second, located, pixels, rough[:, :2], rough)

    def answer(self, reply: Reply) -> list[Instance]:
        """One box for each row."""
        boxes = [reply.letterbox.box_out(box) for box in reply.decoded.boxes[reply.rows]]
        return [Instance(score=score, box_xyxy=box) for score, box in zip(reply.scores(), boxes, strict=True)]

    def _step(self, head: nn.Module, located: Located, pixels: Tensor, point: Tensor, before: Tensor | None) -> Tensor:
        seen = [sample_at(pixels, located.image, point.detach())] if self.config.point_features else []
        change = head(torch.cat([located.query, *seen], 1)).float()
        base = torch.cat([point, torch.full_like(point, 0.2)], 1) if before is None else before
        boxes: Tensor = (inverse_sigmoid(base) + change).sigmoid()
        return boxes


def _head(width_in: int, width: int) -> nn.Sequential:
    last = nn.Linear(width, 4)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(width_in, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), last)


def inverse_sigmoid(x: Tensor) -> Tensor:
    """Logit with its argument kept 1e-4 away from 0 and 1."""
    return torch.logit(x.float(), eps=1e-4)
