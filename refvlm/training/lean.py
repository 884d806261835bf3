"""Layers of a small language model while it learns on a processor: bfloat16 products, and few operations between them.

Under autocast, transformers' layers spend more time on a processor between their products than in them: states are
cast anew for each linear layer, and the way back through fused attention takes several times what its products do.
Here a layer casts its weights and its states once, joins queries, keys and values as well as gate and up into one
product each, and goes back through attention by four products. States between layers stay float32.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache

from benchmarks.errors import ConfigError
from refvlm.layers import is_plain
from refvlm.model import RefVLM
from refvlm.passes import turn

_KIND = torch.bfloat16


def lean_layers(model: RefVLM) -> None:
    """Make the language model's layers pass in this file's way.

    Raises:
        ConfigError: a layer is not a plain Llama layer, because it carries adapters.
    """
    for layer in model.llm.model.layers:
        if not is_plain(layer):
            raise ConfigError("optim.precision bf16_layers wants plain layers: leave out lora, or choose bf16")
        layer.forward = partial(_forward, layer)


def _forward(
    layer: Any,
    states: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    past_key_values: DynamicCache | None = None,
    **_: Any,
) -> Tensor:
    """What `LlamaDecoderLayer.forward` computes for rows without padding on their left, float32 [R, L, D] -> the same.

    A row sees itself up to each token, and all that the cache, if any, holds.
    """
    attention, mlp = layer.self_attn, layer.mlp
    heads = _product(_normed(layer.input_layernorm, states), attention.q_proj, attention.k_proj, attention.v_proj)
    heads = heads.view(*states.shape[:2], 3, -1, attention.head_dim)  # [R, L, 3, H, d]
    query, key = _turned(heads[:, :, :2], position_embeddings).permute(2, 0, 3, 1, 4).unbind()
    keys, values = key, heads[:, :, 2].transpose(1, 2)
    if past_key_values is not None:
        keys, values = past_key_values.update(keys, values, attention.layer_idx)
    heard = _heard(query, keys, values, attention.scaling).transpose(1, 2).flatten(2)
    states = states + _product(heard, attention.o_proj)
    gate, up = _product(_normed(layer.post_attention_layernorm, states), mlp.gate_proj, mlp.up_proj).chunk(2, 2)
    out: Tensor = states + _product(functional.silu(gate) * up, mlp.down_proj)
    return out


def _product(states: Tensor, *linears: nn.Linear) -> Tensor:
    weights = linears[0].weight if len(linears) == 1 else torch.cat([linear.weight for linear in linears])
    return functional.linear(states, weights.to(_KIND))


def _normed(norm: Any, states: Tensor) -> Tensor:
    apply: Any = _Norm.apply
    out: Tensor = apply(states, norm.weight, norm.variance_epsilon)
    return out


def _heard(query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """Attention of all heads, [R, H, L, d] to [R, H, K, d]."""
    apply: Any = _Attention.apply
    flat = (each.reshape(-1, *each.shape[2:]) for each in (query, keys, values))
    out: Tensor = apply(*flat, scale)
    return out.view(query.shape)


def _turned(heads: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Turn heads [R, L, 2, H, d] by their positions, cosines and sines [1, L, d] (Su et al., 2021)."""
    cosine, sine = (each.to(_KIND) for each in turn(angles))
    return torch.addcmul(heads * cosine, heads.roll(heads.shape[-1] // 2, -1), sine)


class _Norm(torch.autograd.Function):
    """Root mean square norm (Zhang and Sennrich, 2019): float32 [..., D] -> bfloat16."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, least: float) -> Tensor:
        length = torch.linalg.vector_norm(states, dim=-1, keepdim=True)
        scale = (length * length / states.shape[-1] + least).rsqrt_()
        unit = states * scale
        ctx.save_for_backward(unit, scale, weight)
        out: Tensor = (unit * weight).to(_KIND)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        unit, scale, weight = ctx.saved_tensors
        above = gradients[0].float()
        inner = above * weight
        along = (inner * unit).mean(-1, keepdim=True)
        of_weight = (above * unit).flatten(0, -2).sum(0) if ctx.needs_input_grad[1] else None
        return torch.addcmul(inner, unit, along, value=-1).mul_(scale), of_weight, None


class _Attention(torch.autograd.Function):
    """Causal attention (Vaswani et al., 2017) of [N, L, d] to keys and values [N, K, d], whose last L are their own."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
        length, seen = query.shape[1], keys.shape[1]
        hidden = torch.full((length, seen), float("-inf"), dtype=query.dtype, device=query.device)
        logits = torch.baddbmm(hidden.triu_(seen - length + 1), query, keys.transpose(1, 2), alpha=scale)
        shares = logits.softmax(-1)
        ctx.save_for_backward(query, keys, values, shares)
        ctx.scale = scale
        return torch.bmm(shares, values)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        query, keys, values, shares = ctx.saved_tensors
        above = gradients[0]
        of_values = torch.bmm(shares.transpose(1, 2), above)
        of_shares = torch.bmm(above, values.transpose(1, 2))
        of_logits = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype)
        of_query = torch.bmm(of_logits, keys).mul_(ctx.scale)
        of_keys = torch.bmm(of_logits.transpose(1, 2), query).mul_(ctx.scale)
        return of_query, of_keys, of_values, None
