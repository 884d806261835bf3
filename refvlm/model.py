"""REF-VLM: an image and a prompt in; text with triplets, and a box and mask for every `<REF>`, out."""

from typing import cast

import torch
from torch import Tensor, nn
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from benchmarks.schema import Unit
from refvlm.bands import region_encoder
from refvlm.config import RefVLMConfig
from refvlm.decoders.adapter import Adapter
from refvlm.decoders.base import Decoded, Decoder
from refvlm.decoders.box import BoxDecoder
from refvlm.decoders.depth import DepthDecoder
from refvlm.decoders.keypoint import KeypointDecoder
from refvlm.decoders.mask import MaskDecoder, PixelDecoder
from refvlm.decoders.quality import QualityHead
from refvlm.decoders.query import Queries, QueryTrunk
from refvlm.decoders.registry import answering, built, plug_in, units_of
from refvlm.habits import Habits
from refvlm.vision import ImageFeatures, VisionEncoder

__all__ = ["Decoded", "RefVLM"]


class RefVLM(nn.Module):
    """The reference model. Training, generation and loading are functions of other files over these parts."""

    def __init__(self, config: RefVLMConfig) -> None:
        super().__init__()
        self.config = config
        self.habits = Habits()
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
        self.region_encoder = region_encoder(config, widths, self.vision.projector)
        self.adapter = Adapter(config, config.adapter) if config.adapter else None
        self.answering = answering(config)
        for name in config.decoders:
            self.add_module(f"{name}_decoder", plug_in(name, config, widths))
        stored = {name: self.decoders[name].stored_options(given) for name, given in config.decoders.items()}
        self.config = config.model_copy(update={"decoders": stored})

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
        if self.adapter is not None:
            queries, features = self.adapter(queries, features, self.image_states(features.tokens))
        located = self.query_trunk(queries, features)
        pixels = self.pixel_decoder(features)
        rough, boxes = self.box_decoder(located, pixels)
        masks = self.mask_decoder(located, pixels, boxes[:, :2])
        quality = None if self.quality is None else self.quality(located, pixels, boxes, masks)
        return Decoded(located, pixels, rough, boxes, masks, quality, features)

    def image_states(self, tokens: Tensor) -> Tensor:
        """Last-layer states of image tokens, float [B, G, D] -> the same; no word comes before them."""
        out: Tensor = self.llm.model(inputs_embeds=tokens, use_cache=False).last_hidden_state
        return out

    @property
    def decoders(self) -> dict[str, Decoder]:
        """All decoders by name, in the order of the registry, plug-ins last."""
        return {name: cast(Decoder, getattr(self, f"{name}_decoder")) for name in built(self.config)}

    def decoder_of(self, unit: str) -> Decoder:
        """The decoder that answers a unit; without one, that of the nearest: of joints for points, else of masks."""
        near = "keypoint" if unit == "point" and "keypoint" in self.answering else "mask"
        return self.decoders[self.answering.get(unit, self.answering[near])]

    @property
    def units(self) -> tuple[Unit, ...]:
        """Units that it has decoders for, and words."""
        return units_of(self.config)
