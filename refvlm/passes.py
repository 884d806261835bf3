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


def read_images(model: RefVLM, tokens: Tensor) -> DynamicCache:
    """What `RefVLM.read_images` returns, for image tokens float [B, G, D]."""
    if _is_spread(model):
        return model.read_images(tokens)
    cache = DynamicCache()
    laid = Laid.of([tokens.shape[1]] * len(tokens), tokens.device)
    _pass(model, cast(Keeping, cache), tokens.flatten(0, 1), laid, (laid.column, None), torch.empty(0))
    return cache


def read(model: RefVLM, memory: KeyValues, tokens: Tensor, lengths: Sequence[int], wanted: Sequence[int]) -> Tensor:
    """Let the language model read on.

    Args:
        model: whose language model it is.
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
    if not _is_spread(model):
        mask = torch.zeros_like(visible, dtype=tokens.dtype).masked_fill_(~visible, float("-inf"))
        return _pass(model, memory, tokens, laid, (positions[laid.row, laid.column], mask), at)
    states: Tensor = model.llm.model(
        inputs_embeds=laid.spread(tokens), attention_mask=visible, position_ids=positions, past_key_values=memory,
        use_cache=True,
    ).last_hidden_state  # fmt: skip
    return laid.gather(states.to(tokens.device))[at]


def _pass(
    model: RefVLM, memory: Keeping, tokens: Tensor, laid: Laid, seen: tuple[Tensor, Tensor | None], wanted: Tensor
) -> Tensor:
    """Pass all layers; `seen` are positions int [N], and what is added to attention [R, 1, L, slots], None for causal.

    Returns:
        float [M, D], states of the wanted tokens.
    """
    llm: Any = model.llm.model
    turn = llm.rotary_emb(tokens, seen[0][None])
    states = tokens
    for index, layer in enumerate(llm.layers):
        last = index + 1 == len(llm.layers)
        heads = _heads(layer, states, turn)  # [N, 3, H, d]
        query, key, value = laid.spread(heads).permute(2, 0, 3, 1, 4)  # [R, H, L, d] each
        keys, values = memory.update(key, value, index)
        if last and not len(wanted):
            break
        heard = functional.scaled_dot_product_attention(query, keys, values, seen[1], is_causal=seen[1] is None)
        heard = laid.gather(heard.transpose(1, 2)).flatten(1)
        if last:
            heard, states = heard[wanted], states[wanted]
        states = states + layer.self_attn.o_proj(heard)
        states = states + layer.mlp(_normed(layer.post_attention_layernorm, states))
    return _normed(llm.norm, states)


def _heads(layer: Any, states: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Queries, keys and values of N tokens, the first two turned by their positions: float [N, 3, H, d]."""
    attention, normed = layer.self_attn, _normed(layer.input_layernorm, states)
    parts = [attention.q_proj(normed), attention.k_proj(normed), attention.v_proj(normed)]
    heads = torch.stack(parts, 1).reshape(len(states), len(parts), -1, attention.head_dim)
    cosine, sine = (each[0, :, None, None] for each in turn)
    turned = heads[:, :2]
    first, second = turned.chunk(2, 3)
    heads[:, :2] = turned * cosine + torch.cat([-second, first], 3) * sine
    return heads


def _normed(norm: Any, states: Tensor) -> Tensor:
    """Root mean square norm, as Llama's layers have it."""
    out: Tensor = functional.rms_norm(states, norm.weight.shape, norm.weight, norm.variance_epsilon)
    return out


def _is_spread(model: RefVLM) -> bool:
    return any(hasattr(part, "_hf_hook") for part in model.llm.modules())
