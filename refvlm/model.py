"""REF-VLM: an image and a prompt in; text with triplets, and a box and mask for every `<REF>`, out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from refvlm.config import RefVLMConfig
from refvlm.decoders.box import BoxDecoder
from refvlm.decoders.mask import MaskDecoder, PixelDecoder
from refvlm.decoders.query import Located, Queries, QueryTrunk
from refvlm.vision import ImageFeatures, VisionEncoder


@dataclass(frozen=True)
class Decoded:
    """What the decoders say about N `<REF>` tokens, in the frame of the square input (0..1).

    Attributes:
        located: queries with their reference points and heat maps.
        rough: float32 [N, 4], boxes before refinement, cxcywh.
        boxes: float32 [N, 4], cxcywh.
        masks: float32 [N, S, S], logits.
    """

    located: Located
    rough: Tensor
    boxes: Tensor
    masks: Tensor


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

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.vision.positions.device

    def embed(self, ids: Tensor) -> Tensor:
        """Look up token embeddings: int [...] -> float [..., D]."""
        out: Tensor = self.llm.model.embed_tokens(ids)
        return out

    def states(self, embeddings: Tensor, attention: Tensor, positions: Tensor) -> Tensor:
        """Run the language model over whole sequences.

        Args:
            embeddings: float [B, L, D].
            attention: bool [B, 1, L, L], True where row may look at column.
            positions: int [B, L].

        Returns:
            float [B, L, D], last-layer states.
        """
        minus = torch.finfo(embeddings.dtype).min
        bias = torch.zeros(attention.shape, dtype=embeddings.dtype, device=embeddings.device).masked_fill(
            ~attention, minus
        )
        out: Tensor = self.llm.model(
            inputs_embeds=embeddings, attention_mask=bias, position_ids=positions, use_cache=False
        ).last_hidden_state
        return out

    def decode(self, queries: Queries, features: ImageFeatures) -> Decoded:
        """Decode every `<REF>` with every decoder; the caller keeps the unit that was asked for or generated."""
        located = self.query_trunk(queries, features)
        pixels = self.pixel_decoder(features)
        rough, boxes = self.box_decoder(located, pixels)
        return Decoded(located, rough, boxes, self.mask_decoder(located, pixels, boxes[:, :2]))
