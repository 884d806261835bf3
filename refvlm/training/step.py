"""One training step: packed turns through the model, and every loss."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.world.scenes import COLOURS, SHAPES, SIZES
from refvlm.decoders.query import Queries, resize
from refvlm.losses import Targets, decoder_losses
from refvlm.model import RefVLM
from refvlm.training.batches import IGNORED, Batch
from refvlm.training.config import LossConfig
from refvlm.vision import ImageFeatures


class CellHeads(nn.Module):
    """Heads that name colour, shape and size per cell while training; they are not part of the model."""

    def __init__(self, model: RefVLM) -> None:
        super().__init__()
        counts = [len(COLOURS) + 1, len(SHAPES) + 1, len(SIZES) + 1]
        self.on_keys = nn.ModuleList(nn.Linear(model.config.decoder.width, count) for count in counts)
        self.on_tokens = nn.ModuleList(nn.Linear(model.config.encoder.width, count) for count in counts)

    def forward(self, model: RefVLM, features: ImageFeatures, cells: Tensor) -> Tensor:
        """Mean cross-entropy over both maps; object cells weigh four times as much as background."""
        values = model.query_trunk.keys(features)[1]
        tokens = resize(features.encoded, cells.shape[-1]).flatten(2).transpose(1, 2)
        losses = []
        weight = torch.where(cells[:, 0] > 0, 4.0, 1.0).flatten()
        for maps, heads in ((values, self.on_keys), (tokens, self.on_tokens)):
            for i, head in enumerate(heads):
                loss = functional.cross_entropy(
                    head(maps).flatten(0, 1).float(), cells[:, i].flatten(), reduction="none"
                )
                losses.append((loss * weight).sum() / weight.sum())
        return torch.stack(losses).mean()


def packed_attention(turn: Tensor, image_tokens: int) -> Tensor:
    """Who may look at whom: causal, and only at the image or the own turn.

    Args:
        turn: int [B, L], number of the turn, -1 on padding.
        image_tokens: how many stand before.

    Returns:
        bool [B, 1, image_tokens + L, image_tokens + L].
    """
    image = torch.full((len(turn), image_tokens), -2, dtype=turn.dtype, device=turn.device)
    owner = torch.cat([image, turn], 1)
    same = owner[:, :, None] == owner[:, None, :]
    to_image = (owner[:, None, :] == -2).expand_as(same)
    causal = torch.ones(same.shape[1:], dtype=torch.bool, device=turn.device).tril()
    return ((same | to_image) & causal)[:, None]


def losses_of(model: RefVLM, heads: CellHeads, batch: Batch, weights: LossConfig) -> dict[str, Tensor]:
    """Run one batch; return each loss and their weighted sum as "total"."""
    features = model.vision(batch.pixels)
    image_tokens = features.tokens.shape[1]
    embedded = model.embed(batch.ids)
    positions = torch.cat([torch.arange(image_tokens).expand(len(batch.ids), -1), batch.place + image_tokens], 1)
    states = model.states(
        torch.cat([features.tokens.to(embedded.dtype), embedded], 1),
        packed_attention(batch.turn, image_tokens),
        positions,
    )[:, image_tokens:]
    logits_at = batch.labels[:, 1:] != IGNORED
    logits = model.llm.lm_head(states[:, :-1][logits_at])
    columns = torch.arange(batch.ids.shape[1])[None]
    inside = (columns >= batch.phrase[:, :1]) & (columns < batch.phrase[:, 1:])
    spoken = embedded.float()[batch.ref_row] * inside[..., None]
    queries = Queries(
        states=states[batch.ref_row, batch.ref_column],
        phrases=spoken.sum(1) / inside.sum(1, keepdim=True).clamp(min=1),
        image=batch.ref_row,
        group=batch.group,
    )
    decoded = model.decode(queries, features)
    sizes = torch.bincount(batch.group).tolist()
    found = decoder_losses(decoded, Targets(batch.boxes, batch.masks, sizes))
    found["text"] = functional.cross_entropy(logits.float(), batch.labels[:, 1:][logits_at])
    found["cells"] = heads(model, features, batch.cells)
    found["total"] = torch.stack([getattr(weights, name) * value for name, value in found.items()]).sum()
    return found
