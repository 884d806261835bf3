"""Passes of the language model while it answers: its own layers, without the work that nobody needs.

The parts of transformers' Llama layers are called in turn, with the same weights. Padding goes through no linear layer,
and the last layer goes beyond keys and values only for the states that are asked for. Models that accelerate has spread
over devices are passed through transformers' own forward, whose hooks bring the weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.nn import functional
from transformers import DynamicCache

from refvlm.key_values import KeyValues
from refvlm.layers import layers, normed
from refvlm.model import RefVLM


class Keeping(Protocol):
    """What keeps keys and values: `KeyValues`, or a cache of transformers."""

    def update(self, keys: Tensor, values: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Store those of new tokens [R, H, L, d], and return those of all."""


@dataclass(frozen=True)
class Laid:
    """N tokens of R rows, one row after the other, and their places where all rows are padded to L.

    Attributes:
        row, column: int [N], place of each.
        shape: R and L.
    """

    row: Tensor
    column: Tensor
    shape: tuple[int, int]

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> "Laid":
        """Lay out rows of these lengths."""
        row = [k for k, length in enumerate(lengths) for _ in range(length)]
        column = [step for length in lengths for step in range(length)]
        places = torch.tensor([row, column], dtype=torch.long).to(device)
        return cls(places[0], places[1], (len(lengths), max(lengths)))

    @property
    def _even(self) -> bool:
        return len(self.row) == self.shape[0] * self.shape[1]

    def spread(self, values: Tensor) -> Tensor:
        """[N, ...] -> [R, L, ...], zeros on padding."""
        if self._even:
            return values.reshape(*self.shape, *values.shape[1:])
        return values.new_zeros(*self.shape, *values.shape[1:]).index_put_((self.row, self.column), values)

    def gather(self, values: Tensor) -> Tensor:
        """Undo `spread`."""
        return values.flatten(0, 1) if self._even else values[self.row, self.column]


class Reader:
    """Lets the language model of one model read, for as long as its weights stay what they are: a batch."""

    def __init__(self, model: RefVLM) -> None:
        self._model = model
        self._is_spread = any(hasattr(part, "_hf_hook") for part in model.llm.modules())
        self._layers = [] if self._is_spread else layers(model.llm.model)

    def read_images(self, tokens: Tensor) -> DynamicCache:
        """What `RefVLM.read_images` returns, for image tokens float [B, G, D]."""
        if self._is_spread:
            return self._model.read_images(tokens)
        cache = DynamicCache()
        laid = Laid.of([tokens.shape[1]] * len(tokens), tokens.device)
        self._pass(cast(Keeping, cache), tokens.flatten(0, 1), laid, (laid.column, None), torch.empty(0))
        return cache

    def read(self, memory: KeyValues, tokens: Tensor, lengths: Sequence[int], wanted: Sequence[int]) -> Tensor:
        """Read on.

        Args:
            memory: what it has read, R rows.
            tokens: embeddings of the tokens of all rows, one row after the other, float [N, D].
            lengths: how many tokens each row reads; at least one reads some.
            wanted: places among the N tokens.

        Returns:
            float [M, D], last-layer states after the wanted tokens.
        """
        laid = Laid.of(lengths, tokens.device)
        real = torch.arange(laid.shape[1]) < torch.tensor(lengths)[:, None]
        positions, visible = memory.append(real.to(tokens.device))
        at = torch.tensor(wanted, dtype=torch.long).to(tokens.device)
        if not self._is_spread:
            mask = torch.zeros_like(visible, dtype=tokens.dtype).masked_fill_(~visible, float("-inf"))
            return self._pass(memory, tokens, laid, (positions[laid.row, laid.column], mask), at)
        states: Tensor = self._model.llm.model(
            inputs_embeds=laid.spread(tokens), attention_mask=visible, position_ids=positions, past_key_values=memory,
            use_cache=True,
        ).last_hidden_state  # fmt: skip
        return laid.gather(states.to(tokens.device))[at]

    def _pass(
        self, memory: Keeping, tokens: Tensor, laid: Laid, seen: tuple[Tensor, Tensor | None], wanted: Tensor
    ) -> Tensor:
        """Pass all layers; `seen` are positions int [N], and what is added to attention [R, 1, L, slots], None: causal.

        Returns:
            float [M, D], states of the wanted tokens.
        """
        llm: Any = self._model.llm.model
        turned_by = turn(llm.rotary_emb(tokens, seen[0][None]))
        states = tokens
        for index, layer in enumerate(self._layers):
            last = index + 1 == len(self._layers)
            heads = layer.heads(states).view(len(states), 3, -1, layer.head_width)
            _turned(heads[:, :2], turned_by)
            query, key, value = laid.spread(heads).permute(2, 0, 3, 1, 4)  # [R, H, L, d] each
            keys, values = memory.update(key, value, index)
            if last and not len(wanted):
                break
            heard = functional.scaled_dot_product_attention(query, keys, values, seen[1], is_causal=seen[1] is None)
            heard = laid.gather(heard.transpose(1, 2)).flatten(1)
            if last:
                heard, states = heard[wanted], states[wanted]
            states = layer.thought(layer.told(states, heard))
        return normed(llm.norm, states)


def turn(angles: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Factors of a head's values, and of the values half a head away, by position: float [N, 1, 1, d] each."""
    cosine, sine = (each[0, :, None, None] for each in angles)
    first, second = sine.chunk(2, 3)
    return cosine, torch.cat([-first, second], 3)


def _turned(heads: Tensor, turn: tuple[Tensor, Tensor]) -> None:
    """Turn heads [N, 2, H, d] by their positions, in place."""
    away = heads.roll(heads.shape[3] // 2, 3)
    heads.mul_(turn[0]).addcmul_(away, turn[1])
