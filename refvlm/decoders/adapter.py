"""Adapter between language model and decoders: `<REF>` states and image states refine one another.

The published one joins a triplet's `<REF>` states with its phrase and lets them and the language model's states of the
image attend to each other (the two-way attention of SAM, Kirillov et al., 2023); it has no padding mask, works in the
full width, and overwrites what it refines. Here padding is masked, the attention runs in a width of its own, the phrase
is the mean of its embeddings, and a gate that starts at zero lets nothing through at first, so that a model which gets
the adapter later is the same model until training opens the gate.
"""

import torch
from torch import Tensor, nn

from refvlm.config import AdapterConfig, RefVLMConfig
from refvlm.decoders.query import Layout, Queries, sine_positions
from refvlm.vision import ImageFeatures


class Adapter(nn.Module):
    """Queries, image features and image states -> both refined."""

    sines: Tensor

    def __init__(self, config: RefVLMConfig, adapter: AdapterConfig) -> None:
        super().__init__()
        width, states = adapter.width, config.llm.width
        self.side, self.width = config.grid, width
        self.ref_in, self.phrase_in = nn.Linear(states, width), nn.Linear(states, width)
        self.image_in = nn.Linear(states, width)
        self.layers = nn.ModuleList(TwoWayLayer(width, adapter.heads, adapter.mlp_width) for _ in range(adapter.layers))
        self.ref_out, self.image_out = nn.Linear(width, states), nn.Linear(width, config.encoder.width)
        self.gate = nn.Parameter(torch.zeros(2))
        """Of the `<REF>` states and of the image; tanh of it scales what is added."""
        self.register_buffer("sines", sine_positions(self.side, width), persistent=False)

    def fill(self) -> None:
        """Compute what is not stored: for loaders that build a model without its values."""
        self.sines = sine_positions(self.side, self.width).to(self.gate)

    def forward(self, queries: Queries, features: ImageFeatures, states: Tensor) -> tuple[Queries, ImageFeatures]:
        """Refine N `<REF>` states, and the encoder's map of the B images that they refer to.

        Args:
            queries: of the language model.
            features: of the images.
            states: float [B, G*G, D], what the language model made of the image tokens.
        """
        if not len(queries.states):
            return queries, features
        triplet, first = number(queries.group)
        layout = Layout.of(triplet, len(first))
        tokens = layout.spread(self.ref_in(queries.states))
        phrase = self.phrase_in(queries.phrases[first])[:, None]
        tokens = torch.cat([phrase, tokens], 1)  # [T, 1 + R, w]
        padding = layout.spread(torch.ones_like(triplet)[:, None])[..., 0] == 0
        padding = torch.cat([torch.zeros_like(padding[:, :1]), padding], 1)  # the phrase is always there
        owner = queries.image[first]
        image = (self.image_in(states) + self.sines)[owner]  # [T, G*G, w]
        for layer in self.layers:
            tokens, image = layer(tokens, image, padding)
        gate = self.gate.tanh()
        refined = queries.states + gate[0] * self.ref_out(layout.gather(tokens[:, 1:]))
        mean = image.new_zeros(len(states), *image.shape[1:]).index_add(0, owner, image)
        mean = mean / torch.bincount(owner, minlength=len(states)).clamp(min=1)[:, None, None]
        change = self.image_out(mean).transpose(1, 2).unflatten(2, (self.side, self.side))
        there = torch.bincount(owner, minlength=len(states))[:, None, None, None] > 0
        encoded = features.encoded + gate[1] * change * there
        return (
            Queries(refined, queries.phrases, queries.image, queries.group, queries.answer),
            ImageFeatures(features.tokens, features.pyramid, encoded, features.square),
        )


def number(group: Tensor) -> tuple[Tensor, Tensor]:
    """Number groups from 0 and find a member of each: int [N] -> int [N], int [T]."""
    values, place = torch.unique(group, return_inverse=True)
    members = torch.arange(len(group), device=group.device)
    first = torch.full_like(values, len(group)).scatter_reduce(0, place, members, "amin")
    return place, first


class TwoWayLayer(nn.Module):
    """Tokens attend to one another and to the image, and the image to the tokens; pre-norm."""

    def __init__(self, width: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        self.own = nn.MultiheadAttention(width, heads, batch_first=True)
        self.to_image = nn.MultiheadAttention(width, heads, batch_first=True)
        self.to_tokens = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, mlp_width), nn.GELU(), nn.Linear(mlp_width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(5))

    def forward(self, tokens: Tensor, image: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [T, R, w], image [T, K, w], padding bool [T, R] (True = nothing there) -> both refined."""
        x = self.norms[0](tokens)
        tokens = tokens + self.own(x, x, x, key_padding_mask=padding, need_weights=False)[0]
        seen = self.norms[1](image)
        tokens = tokens + self.to_image(self.norms[2](tokens), seen, seen, need_weights=False)[0]
        tokens = tokens + self.mlp(self.norms[3](tokens))
        told = self.norms[4](tokens)
        image = image + self.to_tokens(seen, told, told, key_padding_mask=padding, need_weights=False)[0]
        return tokens, image
