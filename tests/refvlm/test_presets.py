"""The 7B preset has the shapes of the models it is made of; nothing is allocated: everything lies on `meta`."""

import pytest
import torch
from transformers import CLIPVisionConfig, CLIPVisionModel, ConvNextConfig, ConvNextModel, LlamaConfig, LlamaForCausalLM

from benchmarks.errors import ConfigError, UnknownName
from refvlm.config import RefVLMConfig
from refvlm.model import RefVLM
from refvlm.predictor import BUNDLED, Predictor
from refvlm.presets import preset, preset_names
from refvlm.trp import SPECIAL_TOKENS


@pytest.fixture(scope="module")
def model() -> RefVLM:
    with torch.device("meta"):
        return RefVLM(preset("7b")).eval()


def shapes(module, prefix: str = "") -> dict[str, tuple[int, ...]]:
    return {prefix + name: tuple(value.shape) for name, value in module.named_parameters()}


def total(module) -> int:
    return sum(value.numel() for value in module.parameters())


def test_the_encoder_has_the_shapes_of_clip_vit_l_14_at_336(model):
    with torch.device("meta"):
        clip = CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336,
                patch_size=14,
            )
        )  # fmt: skip
    assert total(clip) == 303_507_456  # as transformers counts openai/clip-vit-large-patch14-336
    vision = model.vision
    assert shapes(vision.encoder) == shapes(clip.encoder)
    assert tuple(vision.patch.weight.shape) == (1024, 3, 14, 14)
    assert vision.patch.bias is None
    assert tuple(vision.class_token.shape) == (1024,)
    assert tuple(vision.positions.shape) == (577, 1024)
    assert shapes(vision.norm_before) == {"weight": (1024,), "bias": (1024,)}
    assert not shapes(vision.norm)
    assert vision.config.encoder.layers_run == 23  # hidden_states[-2]


def test_the_trunk_has_the_shapes_of_convnext_l(model):
    with torch.device("meta"):
        convnext = ConvNextModel(ConvNextConfig(hidden_sizes=[192, 384, 768, 1536], depths=[3, 3, 27, 3]))
    assert total(convnext) == 196_230_336  # torchvision's convnext_large has 197,767,336 with its head of 1,537,000
    ours = {name: shape for name, shape in shapes(model.vision.trunk.backbone).items() if "norms" not in name}
    assert ours == {name: shape for name, shape in shapes(convnext).items() if not name.startswith("layernorm")}


def test_the_language_model_has_the_shapes_of_vicuna_7b_with_ten_more_rows(model):
    llm = shapes(model.llm)
    assert llm["model.embed_tokens.weight"] == llm["lm_head.weight"] == (32_000 + len(SPECIAL_TOKENS), 4096)
    assert llm["model.norm.weight"] == (4096,)
    layer = {
        "self_attn.q_proj": (4096, 4096), "self_attn.k_proj": (4096, 4096), "self_attn.v_proj": (4096, 4096),
        "self_attn.o_proj": (4096, 4096), "mlp.gate_proj": (11008, 4096), "mlp.up_proj": (11008, 4096),
        "mlp.down_proj": (4096, 11008), "input_layernorm": (4096,), "post_attention_layernorm": (4096,),
    }  # fmt: skip
    for number in range(32):
        prefix = f"model.layers.{number}."
        found = {name.removeprefix(prefix): shape for name, shape in llm.items() if name.startswith(prefix)}
        assert found == {f"{name}.weight": shape for name, shape in layer.items()}
    assert len(llm) == 3 + 32 * len(layer)
    assert model.llm.config.rms_norm_eps == 1e-5
    with torch.device("meta"):
        llama = LlamaForCausalLM(LlamaConfig(vocab_size=32_000))  # transformers' default is Llama 7B
    assert total(llama) == 6_738_415_616
    assert total(model.llm) == 6_738_415_616 + 2 * 10 * 4096


def test_the_projector_and_the_prompt_encoder_enter_at_4096(model):
    assert shapes(model.vision.projector) == {
        "0.weight": (4096, 1024), "0.bias": (4096,), "2.weight": (4096, 4096), "2.bias": (4096,),
    }  # fmt: skip
    assert tuple(model.region_encoder.slots.shape) == (10, 4096)  # nine of content and one, as published


def test_the_decoders_have_the_published_widths(model):
    assert tuple(model.query_trunk.state_in.weight.shape) == (256, 4096)
    assert tuple(model.query_trunk.key_in.weight.shape) == (256, 192 + 384 + 768 + 1536 + 1024, 1, 1)
    assert model.query_trunk.side == 128
    assert len(model.query_trunk.layers) == 6
    assert tuple(model.query_trunk.layers[0].mlp[0].weight.shape) == (2048, 256)
    assert [tuple(layer.weight.shape) for layer in model.box_decoder.first if hasattr(layer, "weight")] == [
        (256, 512),
        (256, 256),
        (4, 256),
    ]
    assert tuple(model.mask_decoder.embed[2].weight.shape) == (256, 256)
    assert tuple(model.pixel_decoder.encoded_in.weight.shape) == (256, 1024, 1, 1)


def test_every_parameter_is_counted(model):
    clip = 303_507_456 - 2 * 1024  # all but the norm behind the last layer
    convnext = 196_230_336 - 2 * 1536 + 2 * (192 + 384 + 768 + 1536)  # a norm for each stage in place of the last
    projector = 1024 * 4096 + 4096 + 4096 * 4096 + 4096
    llama = 6_738_415_616 + 2 * 10 * 4096
    assert total(model.vision) == clip + convnext + projector
    published = clip + convnext + projector + llama
    assert published == 7_259_215_680
    assert 40e6 < total(model) - published < 80e6  # prompts, queries and decoders; 47.8 million as this is written


def test_pixels_become_576_tokens_and_a_pyramid(model):
    with torch.device("meta"), torch.inference_mode():
        features = model.vision(torch.empty(2, 3, 512, 512))
        pixels = model.pixel_decoder(features)
        logits = model.llm(inputs_embeds=features.tokens).logits
    assert features.tokens.shape == (2, 576, 4096)
    assert features.encoded.shape == (2, 1024, 24, 24)
    assert [tuple(level.shape[1:]) for level in features.pyramid] == [
        (192, 128, 128), (384, 64, 64), (768, 32, 32), (1536, 16, 16),
    ]  # fmt: skip
    assert pixels.shape == (2, 256, 128, 128)
    assert logits.shape == (2, 576, 32_010)


def test_the_tiny_preset_is_the_model_that_is_trained_and_bundled():
    sizes = preset("tiny", vocab_size=500)
    with torch.device("meta"):
        assert total(RefVLM(sizes)) < 8e6
    bundled = Predictor(BUNDLED).model.config
    same = ("image_size", "pixels", "trunk", "encoder", "llm", "max_new_tokens")
    assert {name: getattr(sizes, name) for name in same} == {name: getattr(bundled, name) for name in same}


def test_unknown_presets_and_a_missing_vocabulary_are_named():
    assert preset_names() == ["7b", "tiny", "vt_plug", "vt_plug_tiny"]
    with pytest.raises(UnknownName, match="did you mean 7b"):
        preset("7B")
    with pytest.raises(ConfigError, match=r"tiny\.yaml: vocab_size"):
        preset("tiny")


def test_presets_are_the_same_classes_with_other_numbers():
    assert type(preset("7b")) is type(preset("tiny", 10)) is RefVLMConfig
