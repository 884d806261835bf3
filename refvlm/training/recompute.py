"""Gradient checkpointing: layers keep their inputs only and compute the rest again on the way back.

transformers' own drops the cache of keys and values, in which training keeps what the images say; here a layer's part
of the cache goes in and comes out as tensors, so that the second pass changes nothing.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import DynamicCache

from refvlm.model import RefVLM


def recompute_layers(model: RefVLM) -> None:
    """Make the layers of both vision branches and of the language model compute again instead of keep."""
    for layer in (*model.vision.encoder.layers, *_stages(model)):
        layer.forward = partial(_again, layer, layer.forward)
    for place, layer in enumerate(model.llm.model.layers):
        layer.forward = partial(_again_with_cache, layer, layer.forward, place)


def _stages(model: RefVLM) -> list[nn.Module]:
    trunk = model.vision.trunk
    if trunk.backbone is None:
        return list(trunk.stages)
    stages: Any = trunk.backbone.get_submodule("encoder.stages")
    return [layer for stage in stages for layer in stage.layers]


def _again(layer: nn.Module, forward: Callable[..., Tensor], *inputs: Any) -> Any:
    return checkpoint(forward, *inputs, use_reentrant=False) if layer.training else forward(*inputs)


def _again_with_cache(
    layer: nn.Module, forward: Callable[..., Tensor], place: int, states: Tensor, **named: Any
) -> Tensor:
    cache: DynamicCache = named.pop("past_key_values")
    if not layer.training or cache is None:
        return forward(states, past_key_values=cache, **named)
    known = len(cache.layers) > place and cache.layers[place].is_initialized

    def run(states: Tensor, *before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        own = DynamicCache()
        if before:
            own.update(*before, place)
        out = forward(states, past_key_values=own, **named)
        return out, own.layers[place].keys, own.layers[place].values

    before = (cache.layers[place].keys, cache.layers[place].values) if known else ()
    out: Tensor
    out, keys, values = checkpoint(run, states, *before, use_reentrant=False)
    if not known:
        cache.update(keys, values, place)
    else:
        cache.layers[place].keys, cache.layers[place].values = keys, values
    return out
