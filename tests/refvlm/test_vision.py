"""The branch of the language model is CLIP, weight for weight, and both branches read one square input."""

import pytest
import torch
from pydantic import ValidationError
from transformers import CLIPVisionConfig, CLIPVisionModel, ConvNextConfig, ConvNextModel

from refvlm.config import EncoderConfig, LlmConfig, RefVLMConfig, TrunkConfig
from refvlm.vision import VisionEncoder

CLIP = {"stem": "clip", "patch_size": 14, "width": 16, "layers": 3, "heads": 2, "mlp_width": 32, "select_layer": -2}


def config(image_size=56, branch=None, **encoder) -> RefVLMConfig:
    return RefVLMConfig(
        vocab_size=8,
        image_size=image_size,
        trunk=TrunkConfig(kind="convnext", widths=(8, 8, 16, 16), coordinates=False),
        encoder=EncoderConfig(**(CLIP | encoder), image_size=branch),
        llm=LlmConfig(width=32, layers=1, heads=2, mlp_width=32),
    )


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(1))


def clip_of(encoder: VisionEncoder) -> CLIPVisionModel:
    """transformers' own CLIP with the same weights."""
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    model = CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=56, patch_size=14)).eval()
    ours = {f"encoder.{name}": value for name, value in encoder.encoder.state_dict().items()}
    ours |= {
        "embeddings.class_embedding": encoder.class_token,
        "embeddings.patch_embedding.weight": encoder.patch.weight,
        "embeddings.position_embedding.weight": encoder.positions,
        "pre_layrnorm.weight": encoder.norm_before.weight,
        "pre_layrnorm.bias": encoder.norm_before.bias,
    }
    left = model.load_state_dict(ours, strict=False)
    assert [name for name in left.missing_keys if "position_ids" not in name] == [
        "post_layernorm.weight",
        "post_layernorm.bias",
    ]
    assert not left.unexpected_keys
    return model


@pytest.mark.parametrize("select_layer", [-1, -2, -3])
def test_the_clip_stem_gives_the_hidden_states_of_transformers_own_clip(pixels, select_layer):
    torch.manual_seed(0)
    ours = VisionEncoder(config(select_layer=select_layer)).eval()
    with torch.inference_mode():
        features = ours(pixels)
        theirs = clip_of(ours)(pixels, output_hidden_states=True).hidden_states[select_layer][:, 1:]
    # the same float32 operations in the same order
    torch.testing.assert_close(features.encoded.flatten(2).transpose(1, 2), theirs, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(features.tokens, ours.projector(theirs), atol=1e-6, rtol=1e-5)


def test_the_trunk_gives_the_stages_of_transformers_own_convnext(pixels):
    torch.manual_seed(0)
    trunk = VisionEncoder(config()).trunk.eval()
    sizes = {"hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1]}
    theirs = ConvNextModel(ConvNextConfig(**sizes)).eval()
    left = theirs.load_state_dict(trunk.backbone.state_dict(), strict=False)
    assert left.missing_keys == ["layernorm.weight", "layernorm.bias"]  # behind the pooling, which we do not use
    with torch.inference_mode():
        maps = trunk(pixels)
        stages = theirs(pixels, output_hidden_states=True).hidden_states[1:]
        norms = trunk.backbone.hidden_states_norms.values()
        expected = [norm(stage) for stage, norm in zip(stages, norms, strict=True)]
    torch.testing.assert_close(list(maps), expected, atol=1e-6, rtol=1e-5)


def test_two_input_sizes_share_one_letterbox():
    torch.manual_seed(0)
    model = VisionEncoder(config(96, branch=56)).eval()
    x = torch.linspace(-1, 1, 96).expand(1, 3, 96, 96)
    with torch.inference_mode():
        features = model(x)
        shrunk = model._shrunk(x)
    assert features.tokens.shape == (1, 16, 32)
    assert features.encoded.shape == (1, 16, 4, 4)
    assert [level.shape[-1] for level in features.pyramid] == [24, 12, 6, 3]
    # a ramp stays a ramp at the same place: cell centres of the smaller square, off by the kernel only at the border
    expected = (torch.arange(56) + 0.5) / 56 * 96 / 95 * 2 - 1 - 1 / 95
    torch.testing.assert_close(shrunk[0, 0, 0, 4:-4], expected[4:-4], atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"image_size": 60}, "image_size 60 is no multiple"),
        ({"stem": "trunk", "patch_size": 8, "image_size": 56}, "must be left out"),
        ({"select_layer": -9}, "lies before the first"),
        ({"select_layer": 0}, "less than 0"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(sizes, words):
    with pytest.raises(ValidationError, match=words):
        RefVLMConfig(vocab_size=8, image_size=56, encoder=EncoderConfig(**(CLIP | sizes)))
