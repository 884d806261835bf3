"""Every size of the reference model in one place: the tiny and the 7B preset are the same classes, other numbers."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmarks.errors import ConfigError


class Strict(BaseModel):
    """A configuration section that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrunkConfig(Strict):
    """Dense branch: a pyramid at strides 4, 8, 16, 32 (and 2 for the plain kind)."""

    kind: Literal["plain", "convnext"] = "plain"
    stem_width: int = 24
    widths: tuple[int, int, int, int] = (32, 64, 96, 128)
    depths: tuple[int, int, int, int] = (1, 1, 1, 1)
    coordinates: bool = True


class EncoderConfig(Strict):
    """Branch of the language model: a CLIP transformer over a square grid of tokens.

    `stem` says where its tokens come from: "patch" is CLIP's own patch embedding of the pixels, "trunk" a 1x1
    projection of the trunk's map of the same stride, which trains from scratch much faster.
    """

    stem: Literal["patch", "trunk"] = "trunk"
    patch_size: int = 16
    width: int = 160
    layers: int = 4
    heads: int = 5
    mlp_width: int = 640
    select_layer: int = -1


class LlmConfig(Strict):
    """Llama decoder."""

    width: int = 192
    layers: int = 5
    heads: int = 6
    mlp_width: int = 512
    max_positions: int = 512
    tie_embeddings: bool = True


class DecoderConfig(Strict):
    """Query trunk with its box and mask heads.

    `phrase_skip` adds the mean embedding of the phrase's tokens to the query and `reference_points` reads a centre
    off an attention map; switch both off for the published design.
    """

    width: int = 128
    layers: int = 2
    heads: int = 4
    mlp_width: int = 256
    key_stride: int = 8
    pixel_width: int = 32
    phrase_skip: bool = True
    reference_points: bool = True
    window: int = 5


class RefVLMConfig(Strict):
    """The whole model. `image_size` is the side of the square input in pixels."""

    image_size: int = 128
    trunk: TrunkConfig = Field(default_factory=TrunkConfig)
    encoder: EncoderConfig = Field(default_factory=EncoderConfig)
    llm: LlmConfig = Field(default_factory=LlmConfig)
    decoder: DecoderConfig = Field(default_factory=DecoderConfig)
    vocab_size: int
    max_new_tokens: int = 160

    @property
    def grid(self) -> int:
        """Side of the square of image tokens."""
        return self.image_size // self.encoder.patch_size


def read_config(content: Any, where: Path) -> RefVLMConfig:
    """Check a configuration.

    Raises:
        ConfigError: a key is unknown or a value has the wrong type; names the file and the key.
    """
    try:
        return RefVLMConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: {key}: {first['msg']}") from None
