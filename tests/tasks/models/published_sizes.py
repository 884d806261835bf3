"""Architectures of released checkpoints with their published sizes, to be built without memory: preset -> builder.

Sizes are those of the papers, and of the conversion scripts of `transformers` that made the released files; what these
leave at the default is left out here too.
"""

import torch
import transformers as hub

SWIN_LARGE = {
    "embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12, "image_size": 384,
}  # fmt: skip
STAGES = ["stage1", "stage2", "stage3", "stage4"]
VICUNA = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32}
QWEN2_7B = {
    "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
    "num_attention_heads": 28, "num_key_value_heads": 4, "tie_word_embeddings": False,
}  # fmt: skip
CLIP_LARGE = {
    "model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
    "num_attention_heads": 16, "image_size": 336, "patch_size": 14, "projection_dim": 768,
}  # fmt: skip


def blip(**vision):
    return hub.BlipForConditionalGeneration(hub.BlipConfig(vision_config={"image_size": 384, **vision}))


def blip2(language, **text):
    vision = {"hidden_size": 1408, "intermediate_size": 6144, "num_hidden_layers": 39, "num_attention_heads": 16}
    config = hub.Blip2Config(
        vision_config={**vision, "patch_size": 14, "image_size": 224}, text_config={"model_type": language, **text},
        num_query_tokens=32,
    )  # fmt: skip
    return hub.Blip2ForConditionalGeneration(config)


def blip2_t5():
    network = blip2("t5", **T5_XL)
    head = network.language_model.lm_head
    # transformers ties an empty T5's words to its head; Flan-T5 was released with a head of its own
    network.language_model.lm_head = torch.nn.Linear(head.in_features, head.out_features, bias=False)
    return network


def git(**vision):
    return hub.GitForCausalLM(hub.GitConfig(vision_config={"image_size": 224, **vision}))


def depth_anything(width, heads, depth, neck, fusion, out):
    backbone = hub.Dinov2Config(
        hidden_size=width, num_attention_heads=heads, num_hidden_layers=depth, image_size=518, patch_size=14,
        out_indices=out, apply_layernorm=True, reshape_hidden_states=False,
    )  # fmt: skip
    config = hub.DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=width, neck_hidden_sizes=neck, fusion_hidden_size=fusion
    )
    return hub.DepthAnythingForDepthEstimation(config)


def glpn():
    return hub.GLPNForDepthEstimation(
        hub.GLPNConfig(depths=[3, 8, 27, 3], hidden_sizes=[64, 128, 320, 512], decoder_hidden_size=64)
    )


def dpt_hybrid():
    return hub.DPTForDepthEstimation(hub.DPTConfig(
        is_hybrid=True, backbone_out_indices=[2, 5, 8, 11], neck_hidden_sizes=[256, 512, 768, 768],
        hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072, readout_type="project",
    ))  # fmt: skip


def dpt_large():
    return hub.DPTForDepthEstimation(hub.DPTConfig(
        hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=24,
        backbone_out_indices=[5, 11, 17, 23], neck_hidden_sizes=[256, 512, 1024, 1024], readout_type="project",
    ))  # fmt: skip


def zoedepth(*heads):
    backbone = hub.BeitConfig(
        hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=24, image_size=384,
        out_indices=[6, 12, 18, 24], use_relative_position_bias=True, reshape_hidden_states=False,
    )  # fmt: skip
    named = [{"name": name, "n_bins": 64, "min_depth": 0.001, "max_depth": 10.0} for name in heads]
    config = hub.ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[256, 512, 1024, 1024], bin_configurations=named,
        num_patch_transformer_layers=4 if len(heads) > 1 else None,
        patch_transformer_hidden_size=128 if len(heads) > 1 else None,
        patch_transformer_intermediate_size=1024 if len(heads) > 1 else None,
        patch_transformer_num_attention_heads=4 if len(heads) > 1 else None,
    )  # fmt: skip
    return hub.ZoeDepthForDepthEstimation(config)


def grounding_dino(**backbone):
    config = hub.SwinConfig(out_indices=[2, 3, 4], **backbone)
    return hub.GroundingDinoForObjectDetection(hub.GroundingDinoConfig(backbone_config=config))


def owlv2(vision, text, projection):
    return hub.Owlv2ForObjectDetection(
        hub.Owlv2Config(vision_config=vision, text_config=text, projection_dim=projection)
    )


def vitpose(width, depth, heads, experts=1, part=0, simple=False):
    backbone = hub.VitPoseBackboneConfig(
        hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, num_experts=experts, part_features=part,
        image_size=[256, 192], patch_size=[16, 16], out_indices=[depth],
    )  # fmt: skip
    labels = {number: str(number) for number in range(17)}
    config = hub.VitPoseConfig(backbone_config=backbone, use_simple_decoder=simple, id2label=labels)
    return hub.VitPoseForPoseEstimation(config)


def sam(width, depth, heads, whole):
    vision = {
        "hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads, "mlp_dim": 4 * width,
        "global_attn_indexes": whole,
    }  # fmt: skip
    return hub.SamModel(hub.SamConfig(vision_config=vision))


def swin_large():
    return hub.SwinConfig(**SWIN_LARGE, out_features=STAGES)


def mask2former(labels, queries):
    return hub.Mask2FormerForUniversalSegmentation(
        hub.Mask2FormerConfig(backbone_config=swin_large(), num_labels=labels, num_queries=queries)
    )


def maskformer(labels):
    return hub.MaskFormerForInstanceSegmentation(hub.MaskFormerConfig(backbone_config=swin_large(), num_labels=labels))


def oneformer(labels, queries):
    return hub.OneFormerForUniversalSegmentation(hub.OneFormerConfig(
        backbone_config=swin_large(), num_labels=labels, num_queries=queries, num_classes=labels, is_training=False,
    ))  # fmt: skip


def eomt(labels, queries, image):
    return hub.EomtForUniversalSegmentation(hub.EomtConfig(num_labels=labels, num_queries=queries, image_size=image))


def florence():
    vision = {"embed_dim": [256, 512, 1024, 2048], "num_heads": [8, 16, 32, 64], "num_groups": [8, 16, 32, 64],
              "depths": [1, 1, 9, 1], "projection_dim": 1024}  # fmt: skip
    bart = {"model_type": "bart", "vocab_size": 51289, "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12,
            "encoder_attention_heads": 16, "decoder_attention_heads": 16, "encoder_ffn_dim": 4096,
            "decoder_ffn_dim": 4096, "max_position_embeddings": 4096}  # fmt: skip
    return hub.Florence2ForConditionalGeneration(hub.Florence2Config(vision_config=vision, text_config=bart))


def internvl():
    vision = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
              "image_size": [448, 448], "patch_size": [14, 14], "attention_bias": True}  # fmt: skip
    text = {"model_type": "qwen2", **QWEN2_7B, "vocab_size": 151674}
    return hub.InternVLForConditionalGeneration(
        hub.InternVLConfig(vision_config=vision, text_config=text, downsample_ratio=0.5, tie_word_embeddings=False)
    )


def kosmos():
    vision = {key: value for key, value in CLIP_LARGE.items() if key != "model_type"} | {"image_size": 224}
    text = {"vocab_size": 65037, "embed_dim": 2048, "layers": 24, "ffn_dim": 8192, "attention_heads": 32}
    return hub.Kosmos2ForConditionalGeneration(
        hub.Kosmos2Config(vision_config=vision, text_config=text, latent_query_num=64)
    )


def llava():
    text = {"model_type": "llama", **VICUNA, "vocab_size": 32064}
    return hub.LlavaForConditionalGeneration(hub.LlavaConfig(vision_config=CLIP_LARGE, text_config=text))


def llava_next():
    text = {"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
            "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32064}  # fmt: skip
    return hub.LlavaNextForConditionalGeneration(hub.LlavaNextConfig(vision_config=CLIP_LARGE, text_config=text))


def paligemma():
    vision = {"model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304,
              "num_hidden_layers": 27, "num_attention_heads": 16, "image_size": 448, "patch_size": 14,
              "vision_use_head": False}  # fmt: skip
    text = {"model_type": "gemma", "hidden_size": 2048, "intermediate_size": 16384, "num_hidden_layers": 18,
            "num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 257216}  # fmt: skip
    return hub.PaliGemmaForConditionalGeneration(
        hub.PaliGemmaConfig(vision_config=vision, text_config=text, projection_dim=2048, hidden_size=2048)
    )


def qwen2_vl():
    vision = {"depth": 32, "embed_dim": 1280, "hidden_size": 3584, "num_heads": 16, "mlp_ratio": 4}
    return hub.Qwen2VLForConditionalGeneration(
        hub.Qwen2VLConfig(vision_config=vision, text_config=QWEN2_7B, tie_word_embeddings=False)
    )


def qwen2_5_vl():
    vision = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584}
    return hub.Qwen2_5_VLForConditionalGeneration(
        hub.Qwen2_5_VLConfig(vision_config=vision, text_config=QWEN2_7B, tie_word_embeddings=False)
    )


def qwen3_vl():
    vision = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16, "out_hidden_size": 4096,
              "num_position_embeddings": 2304, "patch_size": 16, "deepstack_visual_indexes": [8, 16, 24]}  # fmt: skip
    text = {"vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36,
            "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}  # fmt: skip
    return hub.Qwen3VLForConditionalGeneration(
        hub.Qwen3VLConfig(vision_config=vision, text_config=text, tie_word_embeddings=False)
    )


def vip_llava(**sizes):
    text = {"model_type": "llama", **VICUNA, **sizes, "vocab_size": 32064}
    return hub.VipLlavaForConditionalGeneration(
        hub.VipLlavaConfig(vision_config=CLIP_LARGE, text_config=text, vision_feature_layers=[-2, -5, -8, -11, 6])
    )


LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
OPT = {"hidden_size": 2560, "ffn_dim": 10240, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 50272,
       "word_embed_proj_dim": 2560}  # fmt: skip
T5_XL = {"d_model": 2048, "d_ff": 5120, "num_layers": 24, "num_decoder_layers": 24, "num_heads": 32, "d_kv": 64,
         "feed_forward_proj": "gated-gelu"}  # fmt: skip
OWL_LARGE = (
    {**LARGE, "patch_size": 14, "image_size": 1008},
    {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}, 768,
)  # fmt: skip
OWL_BASE = ({"patch_size": 16, "image_size": 960}, {}, 512)
SWIN_BASE = {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12}
SMALL = (384, 6, 12, [48, 96, 192, 384], 64, [3, 6, 9, 12])
BUILT = {
    "hf-captioner:blip-base": blip,
    "hf-captioner:blip-large": lambda: blip(**LARGE),
    "hf-captioner:blip2-opt-2.7b": lambda: blip2("opt", **OPT),
    "hf-captioner:blip2-flan-t5-xl": blip2_t5,
    "hf-captioner:git-base-coco": git,
    "hf-captioner:git-large-coco": lambda: git(**LARGE, patch_size=14),
    "hf-depth:depth-anything-v2-small": lambda: depth_anything(*SMALL),
    "hf-depth:depth-anything-v2-metric-indoor-small": lambda: depth_anything(*SMALL),
    "hf-depth:depth-anything-v2-metric-outdoor-small": lambda: depth_anything(*SMALL),
    "hf-depth:depth-anything-v2-base": lambda: depth_anything(768, 12, 12, [96, 192, 384, 768], 128, [3, 6, 9, 12]),
    "hf-depth:depth-anything-v2-large": lambda: depth_anything(
        1024, 16, 24, [256, 512, 1024, 1024], 256, [5, 12, 18, 24]
    ),
    "hf-depth:dpt-hybrid-midas": dpt_hybrid,
    "hf-depth:dpt-large": dpt_large,
    "hf-depth:glpn-kitti": glpn,
    "hf-depth:glpn-nyu": glpn,
    "hf-depth:zoedepth-kitti": lambda: zoedepth("kitti"),
    "hf-depth:zoedepth-nyu": lambda: zoedepth("nyu"),
    "hf-depth:zoedepth-nyu-kitti": lambda: zoedepth("nyu", "kitti"),
    "hf-detector:grounding-dino-tiny": grounding_dino,
    "hf-detector:grounding-dino-base": lambda: grounding_dino(**SWIN_BASE),
    "hf-detector:owlv2-base": lambda: owlv2(*OWL_BASE),
    "hf-detector:owlv2-large": lambda: owlv2(*OWL_LARGE),
    "hf-pose:vitpose-base": lambda: vitpose(768, 12, 12),
    "hf-pose:vitpose-base-detected": lambda: vitpose(768, 12, 12),
    "hf-pose:vitpose-base-simple": lambda: vitpose(768, 12, 12, simple=True),
    "hf-pose:vitpose-plus-base": lambda: vitpose(768, 12, 12, experts=6, part=192),
    "hf-pose:vitpose-plus-large": lambda: vitpose(1024, 24, 16, experts=6, part=256),
    "hf-promptable:sam-base": lambda: sam(768, 12, 12, [2, 5, 8, 11]),
    "hf-promptable:sam-large": lambda: sam(1024, 24, 16, [5, 11, 17, 23]),
    "hf-promptable:sam-huge": lambda: sam(1280, 32, 16, [7, 15, 23, 31]),
    "hf-segmenter:eomt-large-ade20k-semantic": lambda: eomt(150, 100, 512),
    "hf-segmenter:eomt-large-coco-instance": lambda: eomt(80, 200, 640),
    "hf-segmenter:eomt-large-coco-panoptic": lambda: eomt(133, 200, 640),
    "hf-segmenter:mask2former-swin-large-ade-semantic": lambda: mask2former(150, 100),
    "hf-segmenter:mask2former-swin-large-cityscapes-semantic": lambda: mask2former(19, 100),
    "hf-segmenter:mask2former-swin-large-coco-instance": lambda: mask2former(80, 200),
    "hf-segmenter:mask2former-swin-large-coco-panoptic": lambda: mask2former(133, 200),
    "hf-segmenter:maskformer-swin-large-coco": lambda: maskformer(133),
    "hf-segmenter:oneformer-swin-large-ade20k": lambda: oneformer(150, 250),
    "hf-segmenter:oneformer-swin-large-coco": lambda: oneformer(133, 150),
    "hf-vlm:florence-2-large": florence,
    "hf-vlm:internvl3-8b": internvl,
    "hf-vlm:kosmos-2": kosmos,
    "hf-vlm:llava-1.5-7b": llava,
    "hf-vlm:llava-1.6-mistral-7b": llava_next,
    "hf-vlm:paligemma-3b-mix-448": paligemma,
    "hf-vlm:qwen2-vl-7b": qwen2_vl,
    "hf-vlm:qwen2.5-vl-7b": qwen2_5_vl,
    "hf-vlm:qwen3-vl-8b": qwen3_vl,
    "vip-llava:7b": vip_llava,
    "vip-llava:13b": lambda: vip_llava(
        hidden_size=5120, intermediate_size=13824, num_hidden_layers=40, num_attention_heads=40
    ),
}
