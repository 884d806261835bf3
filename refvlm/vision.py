"""Vision: a convolutional pyramid for the decoders and a CLIP transformer for the language model."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPVisionConfig, ConvNextBackbone, ConvNextConfig
from transformers.models.clip.modeling_clip import CLIPEncoder

from refvlm.config import EncoderConfig, RefVLMConfig, TrunkConfig


@dataclass(frozen=True)
class ImageFeatures:
    """What one pass over a batch of images yields.

    Attributes:
        tokens: float [B, G*G, D], image tokens in the width of the language model, row-major.
        pyramid: float maps from fine to coarse, each [B, C, S, S].
        encoded: float [B, E, G, G], the transformer's features as a map.
        square: float [B, 3, S, S], the normalised images themselves, for decoders with an encoder of their own.
    """

    tokens: Tensor
    pyramid: tuple[Tensor, ...]
    encoded: Tensor
    square: Tensor

    def pick(self, rows: Tensor) -> "ImageFeatures":
        """Take images by index, repeating as needed: several questions share one encoding."""
        levels = tuple(level[rows] for level in self.pyramid)
        return ImageFeatures(self.tokens[rows], levels, self.encoded[rows], self.square[rows])


class ResidualBlock(nn.Module):
    """Pre-norm residual pair of 3x3 convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, S, S] -> the same shape."""
        out: Tensor = x + self.layers(x)
        return out


class Trunk(nn.Module):
    """The dense branch. Coordinates are extra input channels, so that position words have something to hold on to."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.coordinates = config.coordinates
        channels = 5 if config.coordinates else 3
        if config.kind == "convnext":
            self.backbone: nn.Module | None = ConvNextBackbone(
                ConvNextConfig(
                    num_channels=channels,
                    hidden_sizes=list(config.widths),
                    depths=list(config.depths),
                    out_features=["stage1", "stage2", "stage3", "stage4"],
                )
            )
            self.widths: tuple[int, ...] = config.widths
            return
        self.backbone = None
        self.stem = nn.Sequential(
            nn.Conv2d(channels, config.stem_width, 3, 2, 1), nn.GroupNorm(8, config.stem_width), nn.SiLU()
        )
        widths = (config.stem_width, *config.widths)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), *(ResidualBlock(after) for _ in range(depth)))
            for before, after, depth in zip(widths[:-1], widths[1:], config.depths, strict=True)
        )
        self.widths = widths

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Float [B, 3, S, S] -> maps from fine to coarse; strides 2, 4, 8, 16, 32 (plain) or 4, 8, 16, 32."""
        if self.coordinates:
            pixels = torch.cat([pixels, coordinate_maps(pixels.shape[-1], pixels).expand(len(pixels), -1, -1, -1)], 1)
        if self.backbone is not None:
            return tuple(self.backbone(pixels).feature_maps)
        levels = [self.stem(pixels)]
        for stage in self.stages:
            levels.append(stage(levels[-1]))
        return tuple(levels)


def coordinate_maps(side: int, like: Tensor) -> Tensor:
    """Build x and y of every cell centre: [1, 2, side, side], from -1 to 1, in the dtype and device of `like`."""
    axis = (torch.arange(side, device=like.device, dtype=torch.float32) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, y])[None].to(like.dtype)


class VisionEncoder(nn.Module):
    """Both branches and the projector into the language model."""

    def __init__(self, config: RefVLMConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config.trunk)
        encoder = config.encoder
        self.level = self._level_of_stride(encoder)
        self.patch = (
            nn.Conv2d(self.trunk.widths[self.level], encoder.width, 1)
            if encoder.stem == "trunk"
            else nn.Conv2d(3, encoder.width, encoder.patch_size, encoder.patch_size, bias=False)
        )
        clip = encoder.stem == "clip"
        self.class_token = nn.Parameter(torch.randn(encoder.width) * 0.02) if clip else None
        self.positions = nn.Parameter(torch.randn(config.grid**2 + clip, encoder.width) * 0.02)
        self.norm_before = nn.LayerNorm(encoder.width) if clip else nn.Identity()
        self.encoder = CLIPEncoder(
            CLIPVisionConfig(
                hidden_size=encoder.width,
                intermediate_size=encoder.mlp_width,
                num_hidden_layers=encoder.layers,
                num_attention_heads=encoder.heads,
                image_size=config.encoder_size,
                patch_size=encoder.patch_size,
                attn_implementation="sdpa",
            )
        )
        self.norm = nn.Identity() if clip else nn.LayerNorm(encoder.width)
        self.projector = nn.Sequential(
            nn.Linear(encoder.width, config.llm.width), nn.GELU(), nn.Linear(config.llm.width, config.llm.width)
        )

    def _level_of_stride(self, encoder: EncoderConfig) -> int:
        strides = (2, 4, 8, 16, 32) if len(self.trunk.widths) == 5 else (4, 8, 16, 32)
        return strides.index(encoder.patch_size) if encoder.stem == "trunk" else 0

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Float [B, 3, S, S], normalised -> features."""
        pyramid = self.trunk(pixels)
        encoded = self.encode(pixels, pyramid)
        grid = encoded.transpose(1, 2).reshape(len(pixels), -1, self.config.grid, self.config.grid)
        return ImageFeatures(self.projector(encoded), pyramid, grid, pixels)

    def encode(self, pixels: Tensor, pyramid: tuple[Tensor, ...]) -> Tensor:
        """Run the branch of the language model up to the selected layer: float [B, G*G, E], without class token."""
        cells = self.patch(pyramid[self.level] if self.config.encoder.stem == "trunk" else self._shrunk(pixels))
        states = cells.flatten(2).transpose(1, 2)  # [B, G*G, E]
        if self.class_token is not None:
            states = torch.cat([self.class_token.expand(len(states), 1, -1), states], 1)
        states = self.norm_before(states + self.positions)
        for layer in self.encoder.layers[: self.config.encoder.layers_run]:
            states = layer(states, None)
        out: Tensor = self.norm(states if self.class_token is None else states[:, 1:])
        return out

    def _shrunk(self, pixels: Tensor) -> Tensor:
        """Bring the square input to the side that this branch sees: one letterbox serves both."""
        side = self.config.encoder_size
        if pixels.shape[-1] == side:
            return pixels
        return functional.interpolate(pixels, (side, side), mode="bicubic", antialias=True, align_corners=False)
