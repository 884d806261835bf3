"""Names and shapes of upstream's checkpoints, written down from its published classes, at any size."""

from dataclasses import dataclass

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Sizes:
    """Sizes of the parts; the defaults are those of the published 7B model."""

    vocab: int = 32_010
    llm: int = 4096
    llm_mlp: int = 11_008
    llm_layers: int = 32
    clip: int = 1024
    clip_mlp: int = 4096
    clip_layers: int = 24
    patch: int = 14
    cells: int = 576
    trunk: tuple[int, ...] = (192, 384, 768, 1536)
    depths: tuple[int, ...] = (3, 3, 27, 3)
    decoder: int = 256


def linear(name: str, out: int, into: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (out, into)} | ({f"{name}.bias": (out,)} if bias else {})


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def conv(name: str, out: int, into: int, kernel: int) -> Shapes:
    return {f"{name}.weight": (out, into, kernel, kernel), f"{name}.bias": (out,)}


def language_model(s: Sizes, prefix: str = "llm.") -> Shapes:
    """Llama as transformers names it."""
    out: Shapes = {f"{prefix}model.embed_tokens.weight": (s.vocab, s.llm), f"{prefix}model.norm.weight": (s.llm,)}
    for i in range(s.llm_layers):
        layer = f"{prefix}model.layers.{i}"
        for each in "qkvo":
            out |= linear(f"{layer}.self_attn.{each}_proj", s.llm, s.llm, bias=False)
        out |= linear(f"{layer}.mlp.gate_proj", s.llm_mlp, s.llm, bias=False)
        out |= linear(f"{layer}.mlp.up_proj", s.llm_mlp, s.llm, bias=False)
        out |= linear(f"{layer}.mlp.down_proj", s.llm, s.llm_mlp, bias=False)
        out |= {f"{layer}.input_layernorm.weight": (s.llm,), f"{layer}.post_attention_layernorm.weight": (s.llm,)}
    return out | {f"{prefix}lm_head.weight": (s.vocab, s.llm)}


def clip(s: Sizes, prefix: str = "") -> Shapes:
    """CLIP's vision model as transformers saves it."""
    base = f"{prefix}vision_model"
    out: Shapes = {
        f"{base}.embeddings.class_embedding": (s.clip,),
        f"{base}.embeddings.patch_embedding.weight": (s.clip, 3, s.patch, s.patch),
        f"{base}.embeddings.position_embedding.weight": (s.cells + 1, s.clip),
        f"{base}.embeddings.position_ids": (1, s.cells + 1),
    }
    out |= norm(f"{base}.pre_layrnorm", s.clip) | norm(f"{base}.post_layernorm", s.clip)
    for i in range(s.clip_layers):
        layer = f"{base}.encoder.layers.{i}"
        for each in ("q_proj", "k_proj", "v_proj", "out_proj"):
            out |= linear(f"{layer}.self_attn.{each}", s.clip, s.clip)
        out |= linear(f"{layer}.mlp.fc1", s.clip_mlp, s.clip) | linear(f"{layer}.mlp.fc2", s.clip, s.clip_mlp)
        out |= norm(f"{layer}.layer_norm1", s.clip) | norm(f"{layer}.layer_norm2", s.clip)
    return out


def convnext(s: Sizes, prefix: str = "visual.trunk.") -> Shapes:
    """ConvNeXt as open_clip saves it."""
    out = conv(f"{prefix}stem.0", s.trunk[0], 3, 4) | norm(f"{prefix}stem.1", s.trunk[0])
    for i, (width, depth) in enumerate(zip(s.trunk, s.depths, strict=True)):
        stage = f"{prefix}stages.{i}"
        if i:
            out |= norm(f"{stage}.downsample.0", s.trunk[i - 1])
            out |= conv(f"{stage}.downsample.1", width, s.trunk[i - 1], 2)
        for j in range(depth):
            block = f"{stage}.blocks.{j}"
            out |= {f"{block}.gamma": (width,), f"{block}.conv_dw.weight": (width, 1, 7, 7)}
            out |= {f"{block}.conv_dw.bias": (width,)} | norm(f"{block}.norm", width)
            out |= linear(f"{block}.mlp.fc1", 4 * width, width) | linear(f"{block}.mlp.fc2", width, 4 * width)
    return out | norm(f"{prefix}head.norm", s.trunk[-1])


def open_clip_rest(s: Sizes) -> Shapes:
    """What an open_clip file holds beside the trunk."""
    return {
        "positional_embedding": (77, 768), "text_projection": (768, 768), "logit_scale": (),
        "token_embedding.weight": (49_408, 768), "ln_final.weight": (768,), "ln_final.bias": (768,),
        "transformer.resblocks.0.attn.in_proj_weight": (2304, 768),
        "visual.head.mlp.fc1.weight": (2 * s.trunk[-1], s.trunk[-1]),
        "visual.head.mlp.fc2.weight": (768, 2 * s.trunk[-1]),
    }  # fmt: skip


def projector(s: Sizes) -> Shapes:
    return linear("projector.model.0", s.llm, s.clip) | linear("projector.model.2", s.llm, s.llm)


def vpt_encoder(s: Sizes) -> Shapes:
    base = "vpt_encoder.model"
    return {f"{base}.position_embedding.weight": (10, s.clip)} | linear(f"{base}.mask_embedding", s.clip, 1)


def vpt_encoder_variants(s: Sizes) -> Shapes:
    """Parts that only some configurations have."""
    base = "vpt_encoder.model"
    out: Shapes = {f"{base}.patch_embedding.weight": (s.clip, s.clip, 8, 8)}
    out |= linear(f"{base}.projector.0", s.llm, s.clip) | linear(f"{base}.projector.2", s.llm, s.llm)
    return out | linear(f"{base}.vpt_feats_proj", s.llm, s.clip)


def detr_decoder(prefix: str, d: int, layers: int = 6) -> Shapes:
    """A DETR decoder in the names of transformers."""
    out = norm(f"{prefix}.layernorm", d)
    for i in range(layers):
        layer = f"{prefix}.layers.{i}"
        for attention in ("self_attn", "encoder_attn"):
            for each in ("q_proj", "k_proj", "v_proj", "out_proj"):
                out |= linear(f"{layer}.{attention}.{each}", d, d)
            out |= norm(f"{layer}.{attention}_layer_norm", d)
        out |= linear(f"{layer}.fc1", 2048, d) | linear(f"{layer}.fc2", d, 2048) | norm(f"{layer}.final_layer_norm", d)
    return out


def head(prefix: str, d: int, out: int) -> Shapes:
    return (
        linear(f"{prefix}.layers.0", d, d) | linear(f"{prefix}.layers.1", d, d) | linear(f"{prefix}.layers.2", out, d)
    )


def box_decoder(s: Sizes, prefix: str = "visual_decoder.box") -> Shapes:
    d = s.decoder
    out = linear(f"{prefix}.in_proj_visual_feats", d, sum(s.trunk[:3]) + s.clip) | linear(
        f"{prefix}.in_proj_queries", d, s.llm
    )
    out |= {f"{prefix}.query_position_embeddings.weight": (100, d)}
    return out | detr_decoder(f"{prefix}.decoder", d) | head(f"{prefix}.predictor", d, 4)


def mask_decoder(s: Sizes, prefix: str = "visual_decoder.mask") -> Shapes:
    d = s.decoder
    out: Shapes = {
        f"{prefix}.pixel_decoder.fpn.stem.0.weight": (d, s.clip, 3, 3),
        f"{prefix}.pixel_decoder.fpn.layers.0.proj.0.weight": (d, s.trunk[2], 1, 1),
        f"{prefix}.pixel_decoder.mask_projection.weight": (d, d, 3, 3),
        f"{prefix}.queries_embedder.weight": (30, d),
        f"{prefix}.query_position_embeddings.weight": (30, d),
    }
    out |= conv(f"{prefix}.in_proj_visual_feats", d, s.clip, 1) | linear(f"{prefix}.in_proj_queries", d, s.llm)
    out |= detr_decoder(f"{prefix}.query_decoder", d)
    for i in range(3):
        out |= linear(f"{prefix}.mask_embedder.{i}.0", d, d)
    return out


def pose_decoder(s: Sizes) -> Shapes:
    base, d = "visual_decoder.pose", s.decoder
    out = box_decoder(s, f"{base}.box_decoder")
    kpt = f"{base}.kpt_decoder"
    out |= linear(f"{kpt}.in_proj_visual_feats", d, sum(s.trunk[:3]) + s.clip) | linear(f"{kpt}.in_proj_queries", d, d)
    out |= {f"{kpt}.kpt_embedding.weight": (18, d), f"{kpt}.query_position_embeddings.weight": (1800, d)}
    out |= detr_decoder(f"{kpt}.decoder", d) | head(f"{kpt}.box_predictor", d, 4) | head(f"{kpt}.kpt_predictor", d, 2)
    return out | linear(f"{kpt}.kpt_classifier", 2, d)


def sam_plug(s: Sizes) -> Shapes:
    base = "visual_decoder.mask"
    return {
        f"{base}.sam.image_encoder.pos_embed": (1, 64, 64, 1280),
        f"{base}.sam.prompt_encoder.not_a_point_embed.weight": (1, 256),
        f"{base}.sam.mask_decoder.iou_token.weight": (1, 256),
        **linear(f"{base}.in_proj_queries.0", s.llm, s.llm),
        **linear(f"{base}.in_proj_queries.2", 256, s.llm),
    }


def training_checkpoint(s: Sizes) -> Shapes:
    """A stage-2 checkpoint: language model, projector, prompt encoder, box and mask decoders."""
    return language_model(s) | projector(s) | vpt_encoder(s) | box_decoder(s) | mask_decoder(s)
