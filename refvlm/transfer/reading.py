"""A language model learns its words alone: scenes come to it in words, laid out as image tokens, no picture is seen.

So it can answer about a scene that it is told, as a large language model can about a text, before any visual prompt
generator speaks to it: and a generator that says the right words is understood.
"""

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from refvlm.model import RefVLM
from refvlm.tokenizer import PAD, Tokenizer
from refvlm.training import cells
from refvlm.training.batches import Batch
from refvlm.training.config import LossConfig
from refvlm.training.pieces import Counts
from refvlm.training.step import CellHeads, Step, losses_of
from refvlm.vision import ImageFeatures


def word_ids(tokenizer: Tokenizer) -> list[Tensor]:
    """Ids of the words of each map of `refvlm.training.cells`, int [V + 1] each; the first stands for nothing."""
    return [torch.tensor([tokenizer.ids[word] for word in (PAD, *names)]) for names in cells.KINDS]


def told(model: RefVLM, ids: list[Tensor], covered: Tensor) -> Tensor:
    """Image tokens as words: the embeddings of what covers each cell, added up, and the mean of a token's cells.

    Args:
        model: its embeddings are used, and its grid.
        ids: see `word_ids`.
        covered: int [B, K, C, C], see `refvlm.training.cells`.

    Returns:
        float [B, G*G, D]; 0 where there is nothing.
    """
    table = model.llm.model.embed_tokens.weight
    spoken = torch.stack(
        [
            table[own.to(table.device)[each.clamp(min=0)]] * (each > 0)[..., None]
            for own, each in zip(ids, covered.unbind(1), strict=True)
        ]
    ).sum(0)  # [B, C, C, D]
    side, cells_side = model.config.grid, covered.shape[-1]
    share = cells_side // side
    blocks = spoken.reshape(len(covered), side, share, side, share, -1)
    return blocks.mean((2, 4)).flatten(1, 2)


class ReadingStep(Step):
    """A step of training whose image tokens are words."""

    def __init__(self, model: RefVLM, heads: CellHeads, weights: LossConfig, tokenizer: Tokenizer) -> None:
        super().__init__(model, heads, weights)
        self.ids = word_ids(tokenizer)

    def forward(self, batch: Batch, shares: Counts | None) -> dict[str, Tensor]:
        """See `refvlm.training.step.losses_of`."""
        spoken = replace(batch, pixels=told(self.model, self.ids, batch.cells))
        return losses_of(cast(RefVLM, _Listener(self.model)), self.heads, spoken, self.weights, shares)


class _Listener:
    """The model with ears in place of eyes: what it is handed as pixels are its image tokens."""

    def __init__(self, model: RefVLM) -> None:
        self._model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    def vision(self, tokens: Tensor) -> ImageFeatures:
        """Float [B, G*G, D] as they are."""
        return ImageFeatures(tokens, (), tokens, tokens)
