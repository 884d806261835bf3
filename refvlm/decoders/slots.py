"""The published keypoint decoder: every `<REF>` becomes slots, one for a box and one for each joint, that regress.

Kept for comparison with `refvlm.decoders.keypoint`, which trains much faster from scratch:

    keypoint_decoder: slots
    decoders: {slots: {layers: 6}}

What the published code gets wrong is right here: slots attend to those of their own `<REF>` only instead of 1,800 to
one another, the similarity of joints (OKS) is part of the loss instead of computed and dropped, and joints that are not
labelled count nowhere but in the visibility.
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.schema import Instance
from refvlm.config import RefVLMConfig, Strict
from refvlm.decoders.base import Decoded, Decoder, Reply, Truth
from refvlm.decoders.keypoint import areas_of, pose_instances, posed
from refvlm.decoders.query import Layout, QueryLayer, resize, sine_positions
from refvlm.joints import COCO
from refvlm.losses import JointTruth, box_loss, focal_loss, oks_of
from refvlm.vision import ImageFeatures


class SlotsOptions(Strict):
    """How many layers."""

    layers: int = Field(default=2, gt=0)


class SlotsDecoder(Decoder):
    """Queries -> a box and COCO's joints each."""

    options = SlotsOptions
    sines: Tensor

    @classmethod
    def build(cls, config: RefVLMConfig, level_widths: tuple[int, ...], options: Any) -> "SlotsDecoder":
        """Build it as wide as the queries are."""
        return cls(config, level_widths, options.layers)

    def __init__(self, config: RefVLMConfig, level_widths: tuple[int, ...], layers: int) -> None:
        super().__init__()
        decoder = config.decoder
        width = decoder.width
        self.side, self.width = config.image_size // decoder.key_stride, width
        self.key_in = nn.Conv2d(sum(level_widths) + config.encoder.width, width, 1)
        self.slots = nn.Embedding(1 + len(COCO), width)
        self.layers = nn.ModuleList(QueryLayer(width, decoder.heads, decoder.mlp_width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.box, self.joint = _mlp(width, 4), _mlp(width, 2)
        self.seen = nn.Linear(width, 2)
        self.register_buffer("sines", sine_positions(self.side, width), persistent=False)

    def fill(self) -> None:
        """Compute what is not stored: for loaders that build a model without its values."""
        self.sines = sine_positions(self.side, self.width).to(self.seen.weight)

    def forward(self, decoded: Decoded, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Regress the joints of some queries.

        Args:
            decoded: of all queries.
            rows: int [M], which of them.

        Returns:
            Boxes, float32 [M, 4], cxcywh; joints, float32 [M, 17, 2], both in 0..1 of the square input; and visibility
            logits, float32 [M, 17, 2]: not labelled, labelled.
        """
        assert decoded.features is not None
        keys, values = self._keys(decoded.features)
        count = 1 + len(COCO)
        query = (decoded.located.query[rows][:, None] + self.slots.weight).flatten(0, 1)  # [M * 18, d]
        owner = torch.arange(len(rows), device=rows.device).repeat_interleave(count)
        layout = Layout.of(decoded.located.image[rows].repeat_interleave(count), len(keys))
        for layer in self.layers:
            query = layer(query, keys, values, owner[:, None] != owner[None, :], layout)
        slots = self.norm(query).unflatten(0, (len(rows), count))
        joints = self.joint(slots[:, 1:]).float().sigmoid()
        return self.box(slots[:, 0]).float().sigmoid(), joints, self.seen(slots[:, 1:]).float()

    def _keys(self, features: ImageFeatures) -> tuple[Tensor, Tensor]:
        maps = [resize(level, self.side) for level in (*features.pyramid, features.encoded)]
        values = self.key_in(torch.cat(maps, 1)).flatten(2).transpose(1, 2)
        return values + self.sines, values

    def answer(self, reply: Reply) -> list[Instance]:
        """One pose for each row."""
        _, joints, seen = self(reply.decoded, reply.rows)
        return pose_instances(reply, joints, seen.sigmoid()[..., 1])

    def losses(self, decoded: Decoded, truth: Truth) -> dict[str, Tensor]:
        """The published terms and weights, with OKS as it was meant."""
        rows = posed(truth)
        if not len(rows):
            return {}
        boxes, joints, seen = self(decoded, rows)
        wanted = JointTruth(truth.joints[rows], areas_of(truth, rows))
        return {"slots": slot_losses(joints, seen, wanted) + box_loss(boxes, truth.boxes[rows]).mean()}


def slot_losses(joints: Tensor, seen: Tensor, truth: JointTruth) -> Tensor:
    """2 L1 and 2 (1 - OKS) over labelled joints, and focal visibility over all; each summed per person, mean over M.

    Args:
        joints: float [M, K, 2], xy in 0..1.
        seen: float [M, K, 2], logits of not labelled and labelled.
        truth: joints and areas.
    """
    labelled = truth.joints[..., 2] > 0
    away = (joints - truth.joints[..., :2]).abs().sum(2) * labelled
    unlike = ((1 - oks_of(joints, truth)) * labelled).sum(1) / labelled.sum(1).clamp(min=1)
    wanted = functional.one_hot(labelled.long(), 2).float()
    return (2 * away.sum(1) + 2 * unlike + focal_loss(seen, wanted).mean((1, 2))).mean()


def _mlp(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, out))
