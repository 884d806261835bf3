"""Writes small checkpoints of u-LLaVA with the names and files of its authors' code, and a small Grounding DINO."""

import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
import yaml
from safetensors.torch import save_file
from torch import nn
from transformers import (
    BertConfig,
    BertTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    LlamaConfig,
    LlamaForCausalLM,
    SamConfig,
    SamModel,
    SwinConfig,
)

VICUNA = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("tiny_vicuna.py"))))
ADDED = (
    "[PAD]", "<image_patch>", "<video_patch>", "<img_beg>", "</img_end>", "<vid_beg>", "</vid_end>", "[SEG]", "[LOC]",
    "[tag]", "[/tag]",
)  # fmt: skip
SAM = {
    "vision_config": {
        "hidden_size": 32, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 64,
        "patch_size": 16, "global_attn_indexes": [1], "window_size": 2, "num_pos_feats": 8, "mlp_dim": 64,
        "initializer_range": 0.2,
    },
    "prompt_encoder_config": {"hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
    "mask_decoder_config": {
        "hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
        "iou_head_depth": 3,
    },
}  # fmt: skip
OUT = 16
SPOKEN = ("[SEG]", "[LOC]", "[tag]", "c", "a", "t", "[/tag]", "</s>")
"""What a checkpoint that speaks answers to everything."""
TO_SEGMENT_ANYTHING = (
    (r"^vision_encoder\.patch_embed\.projection", "image_encoder.patch_embed.proj"),
    (r"^vision_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^vision_encoder\.layers", "image_encoder.blocks"),
    (r"^vision_encoder\.neck\.conv1", "image_encoder.neck.0"),
    (r"^vision_encoder\.neck\.layer_norm1", "image_encoder.neck.1"),
    (r"^vision_encoder\.neck\.conv2", "image_encoder.neck.2"),
    (r"^vision_encoder\.neck\.layer_norm2", "image_encoder.neck.3"),
    (r"^vision_encoder", "image_encoder"),
    (r"^shared_image_embedding\.positional_embedding", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"(transformer\.layers\.\d+)\.layer_norm", r"\1.norm"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"(mlps\.\d+|head)\.layers\.0", r"\1.layers.1"),
    (r"(mlps\.\d+|head)\.proj_in", r"\1.layers.0"),
    (r"(mlps\.\d+|head)\.proj_out", r"\1.layers.2"),
)
"""transformers' names of SAM -> those of the original code."""


def write(folder, variant, speaks=False):
    """Write a checkpoint with random weights; returns its parts and tokenizer.

    Args:
        folder: to make.
        variant: "dino" or "loc".
        speaks: every token but those of SPOKEN depends little on what is seen, and the answer is always SPOKEN.
    """
    tokenizer = VICUNA.write_tokenizer(folder, ADDED)
    torch.manual_seed(2)
    text = VICUNA.llama(len(tokenizer), hidden_size=96, initializer_range=0.2)
    parts = {
        "llm": LlamaForCausalLM(LlamaConfig(**text)),
        "clip": CLIPVisionModel(CLIPVisionConfig(**VICUNA.clip(layers=3))),
        "projector": nn.Linear(32, 96),
        "seg": nn.Sequential(nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, OUT)),
        "sam": SamModel(SamConfig(**SAM)),
    }
    if variant == "loc":
        parts["det_projector"] = nn.Sequential(nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, OUT))
        parts["det_decoder"] = nn.Sequential(
            nn.Linear(OUT, OUT), nn.ReLU(), nn.Linear(OUT, OUT // 2), nn.ReLU(), nn.Linear(OUT // 2, 4)
        )
    if speaks:
        VICUNA.teach(parts["llm"].model, parts["llm"].lm_head, tokenizer, SPOKEN)
    parts = {name: part.eval() for name, part in parts.items()}
    save_file(upstream(parts, variant), folder / "model.safetensors")
    config = {
        "model_type": "ullava",
        "llm_config": {
            **text, "model_type": "ullava_core", "vision_config": VICUNA.clip(layers=3), "vision_hidden_layer": -2,
        },
        "out_dim": OUT,
        "seg_token_idx": tokenizer.convert_tokens_to_ids("[SEG]"),
    }  # fmt: skip
    if variant == "loc":
        config["loc_token_idx"] = tokenizer.convert_tokens_to_ids("[LOC]")
    (folder / "config.json").write_text(json.dumps(config))
    return SimpleNamespace(**parts, tokenizer=tokenizer)


def upstream(parts, variant):
    """Name weights as the authors' code does."""
    seg = "seg_projector" if variant == "loc" else "text_hidden_fcs"
    named = {f"llm.{name}": value for name, value in parts["llm"].state_dict().items()}
    named |= {f"llm.vision_encoder.vision_model.{n}": value for n, value in parts["clip"].state_dict().items()}
    named |= {f"llm.vision_projector.{name}": value for name, value in parts["projector"].state_dict().items()}
    named |= {f"{seg}.{name}": value for name, value in parts["seg"].state_dict().items()}
    for name in ("det_projector", "det_decoder"):
        named |= {f"{name}.{n}": value for n, value in (parts[name].state_dict() if name in parts else {}).items()}
    for name, value in parts["sam"].state_dict().items():
        if name != "prompt_encoder.shared_embedding.positional_embedding":
            named[f"visual_model.{_original(name)}"] = value
    return {name: value.clone().contiguous() for name, value in named.items()}


def _original(name):
    for pattern, replacement in TO_SEGMENT_ANYTHING:
        if re.search(pattern, name):
            return re.sub(pattern, replacement, name)
    return name


def write_grounding(folder):
    """Write a Grounding DINO with random weights and a vocabulary of letters."""
    vocabulary = {f"[unused{number}]": number for number in range(1033)}
    places = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}
    letters = {letter: 200 + number for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    tails = {f"##{letter}": 300 + number for number, letter in enumerate(letters)}
    taken = {**places, **letters, **tails}
    vocabulary = {token: number for token, number in vocabulary.items() if number not in set(taken.values())} | taken
    torch.manual_seed(3)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=32, patch_size=4, embed_dim=16, depths=[1, 1, 1], num_heads=[2, 2, 2], window_size=4,
            out_features=["stage2", "stage3"],
        ),
        text_config=BertConfig(
            vocab_size=1033, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=64,
        ),
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
        encoder_attention_heads=4, decoder_attention_heads=4, num_queries=7, num_feature_levels=3, max_text_len=16,
        disable_custom_kernels=True,
    )  # fmt: skip
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 128}).save_pretrained(folder)
    return folder


def write_preset(path, checkpoint, variant, **more):
    """Write a preset file for a checkpoint."""
    content = {
        "checkpoint": str(checkpoint), "licence": "none", "description": "small", "variant": variant, "sam": SAM,
        "clip_aspect": "pad_white" if variant == "loc" else "crop", "max_new_tokens": 12, **more,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content))
    return path
