"""Which upstream name becomes which of ours: every name must be listed, also those that have no counterpart.

Names are those of published REF-VLM / VT-PLUG training checkpoints and exports, of CLIP and Llama models in
transformers' naming, and of open_clip's ConvNeXt towers (timm's naming).

What carries over is what both designs share: CLIP, ConvNeXt, projector, language model with its rows for the tokens of
the grammar (both append them in the order of `trp.SPECIAL_TOKENS`). Nothing of upstream's decoders does: they are DETR
and MaskFormer decoders with a table of query positions; ours locate a query on a heat map first. Some of their tensors
have the same shape as one of ours, but not the same meaning, so they are left behind by name. The positions of
visual prompts are carried over where their shapes fit, which they do not between the 7B models: upstream adds them
before the projector, ours are added behind it.
"""

from dataclasses import dataclass
from functools import cached_property
from re import Match, Pattern
from re import compile as compiled


@dataclass(frozen=True)
class Rule:
    """What becomes of names that match.

    Attributes:
        pattern: regular expression for a whole upstream name.
        ours: our name, with groups of the pattern as `\\1`; empty where there is none.
        why: why it has no counterpart or is refused.
        rows: whether the first axis counts tokens: further ones start as the mean row, padding behind them is cut.
        where_it_fits: whether another shape is no fault but only left behind.
        refused: whether leaving it out would change what the rest means, so that nothing is converted.
    """

    pattern: str
    ours: str = ""
    why: str = ""
    rows: bool = False
    where_it_fits: bool = False
    refused: bool = False

    @cached_property
    def _compiled(self) -> Pattern[str]:
        return compiled(self.pattern)

    def match(self, name: str) -> Match[str] | None:
        """Match a whole name."""
        return self._compiled.fullmatch(name)


_CLIP = r"(?:visual_encoder\.)?vision_model\."
_TRUNK = r"(?:visual_tower\.|visual\.trunk\.|visual_tower\.trunk\.|visual_tower\.visual\.trunk\.)"
_LLM = r"(?:llm\.)?"
_BACKBONE = "vision.trunk.backbone."
_QUERIES = r"(?:in_proj_visual_feats|in_proj_queries|query_position_embeddings)\.(?:weight|bias)"
_BOX = rf"(?:{_QUERIES}|(?:decoder|predictor)\..+)"
_MASK = rf"(?:{_QUERIES}|(?:pixel_decoder|queries_embedder|query_decoder|mask_embedder)\..+)"
_ADAPTER = "low-rank deltas: merge them into the weights first (peft: merge_and_unload), then convert"
_OTHER_DESIGN = "another design than ours, which must be trained"
_TEXT = "the text tower is not part of the model"
_COMPUTED = "computed, not learned"

RULES = (
    # CLIP
    Rule(_CLIP + r"embeddings\.class_embedding", "vision.class_token"),
    Rule(_CLIP + r"embeddings\.patch_embedding\.weight", "vision.patch.weight"),
    Rule(_CLIP + r"embeddings\.position_embedding\.weight", "vision.positions"),
    Rule(_CLIP + r"embeddings\.position_ids", why=_COMPUTED),
    Rule(_CLIP + r"pre_layrnorm\.(weight|bias)", r"vision.norm_before.\1"),
    Rule(
        _CLIP + r"(encoder\.layers\.\d+\."
        r"(?:self_attn\.(?:q|k|v|out)_proj|layer_norm[12]|mlp\.fc[12])\.(?:weight|bias))",
        r"vision.\1",
    ),
    Rule(_CLIP + r"post_layernorm\.(?:weight|bias)", why="features are read before this norm"),
    Rule(r"text_model\..+|text_projection\.weight|visual_projection\.weight|logit_scale", why=_TEXT),
    # ConvNeXt, as open_clip saves it
    Rule(_TRUNK + r"stem\.0\.(weight|bias)", _BACKBONE + r"embeddings.patch_embeddings.\1"),
    Rule(_TRUNK + r"stem\.1\.(weight|bias)", _BACKBONE + r"embeddings.layernorm.\1"),
    Rule(
        _TRUNK + r"stages\.(\d+)\.downsample\.([01])\.(weight|bias)",
        _BACKBONE + r"encoder.stages.\1.downsampling_layer.\2.\3",
    ),
    Rule(
        _TRUNK + r"stages\.(\d+)\.blocks\.(\d+)\.gamma",
        _BACKBONE + r"encoder.stages.\1.layers.\2.layer_scale_parameter",
    ),
    Rule(
        _TRUNK + r"stages\.(\d+)\.blocks\.(\d+)\.conv_dw\.(weight|bias)",
        _BACKBONE + r"encoder.stages.\1.layers.\2.dwconv.\3",
    ),
    Rule(
        _TRUNK + r"stages\.(\d+)\.blocks\.(\d+)\.norm\.(weight|bias)",
        _BACKBONE + r"encoder.stages.\1.layers.\2.layernorm.\3",
    ),
    Rule(
        _TRUNK + r"stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc([12])\.(weight|bias)",
        _BACKBONE + r"encoder.stages.\1.layers.\2.pwconv\3.\4",
    ),
    Rule(
        _TRUNK + r"(?:head\.)?norm\.(?:weight|bias)|(?:visual_tower\.)?visual\.head\..+|visual_tower\.head\..+",
        why="the pooled head is not part of the model",
    ),
    Rule(
        r"(?:text\.)?(?:positional_embedding|token_embedding\.weight|transformer\.resblocks\..+|ln_final\..+|"
        r"text_projection)",
        why=_TEXT,
    ),
    Rule(r"(?:text\.)?attn_mask", why=_COMPUTED),
    # projector and visual prompts
    Rule(r"projector\.model\.([02])\.(weight|bias)", r"vision.projector.\1.\2"),
    Rule(r"vpt_encoder\.model\.position_embedding\.weight", "region_encoder.slots", where_it_fits=True),
    Rule(r"vpt_encoder\.model\.mask_embedding\.(?:weight|bias)", why="a token without shape; ours tells geometry"),
    Rule(r"vpt_encoder\.model\.patch_embedding\.weight", why="a grid over the image; ours lies over the prompt"),
    Rule(
        r"vpt_encoder\.model\.(?:projector\.\d+|vpt_feats_proj)\.(?:weight|bias)",
        why="a projector of prompts alone; ours reads the pyramid as well",
    ),
    # language model
    Rule(_LLM + r"(model\.embed_tokens|lm_head)\.weight", r"llm.\1.weight", rows=True),
    Rule(
        _LLM + r"(model\.layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj|"
        r"input_layernorm|post_attention_layernorm)\.weight)",
        r"llm.\1",
    ),
    Rule(_LLM + r"model\.norm\.weight", "llm.model.norm.weight"),
    Rule(_LLM + r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq", why=_COMPUTED),
    Rule(r".+\.lora_(?:A|B|embedding_A|embedding_B)(?:\..+)?", why=_ADAPTER, refused=True),
    Rule(r"(?:llm|visual_encoder)\.base_model\..+\.base_layer\..+", why=_ADAPTER, refused=True),
    # adapter and decoders
    Rule(r"(?:vd_adapter|ref_adapter)\..+", why="the adapter of REF and phrase states is not part of the model"),
    Rule(rf"visual_decoder\.box\.{_BOX}", why=f"box decoder: {_OTHER_DESIGN}"),
    Rule(rf"visual_decoder\.mask\.{_MASK}", why=f"mask decoder: {_OTHER_DESIGN}"),
    Rule(
        r"visual_decoder\.mask\.(?:sam\.(?:image_encoder|prompt_encoder|mask_decoder)\..+|"
        r"sam\.pixel_(?:mean|std)|in_proj_queries\.\d+\.(?:weight|bias))",
        why="SAM plug-in: ours loads SAM from its own weights",
    ),
    Rule(rf"visual_decoder\.pose\.box_decoder\.{_BOX}", why=f"pose decoder: {_OTHER_DESIGN}"),
    Rule(
        rf"visual_decoder\.pose\.kpt_decoder\.(?:{_QUERIES}|"
        r"(?:decoder|kpt_embedding|box_predictor|kpt_predictor|kpt_classifier)\..+)",
        why=f"pose decoder: {_OTHER_DESIGN}",
    ),
    Rule(rf"visual_decoder\.depth\.{_MASK}", why=f"depth decoder: {_OTHER_DESIGN}"),
)

PARTS = {
    "CLIP": r"vision\.(?:class_token|positions|(?:patch|norm_before|encoder)\..+)",
    "ConvNeXt": r"vision\.trunk\.backbone\.(?:embeddings|encoder)\..+",
    "projector": r"vision\.projector\..+",
    "language model": r"llm\..+",
}
"""Parts of our model that come whole or not at all: part -> our names."""
FOLDERS = {
    "visual_encoder": "visual_encoder.",
    "visual_encoder_adapter": "visual_encoder.",
    "visual_tower": "visual_tower.",
    "projector": "projector.",
    "vpt_encoder": "vpt_encoder.",
    "vd_adapter": "vd_adapter.",
    "llm_adapter": "llm.",
    "box_decoder": "visual_decoder.box.",
    "mask_decoder": "visual_decoder.mask.",
    "pose_decoder": "visual_decoder.pose.",
    "depth_decoder": "visual_decoder.depth.",
}
"""Folders of an export -> what their names have in front in a training checkpoint."""
