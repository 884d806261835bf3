"""The query trunk that all decoders share: REF states look at the image and settle on a reference point."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from refvlm.config import RefVLMConfig
from refvlm.vision import ImageFeatures


@dataclass(frozen=True)
class Queries:
    """Every `<REF>` of a batch, flattened in reading order.

    Attributes:
        states: float [N, D], state of the language model after consuming the `<REF>` token.
        phrases: float [N, D], mean input embedding of the tokens of the triplet's phrase.
        image: int [N], which image each one refers to.
        group: int [N], which triplet each one belongs to; equal numbers attend to one another.
        answer: int [N], which answer each one stands in; None where every image has one answer.
    """

    states: Tensor
    phrases: Tensor
    image: Tensor
    group: Tensor
    answer: Tensor | None = None


@dataclass(frozen=True)
class Located:
    """Queries after the trunk.

    Attributes:
        query: float [N, d].
        point: float [N, 2], reference point xy in 0..1 of the square input.
        heat: float [N, K], logits of the attention map that the point was read from (K = side squared).
        image: int [N].
    """

    query: Tensor
    point: Tensor
    heat: Tensor
    image: Tensor


@dataclass(frozen=True)
class Layout:
    """Queries laid out by image, so that those of one image share its maps instead of copying them.

    Attributes:
        image: int [N], image of each query.
        slot: int [N], its place among the queries of its image.
        shape: number of images, and the most queries that one has.
    """

    image: Tensor
    slot: Tensor
    shape: tuple[int, int]

    @classmethod
    def of(cls, image: Tensor, images: int) -> "Layout":
        """Lay out queries, int [N] image of each; they may come in any order."""
        earlier = (image[:, None] == image[None, :]).tril(-1)
        slot = earlier.sum(1)
        return cls(image, slot, (images, int(slot.max()) + 1 if len(slot) else 1))

    def spread(self, values: Tensor) -> Tensor:
        """Float [N, ...] -> [B, Q, ...], zeros where an image has no query."""
        out = values.new_zeros(*self.shape, *values.shape[1:])
        return out.index_put((self.image, self.slot), values)

    def gather(self, values: Tensor) -> Tensor:
        """Undo `spread`: [B, Q, ...] -> [N, ...]."""
        return values[self.image, self.slot]


class QueryLayer(nn.Module):
    """Self-attention inside a triplet, cross-attention to the image, feed-forward; pre-norm."""

    def __init__(self, width: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        self.peers = nn.MultiheadAttention(width, heads, batch_first=True)
        self.cross = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, mlp_width), nn.GELU(), nn.Linear(mlp_width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, query: Tensor, keys: Tensor, values: Tensor, strangers: Tensor, layout: Layout) -> Tensor:
        """Query [N, d], keys and values [B, K, d], strangers bool [N, N] (True = may not attend) -> [N, d]."""
        x = self.norms[0](query)[None]
        query = query + self.peers(x, x, x, attn_mask=strangers, need_weights=False)[0][0]
        asking = layout.spread(self.norms[1](query))
        query = query + layout.gather(self.cross(asking, keys, values, need_weights=False)[0])
        out: Tensor = query + self.mlp(self.norms[2](query))
        return out


class QueryTrunk(nn.Module):
    """REF states -> located queries."""

    sines: Tensor

    def __init__(self, config: RefVLMConfig, level_widths: tuple[int, ...]) -> None:
        super().__init__()
        decoder = config.decoder
        self.config = decoder
        self.side = config.image_size // decoder.key_stride
        self.state_in = nn.Linear(config.llm.width, decoder.width)
        self.phrase_in = nn.Linear(config.llm.width, decoder.width, bias=False)
        self.merge = nn.Sequential(
            nn.LayerNorm(decoder.width),
            nn.Linear(decoder.width, decoder.width),
            nn.GELU(),
            nn.Linear(decoder.width, decoder.width),
        )
        self.key_in = nn.Conv2d(sum(level_widths) + config.encoder.width, decoder.width, 1)
        self.register_buffer("sines", sine_positions(self.side, decoder.width), persistent=False)
        self.layers = nn.ModuleList(
            QueryLayer(decoder.width, decoder.heads, decoder.mlp_width) for _ in range(decoder.layers)
        )
        self.norm = nn.LayerNorm(decoder.width)
        self.heat_query = nn.Linear(decoder.width, decoder.width)
        self.heat_key = nn.Linear(decoder.width, decoder.width)
        self.places = nn.Embedding(decoder.query_positions, decoder.width) if decoder.query_positions else None

    def fill(self) -> None:
        """Compute what is not stored: for loaders that build a model without its values."""
        self.sines = sine_positions(self.side, self.config.width).to(self.state_in.weight)

    def keys(self, features: ImageFeatures) -> tuple[Tensor, Tensor]:
        """Merge all levels at one stride: keys with positions and values without, each [B, K, d]."""
        side = self.side
        maps = [resize(level, side) for level in (*features.pyramid, features.encoded)]
        values = self.key_in(torch.cat(maps, 1)).flatten(2).transpose(1, 2)  # [B, K, d]
        return values + self.sines, values

    def forward(self, queries: Queries, features: ImageFeatures) -> Located:
        """Locate every query; N may be zero."""
        keys, values = self.keys(features)
        query = self.state_in(queries.states)
        if self.config.phrase_skip:
            query = query + functional.layer_norm(self.phrase_in(queries.phrases), query.shape[-1:])
        query = query + self.merge(query)
        layout = Layout.of(queries.image, len(keys))
        answer = queries.image if queries.answer is None else queries.answer
        if self.places is not None:
            index = Layout.of(answer, 0).slot
            query = query + self.places(index.clamp(max=self.config.query_positions - 1))
        peers = queries.group if self.config.peers == "triplet" else answer
        strangers = peers[:, None] != peers[None, :]
        for layer in self.layers:
            query = layer(query, keys, values, strangers, layout)
        query = self.norm(query)
        heat = layout.gather(layout.spread(self.heat_query(query)) @ self.heat_key(keys).transpose(1, 2)).float()
        heat = heat / self.config.width**0.5
        if not self.config.reference_points:
            return Located(query, torch.full_like(heat[:, :2], 0.5), heat, queries.image)
        return Located(query, local_soft_argmax(heat, self.side, self.config.window), heat, queries.image)


def resize(level: Tensor, side: int) -> Tensor:
    """Bring a map to side x side: averaging when it shrinks, bilinear when it grows."""
    if level.shape[-1] == side:
        return level
    if level.shape[-1] % side == 0:
        return functional.avg_pool2d(level, level.shape[-1] // side)
    return functional.interpolate(level, (side, side), mode="bilinear", align_corners=False)


def local_soft_argmax(heat: Tensor, side: int, window: int) -> Tensor:
    """Read a point off a heat map: softmax-weighted mean of cell centres within a window around the maximum.

    A soft-argmax over the whole map returns a point between two candidates; the window keeps to one.

    Args:
        heat: float [N, side*side], logits.
        side: cells per side.
        window: odd number of cells.

    Returns:
        float [N, 2], xy in 0..1.
    """
    cells = torch.arange(side * side, device=heat.device)
    y, x = cells // side, cells % side
    best = heat.argmax(1)
    near = ((x - x[best][:, None]).abs() <= window // 2) & ((y - y[best][:, None]).abs() <= window // 2)
    weights = heat.masked_fill(~near, float("-inf")).softmax(1)
    centres = (torch.stack([x, y], 1).to(heat.dtype) + 0.5) / side
    return weights @ centres


def sine_positions(side: int, width: int) -> Tensor:
    """Sinusoidal 2-D positions as in DETR: float [side*side, width], half for y, half for x."""
    axis = (torch.arange(side) + 0.5) / side * 2 * torch.pi
    frequencies = 10000 ** (torch.arange(width // 4) / (width // 4))
    angles = axis[:, None] / frequencies * side / 4
    one = torch.cat([angles.sin(), angles.cos()], 1)  # [side, width/2]
    return torch.cat([one[:, None].expand(side, side, -1), one[None].expand(side, side, -1)], 2).flatten(0, 1)


def sample_at(maps: Tensor, image: Tensor, point: Tensor) -> Tensor:
    """Read features at points, bilinearly: maps [B, C, S, S], image int [N], point [N, 2] in 0..1 -> [N, C]."""
    layout = Layout.of(image, len(maps))
    grid = layout.spread(point * 2 - 1)[:, :, None].to(maps.dtype)  # [B, Q, 1, 2]
    read = functional.grid_sample(maps, grid, align_corners=False)  # [B, C, Q, 1]
    return layout.gather(read[..., 0].transpose(1, 2))
