"""What a decoder is: it answers one unit for some of the `<REF>` tokens, and says how wrong it is while training.

A decoder is added by one file with a subclass of `Decoder` and one line in `refvlm.decoders.registry`.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Instance
from refvlm.config import RefVLMConfig, Strict
from refvlm.decoders.query import Located
from refvlm.processor import Letterbox
from refvlm.vision import ImageFeatures


@dataclass(frozen=True)
class Decoded:
    """What the decoders that every answer passes say about N `<REF>` tokens, in the frame of the square input (0..1).

    Attributes:
        located: queries with their reference points and heat maps.
        pixels: float [B, P, S, S], pixel embeddings of all images, for the decoders that look again.
        rough: float32 [N, 4], boxes before refinement, cxcywh.
        boxes: float32 [N, 4], cxcywh.
        masks: float32 [N, S, S], logits.
        quality: float32 [N, 2], logits of the IoU that box and mask are expected to have; None without that head.
        features: of all images, for decoders with keys or an encoder of their own.
        kept: what such a decoder computed once for an image, by whatever key it chooses.
    """

    located: Located
    pixels: Tensor
    rough: Tensor
    boxes: Tensor
    masks: Tensor
    quality: Tensor | None = None
    features: ImageFeatures | None = None
    kept: dict[Any, Tensor] = field(default_factory=dict)

    def pick(self, rows: Tensor) -> "Decoded":
        """Keep some of the `<REF>` tokens, by index."""
        at = self.located
        located = Located(at.query[rows], at.point[rows], at.heat[rows], at.image[rows])
        quality = None if self.quality is None else self.quality[rows]
        return Decoded(
            located,
            self.pixels,
            self.rough[rows],
            self.boxes[rows],
            self.masks[rows],
            quality,
            self.features,
            self.kept,
        )


@dataclass(frozen=True)
class Reply:
    """One triplet that wants an answer.

    Attributes:
        decoded: of all `<REF>` tokens of the batch.
        rows: int [M], the triplet's own, in order.
        letterbox: of their picture.
        probability: geometric mean probability of the triplet's words.
        joints: names of the joints that the question asks for, in its order; empty where it names none.
    """

    decoded: Decoded
    rows: Tensor
    letterbox: Letterbox
    probability: float
    joints: tuple[str, ...] = ()

    def scores(self, judged: int = 0) -> list[float]:
        """Probability of the words, times the IoU that the quality head foretells of boxes (0) or masks (1)."""
        if self.decoded.quality is None:
            return [self.probability] * len(self.rows)
        expected = self.decoded.quality[self.rows].sigmoid()[:, judged]
        return [self.probability * float(value) for value in expected]


@dataclass(frozen=True)
class Truth:
    """What is true about N `<REF>` tokens, after matching: row i is the truth about prediction i.

    Attributes:
        spatial: int [M], rows that stand for an object; the others ask for the whole image.
        whole: int [N - M], those others.
        boxes: float32 [N, 4], cxcywh in 0..1; zeros where not spatial.
        masks: float32 [N, S, S], share of each cell that is object; zeros where not spatial.
        joints: float32 [N, 17, 3], xy in 0..1 and COCO visibility, -1 where no joints are asked for.
        depth: float32 [B, S, S], metres of every image, 0 where unknown.
        seed: of the noise that a decoder may want, so that a resumed run is the same run.
    """

    spatial: Tensor
    whole: Tensor
    boxes: Tensor
    masks: Tensor
    joints: Tensor
    depth: Tensor
    seed: int


class NoOptions(Strict):
    """Options of a decoder that has none."""


class Decoder(nn.Module):
    """Base of all decoders. A subclass overrides `answer` or, where `whole_image` is set, `depth`."""

    whole_image: ClassVar[bool] = False
    """Whether a `<REF>` of its unit stands for the image instead of an object."""
    options: ClassVar[type[Strict]] = NoOptions
    """What may stand under its name in the section `decoders` of a configuration."""

    @classmethod
    def build(cls, config: RefVLMConfig, level_widths: tuple[int, ...], options: Any) -> "Decoder":
        """Build it from the model's sizes, the channels of its pyramid, and its own checked options.

        Raises:
            ConfigError: the options cannot be used.
        """
        raise NotImplementedError

    def stored_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """What a checkpoint keeps of its options, so that it needs no file beside it."""
        return given

    def answer(self, reply: Reply) -> list[Instance]:
        """Answer a triplet in pixels of its picture: one instance for each of its rows."""
        raise NotImplementedError

    def depth(self, reply: Reply) -> DepthMap:
        """Answer a triplet about the whole image."""
        raise NotImplementedError

    def losses(self, decoded: Decoded, truth: Truth) -> dict[str, Tensor]:
        """Losses by name, of whatever this batch has truth for; those that the box and mask share are not its own."""
        return {}


def noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """Standard normal noise that depends on its seed alone."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
