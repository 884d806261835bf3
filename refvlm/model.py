"""REF-VLM: an image and a prompt in; text with triplets, and a box and mask for every `<REF>`, out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from benchmarks.schema import Unit
from refvlm.config import RefVLMConfig
from refvlm.decoders.box import BoxDecoder
from refvlm.decoders.depth import DepthDecoder
from refvlm.decoders.keypoint import KeypointDecoder
from refvlm.decoders.mask import MaskDecoder, PixelDecoder
from refvlm.decoders.quality import QualityHead
from refvlm.decoders.query import Located, Queries, QueryTrunk
from refvlm.regions import RegionEncoder
from refvlm.vision import ImageFeatures, VisionEncoder


@dataclass(frozen=True)
class Decoded:
    """What the decoders say about N `<REF>` tokens, in the frame of the square input (0..1).

    Attributes:
        located: queries with their reference points and heat maps.
        pixels: float [B, P, S, S], pixel embeddings of all images, for the decoders that look again.
        rough: float32 [N, 4], boxes before refinement, cxcywh.
        boxes: float32 [N, 4], cxcywh.
        masks: float32 [N, S, S], logits.
        quality: float32 [N, 2], logits of the IoU that box and mask are expected to have; None without that head.
    """

    located: Located
    pixels: Tensor
    rough: Tensor
    boxes: Tensor
    masks: Tensor
    quality: Tensor | None = None

    def pick(self, rows: Tensor) -> "Decoded":
        """Keep some of the `<REF>` tokens, by index."""
        at = self.located
        located = Located(at.query[rows], at.point[rows], at.heat[rows], at.image[rows])
        quality = None if self.quality is None else self.quality[rows]
        return Decoded(located, self.pixels, self.rough[rows], self.boxes[rows], self.masks[rows], quality)


class RefVLM(nn.Module):
    """The reference model. Training, generation and loading are functions of other files over these parts."""

    def __init__(self, config: RefVLMConfig) -> None:
        super().__init__()
        self.config = config
        self.vision = VisionEncoder(config)
        llm = config.llm
        self.llm = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=config.vocab_size,
                hidden_size=llm.width,
                intermediate_size=llm.mlp_width,
                num_hidden_layers=llm.layers,
                num_attention_heads=llm.heads,
                max_position_embeddings=llm.max_positions,
                rms_norm_eps=llm.norm_eps,
                tie_word_embeddings=llm.tie_embeddings,
                bos_token_id=None,
                eos_token_id=None,
                pad_token_id=None,
                attn_implementation="sdpa",
            )
        )
        widths = self.vision.trunk.widths
        self.query_trunk = QueryTrunk(config, widths)
        self.pixel_decoder = PixelDecoder(config, widths)
        self.box_decoder = BoxDecoder(config)
        self.mask_decoder = MaskDecoder(config)
        self.quality = QualityHead(config) if config.decoder.quality else None
        self.keypoint_decoder = KeypointDecoder(config, config.keypoint) if config.keypoint else None
        self.depth_decoder = DepthDecoder(config, config.depth) if config.depth else None
        self.region_encoder = RegionEncoder(config, config.regions, widths) if config.regions else None

    def fill(self) -> None:
        """Compute what is not stored, in the precision it needs: for loaders that build a model without its values.

        A part with a buffer that is not stored has a method `fill` of its own.
        """
        for part in list(self.modules())[1:]:
            if callable(fill := getattr(part, "fill", None)):
                fill()
        rotary = self.llm.model.rotary_emb
        self.llm.model.rotary_emb = type(rotary)(rotary.config)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.vision.positions.device

    def embed(self, ids: Tensor) -> Tensor:
        """Look up token embeddings: int [...] -> float [..., D]."""
        out: Tensor = self.llm.model.embed_tokens(ids)
        return out

    def read_images(self, tokens: Tensor) -> DynamicCache:
        """Let the language model read image tokens, float [B, G, D]; what it keeps of them serves all their turns."""
        cache = DynamicCache()
        self.llm.model(inputs_embeds=tokens, past_key_values=cache, use_cache=True)
        return cache

    def states(self, images: DynamicCache, image: Tensor, embeddings: Tensor) -> Tensor:
        """Run the language model over turns, each behind its image; a turn sees its image and itself.

        Args:
            images: what `read_images` returned for B images.
            image: int [T], image of each turn.
            embeddings: float [T, L, D], padded on the right.

        Returns:
            float [T, L, D], last-layer states; those of padding mean nothing.
        """
        behind = DynamicCache()
        for place, layer in enumerate(images.layers):
            behind.update(layer.keys[image], layer.values[image], place)
        out: Tensor = self.llm.model(inputs_embeds=embeddings, past_key_values=behind, use_cache=True).last_hidden_state
        return out

    def decode(self, queries: Queries, features: ImageFeatures) -> Decoded:
        """Decode a box and a mask for every `<REF>`; the caller keeps the unit that was asked for or generated."""
        located = self.query_trunk(queries, features)
        pixels = self.pixel_decoder(features)
        rough, boxes = self.box_decoder(located, pixels)
        masks = self.mask_decoder(located, pixels, boxes[:, :2])
        quality = None if self.quality is None else self.quality(located, pixels, boxes, masks)
        return Decoded(located, pixels, rough, boxes, masks, quality)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Units that it has decoders for, and words."""
        decoders: dict[Unit, nn.Module | None] = {"keypoint": self.keypoint_decoder, "depth": self.depth_decoder}
        return ("box", "mask", *(unit for unit, decoder in decoders.items() if decoder is not None), "text")
