"""Layers of a Llama language model as passes over flat tokens call them: parts in turn, without transformers' forward.

Small models on a processor spend their time on starting operations and on reading weights against their grain. For the
length of one batch their weights are joined (queries, keys and values; gate and up) and laid as products want them,
with the norm's own weights multiplied in: the same sums up to float32's last digits. A model is small where the copies
cost less than a few tokens; larger ones, those on other devices or in half precision, and layers that are adapted,
quantised or listened to by hooks are called as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import SiLUActivation

WIDEST = 512
"""Of models whose weights are joined."""


@dataclass(frozen=True)
class Layer:
    """One layer, in four steps; d is the width of a head, H their number.

    Attributes:
        heads: float [N, D] -> queries, keys and values before they are turned, [N, 3 * H * d].
        told: states [N, D] and what attention heard [N, H * d] -> states.
        thought: states [N, D] -> the same after the feed-forward network.
        head_width: d.
    """

    heads: Callable[[Tensor], Tensor]
    told: Callable[[Tensor, Tensor], Tensor]
    thought: Callable[[Tensor], Tensor]
    head_width: int


def layers(llm: Any) -> list[Layer]:
    """Prepare the layers of a Llama model, float [D] states; valid until its weights change."""
    return [_joined(each) if _is_small(each) else _as_it_is(each) for each in llm.layers]


def normed(norm: Any, states: Tensor) -> Tensor:
    """Root mean square norm, as Llama's layers have it."""
    out: Tensor = functional.rms_norm(states, norm.weight.shape, norm.weight, norm.variance_epsilon)
    return out


def _as_it_is(layer: Any) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp

    def heads(states: Tensor) -> Tensor:
        x = normed(layer.input_layernorm, states)
        return torch.cat([attention.q_proj(x), attention.k_proj(x), attention.v_proj(x)], 1)

    def told(states: Tensor, heard: Tensor) -> Tensor:
        out: Tensor = states + attention.o_proj(heard)
        return out

    def thought(states: Tensor) -> Tensor:
        out: Tensor = states + mlp(normed(layer.post_attention_layernorm, states))
        return out

    return Layer(heads, told, thought, attention.head_dim)


def _joined(layer: Any) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    into = _product((attention.q_proj, attention.k_proj, attention.v_proj), layer.input_layernorm)
    back = _product((attention.o_proj,))
    spread = _product((mlp.gate_proj, mlp.up_proj), layer.post_attention_layernorm)
    gathered = _product((mlp.down_proj,))
    first, second = (_scale(norm) for norm in (layer.input_layernorm, layer.post_attention_layernorm))

    def told(states: Tensor, heard: Tensor) -> Tensor:
        return torch.addmm(states, heard, back)

    def thought(states: Tensor) -> Tensor:
        gate, up = torch.mm(second(states), spread).chunk(2, 1)
        return torch.addmm(states, functional.silu(gate).mul_(up), gathered)

    return Layer(lambda states: torch.mm(first(states), into), told, thought, attention.head_dim)


def _product(linears: Sequence[nn.Linear], norm: Any = None) -> Tensor:
    """Weights of linear layers side by side as the right factor of a product, float [in, out], behind a norm's own."""
    weights = torch.cat([linear.weight for linear in linears]).t()
    return weights.contiguous() if norm is None else (weights * norm.weight[:, None]).contiguous()


def _scale(norm: Any) -> Callable[[Tensor], Tensor]:
    """Root mean square norm without its weights: float [N, D] -> the same shape."""
    share = 1 / len(norm.weight)
    least = torch.full((1, 1), norm.variance_epsilon)

    def scaled(states: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(states, dim=1, keepdim=True)
        return states * torch.addcmul(least, length, length, value=share).rsqrt_()

    return scaled


def is_plain(layer: Any) -> bool:
    """Whether a layer is Llama's own: linear layers without bias, adapters or quantisation, and SiLU."""
    silu = isinstance(layer.mlp.act_fn, SiLUActivation)
    return silu and all(type(each) is nn.Linear and each.bias is None for each in _linears(layer))


def _linears(layer: Any) -> list[Any]:
    return [
        *(layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj, layer.self_attn.o_proj),
        *(layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj),
    ]


def _is_small(layer: Any) -> bool:
    parts = _linears(layer)
    listened = any(each._forward_hooks or each._forward_pre_hooks for each in (*parts, layer.mlp, layer.self_attn))
    return not listened and is_plain(layer) and all(_is_cheap_to_copy(each) for each in parts)


def _is_cheap_to_copy(linear: nn.Linear) -> bool:
    return (
        linear.weight.device.type == "cpu"
        and linear.weight.dtype == torch.float32
        and linear.in_features * linear.out_features <= 4 * WIDEST**2
    )
