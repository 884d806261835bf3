"""Every size of the reference model in one place: the tiny and the 7B preset are the same classes, other numbers."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benchmarks.errors import ConfigError, UnknownName, unknown
from refvlm.joints import joint_set

Size = Annotated[int, Field(gt=0)]


class Strict(BaseModel):
    """A configuration section that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Three = tuple[float, float, float]


class PixelConfig(Strict):
    """How RGB values of 0 to 255 become numbers: minus `mean`, divided by `spread`; `pad` fills up to a square."""

    mean: Three = (127.5, 127.5, 127.5)
    spread: Three = (64.0, 64.0, 64.0)
    pad: tuple[int, int, int] = (127, 127, 127)


class TrunkConfig(Strict):
    """Dense branch: a pyramid at strides 4, 8, 16, 32 (and 2 for the plain kind)."""

    kind: Literal["plain", "convnext"] = "plain"
    stem_width: int = 24
    widths: tuple[int, int, int, int] = (32, 64, 96, 128)
    depths: tuple[int, int, int, int] = (1, 1, 1, 1)
    coordinates: bool = True


class TransformerConfig(Strict):
    """Sizes that every transformer here has."""

    width: Size
    layers: Size
    heads: Size
    mlp_width: Size

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} does not split into {self.heads} heads of even width")
        return self


class EncoderConfig(TransformerConfig):
    """Branch of the language model: a CLIP transformer over a square grid of tokens.

    `stem` says where its tokens come from: "patch" is a patch embedding of the pixels, "trunk" a 1x1 projection of the
    trunk's map of the same stride, which trains from scratch much faster, and "clip" all that CLIP itself has, so that
    its weights fit: patches, a class token, a norm before the layers and none behind. `image_size` is the side that
    this branch sees the square input at; None for as it is. `select_layer` counts from the end, -1 is the last.
    """

    stem: Literal["patch", "trunk", "clip"] = "trunk"
    image_size: Size | None = None
    patch_size: Size = 16
    width: Size = 160
    layers: Size = 4
    heads: Size = 5
    mlp_width: Size = 640
    select_layer: int = Field(default=-1, lt=0)

    @property
    def layers_run(self) -> int:
        """Layers up to the selected one; those behind it are only kept."""
        return self.layers + 1 + self.select_layer


class LlmConfig(TransformerConfig):
    """Llama decoder."""

    width: Size = 192
    layers: Size = 5
    heads: Size = 6
    mlp_width: Size = 512
    max_positions: Size = 512
    norm_eps: float = 1e-6
    tie_embeddings: bool = True


class DecoderConfig(TransformerConfig):
    """Query trunk with its box and mask heads.

    `quality` adds a head that foretells the IoU. `head_width` is the width inside the small networks that answer.

    Where this model departs from the published design, a flag brings that back (configs/train/ablations measures each):
    `phrase_skip` off leaves the mean embedding of the phrase's tokens out of the query; `reference_points` off reads no
    centre off an attention map; `refine` off answers with the first box; `point_features` off lets the heads see the
    query alone instead of the pixel at its point too; `bowl` off leaves masks the dot product alone; `peers` "answer"
    lets all `<REF>` tokens of an answer attend to one another instead of those of a triplet; `query_positions` above 0
    adds a learned embedding by the running index of a `<REF>` in its answer (100 as published; later ones share the
    last, where the published code drops them); `focal_masks` learns masks by 20 focal and 1 dice, see `refvlm.losses`.
    """

    width: Size = 128
    layers: Size = 2
    heads: Size = 4
    mlp_width: Size = 256
    key_stride: Literal[4, 8, 16, 32] = 8
    pixel_width: Size = 32
    head_width: Size = 128
    phrase_skip: bool = True
    reference_points: bool = True
    window: int = 5
    quality: bool = False
    refine: bool = True
    point_features: bool = True
    bowl: bool = True
    peers: Literal["triplet", "answer"] = "triplet"
    query_positions: int = Field(default=0, ge=0)
    focal_masks: bool = False


class KeypointConfig(Strict):
    """Keypoint decoder: a square of `cells` samples over a box widened by `margin`, `width` channels.

    `sets` names the sets of joints it answers with, see `refvlm.joints`: the first is that of questions that name no
    joints, each further one is a head of its own.
    """

    joints: Size = 17
    cells: Size = 24
    width: Size = 48
    margin: float = 1.3
    sets: tuple[str, ...] = ("coco",)

    @model_validator(mode="after")
    def _sets_are_known(self) -> Self:
        try:
            known = [joint_set(name) for name in self.sets]
        except UnknownName as error:
            raise ValueError(str(error)) from None
        if not known or len(set(self.sets)) != len(self.sets):
            raise ValueError("sets must name one set of joints or more, each once")
        if len(known[0].names) != self.joints:
            raise ValueError(
                f"joints is {self.joints} but {self.sets[0]}, the first of sets, has {len(known[0].names)}"
            )
        return self


class DepthConfig(Strict):
    """Depth decoder: `bins` depths between `near_m` and `far_m` metres, spaced evenly in their logarithm."""

    bins: Size = 32
    near_m: float = Field(default=1.5, gt=0)
    far_m: float = 12.0

    @model_validator(mode="after")
    def _far_is_farther(self) -> Self:
        if self.far_m <= self.near_m:
            raise ValueError(f"far_m {self.far_m} must be more than near_m {self.near_m}")
        return self


class RegionConfig(Strict):
    """Visual prompt encoder.

    `design` "grid" has `grid` squared tokens of content on a grid over the prompt's own extent, and one of geometry;
    "bands" is the published one, see `refvlm.bands`: `grid` squared bands of raster lines and one token without shape.
    """

    grid: Size = 2
    design: Literal["grid", "bands"] = "grid"

    @property
    def tokens(self) -> int:
        """Tokens that one prompt takes in the sequence."""
        return self.grid**2 + 1


class AdapterConfig(Strict):
    """Adapter between language model and decoders, see `refvlm.decoders.adapter`: two-way attention `width` wide."""

    width: Size = 128
    layers: Size = 1
    heads: Size = 4
    mlp_width: Size = 256

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % (4 * self.heads):
            raise ValueError(f"width {self.width} must be a multiple of four times the {self.heads} heads")
        return self


class SizesConfig(Strict):
    """All of the model but its words. `image_size` is the side of the square input in pixels; a section left out is not
    built. `grammar` says how questions are put and answers are spelled, see `refvlm.grammars`.

    `decoders` builds further decoders of `refvlm.decoders.registry`: name -> options. Where several are there for a
    unit, `mask_decoder` and `keypoint_decoder` name the one that answers.
    """

    image_size: Size = 128
    pixels: PixelConfig = Field(default_factory=PixelConfig)
    trunk: TrunkConfig = Field(default_factory=TrunkConfig)
    encoder: EncoderConfig = Field(default_factory=EncoderConfig)
    llm: LlmConfig = Field(default_factory=LlmConfig)
    decoder: DecoderConfig = Field(default_factory=DecoderConfig)
    keypoint: KeypointConfig | None = None
    depth: DepthConfig | None = None
    regions: RegionConfig | None = None
    grammar: Literal["trp", "vd_cot"] = "trp"
    adapter: AdapterConfig | None = None
    decoders: dict[str, dict[str, Any]] = Field(default_factory=dict)
    mask_decoder: str = "mask"
    keypoint_decoder: str = "keypoint"
    max_new_tokens: Size = 160

    @model_validator(mode="after")
    def _tokens_tile_the_image(self) -> Self:
        if self.encoder_size % self.encoder.patch_size:
            raise ValueError(f"image_size {self.encoder_size} is no multiple of patch_size {self.encoder.patch_size}")
        if self.encoder.stem == "trunk" and self.encoder.image_size is not None:
            raise ValueError("encoder.image_size must be left out where stem is trunk: its tokens are trunk cells")
        if self.regions is not None and self.regions.design == "bands" and self.grid % self.regions.grid:
            raise ValueError(f"{self.grid}x{self.grid} image tokens do not split into {self.regions.grid**2} bands")
        if self.encoder.layers_run < 0:
            raise ValueError(f"select_layer {self.encoder.select_layer} lies before the first of {self.encoder.layers}")
        return self

    @property
    def encoder_size(self) -> int:
        """Side of the square that the branch of the language model sees, in pixels."""
        return self.encoder.image_size or self.image_size

    @property
    def grid(self) -> int:
        """Side of the square of image tokens."""
        return self.encoder_size // self.encoder.patch_size


class RefVLMConfig(SizesConfig):
    """The whole model."""

    vocab_size: Size


MODEL_TYPE = "refvlm"
"""What transformers calls it, see `refvlm.hub`."""
HUB_KEYS = frozenset({"architectures", "dtype", "model_type", "transformers_version"})
"""Keys that transformers writes beside the sizes."""


def read_config(content: Any, where: Path) -> RefVLMConfig:
    """Check a configuration; keys that transformers adds are passed over.

    Raises:
        ConfigError: a key is unknown or a value has the wrong type; names the file and the key.
    """
    if isinstance(content, dict):
        content = {key: value for key, value in content.items() if key not in HUB_KEYS}
    try:
        return RefVLMConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{where}: {complaint(error, RefVLMConfig)}") from None


def complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """Say in one line what the first fault is, with the nearest known key for an unknown one."""
    first = error.errors()[0]
    *sections, last = [str(part) for part in first["loc"]] or [""]
    if first["type"] == "extra_forbidden":
        return str(unknown(f"key{f' of {sections[-1]}' if sections else ''}", last, _keys(model, sections)))
    key = ".".join([*sections, last])
    return f"{key}{': ' if key else ''}{first['msg'].removeprefix('Value error, ')}"


def _keys(model: type[BaseModel], sections: list[str]) -> list[str]:
    for name in sections:
        annotation = model.model_fields[name].annotation
        kinds = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
        model = next(each for each in kinds if issubclass(each, BaseModel))  # a section may be left out: X | None
    return list(model.model_fields)
