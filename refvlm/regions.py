"""Visual prompts: points, boxes, scribbles and masks become tokens that stand where the words mention them.

The published encoder pools bands of raster lines and has a mask token without shape; here the content tokens lie on a
grid relative to the prompt's own extent, and one token tells geometry: centre, extent, area and kind.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.geometry import decode, middles
from benchmarks.schema import Region
from refvlm.config import RefVLMConfig, RegionConfig
from refvlm.decoders.query import resize
from refvlm.processor import Letterbox
from refvlm.vision import ImageFeatures

KINDS = ("point", "box", "scribble", "mask")
POINT_RADIUS = 0.012
"""Radius of a point and half the width of a scribble, as a share of the square input's side."""
_STRIDES = 2
"""Levels of the pyramid that content is pooled from, behind the finest one, beside the encoder's map."""
_GEOMETRY = 5 + len(KINDS)


class RegionEncoder(nn.Module):
    """Rasterised prompts -> tokens in the width of the language model."""

    def __init__(self, config: RefVLMConfig, regions: RegionConfig, level_widths: tuple[int, ...]) -> None:
        super().__init__()
        self.grid = regions.grid
        self.levels = range(1, 1 + _STRIDES)
        width = config.llm.width
        self.content = nn.Linear(sum(level_widths[i] for i in self.levels) + config.encoder.width, width)
        self.geometry = nn.Sequential(nn.Linear(_GEOMETRY, width), nn.GELU(), nn.Linear(width, width))
        self.slots = nn.Parameter(torch.randn(regions.tokens, width) * 0.02)

    def forward(self, masks: Tensor, kinds: Tensor, image: Tensor, features: ImageFeatures) -> Tensor:
        """Encode R prompts.

        Args:
            masks: float [R, S, S] over the square input, 1 inside; none may be empty.
            kinds: int [R], index into KINDS.
            image: int [R], which image each one is drawn on.
            features: of all images.

        Returns:
            float [R, T, D], the tokens of each prompt.
        """
        side = features.pyramid[self.levels[0]].shape[-1]
        maps = [resize(each, side) for each in (*(features.pyramid[i] for i in self.levels), features.encoded)]
        flat = torch.cat(maps, 1).flatten(2)[image]  # [R, C, side*side]
        share, cell, geometry = _describe(masks.float(), side, self.grid)
        weights = functional.one_hot(cell, self.grid**2).transpose(1, 2) * share[:, None]  # [R, grid², side*side]
        weights = weights / weights.sum(2, keepdim=True).clamp(min=1e-6)
        content = self.content(weights.to(flat.dtype) @ flat.transpose(1, 2))
        told = torch.cat([geometry, functional.one_hot(kinds, len(KINDS)).float()], 1)
        tokens = torch.cat([content, self.geometry(told.to(content.dtype))[:, None]], 1)
        return torch.as_tensor(tokens + self.slots)


def _describe(masks: Tensor, side: int, grid: int) -> tuple[Tensor, Tensor, Tensor]:
    """Share of each cell that is inside [R, side²], its place in the prompt's own grid, and geometry [R, 5]."""
    whole = masks.shape[-1]
    inside = masks > 0.5
    columns, rows = inside.any(1).float(), inside.any(2).float()  # [R, S] along x and y
    places = torch.arange(whole, device=masks.device)
    low = torch.stack([columns.argmax(1), rows.argmax(1)], 1)
    high = torch.stack([(columns * places).argmax(1), (rows * places).argmax(1)], 1) + 1
    size = (high - low).float() / whole
    centre = (high + low).float() / 2 / whole
    area = inside.float().mean((1, 2))
    geometry = torch.cat([centre * 2 - 1, size.log() / 3, area.log()[:, None] / 6], 1)
    share = functional.adaptive_avg_pool2d(masks[:, None], side)[:, 0].flatten(1)
    axis = (torch.arange(side, device=masks.device) + 0.5) / side
    start, extent = (low.float() / whole), size
    x = ((axis[None] - start[:, :1]) / extent[:, :1] * grid).long().clamp(0, grid - 1)
    y = ((axis[None] - start[:, 1:]) / extent[:, 1:] * grid).long().clamp(0, grid - 1)
    cell = (y[:, :, None] * grid + x[:, None, :]).flatten(1)
    return share, cell, geometry


def rasterise(region: Region, letterbox: Letterbox) -> np.ndarray:
    """Draw a visual prompt into the square input: float32 [S, S], 1 inside; never empty.

    A point is a small disk, a scribble a line of the same width, a box is filled. Where a region has its own raster,
    that is drawn, the pixels of points and scribbles as disks. A prompt smaller than a pixel keeps that of its centre.

    Raises:
        ValueError: the region lacks the shape that its kind names.
    """
    if region.kind == "mask" and region.mask_rle is None:
        raise ValueError("a region of kind mask needs mask_rle")
    if region.mask_rle is not None and region.kind in ("mask", "box"):
        drawn = letterbox.mask_in(decode(region.mask_rle))
    else:
        drawn = _draw(region, letterbox)
    if drawn.max() < 0.5:
        rows, columns = np.unravel_index(drawn.argmax(), drawn.shape)
        drawn[rows, columns] = 1.0
    return drawn


def _draw(region: Region, letterbox: Letterbox) -> np.ndarray:
    side = letterbox.side
    canvas = Image.new("1", (side, side))
    brush = ImageDraw.Draw(canvas)
    radius = max(1.0, POINT_RADIUS * side)
    if region.kind == "box":
        if region.box_xyxy is None:
            raise ValueError("a region of kind box needs box_xyxy")
        x1, y1, x2, y2 = region.box_xyxy
        (left, top), (right, bottom) = (letterbox.point_in(x, y) for x, y in ((x1, y1), (x2, y2)))
        brush.rectangle([left, top, max(left, right - 1), max(top, bottom - 1)], fill=1)
        return np.array(canvas, dtype=np.float32)
    pixels = region.points_xy or (middles(region.mask_rle) if region.mask_rle else ())
    if not pixels:
        raise ValueError(f"a region of kind {region.kind} needs points_xy")
    points = [letterbox.point_in(x, y) for x, y in pixels]
    if len(region.points_xy) > 1 and region.kind == "scribble":
        brush.line(points, fill=1, width=max(1, round(2 * radius)))
    for x, y in points:
        brush.ellipse([x - radius, y - radius, x + radius, y + radius], fill=1)
    return np.array(canvas, dtype=np.float32)


def stack(regions: Sequence[tuple[Region, Letterbox]]) -> tuple[Tensor, Tensor]:
    """Rasterise prompts: float [R, S, S] and int [R] kinds."""
    masks = torch.from_numpy(np.stack([rasterise(region, letterbox) for region, letterbox in regions]))
    return masks, torch.tensor([KINDS.index(region.kind) for region, _ in regions])
