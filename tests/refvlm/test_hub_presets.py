"""Every preset, made small, goes through `save_pretrained` and `from_pretrained` in shards and in another precision."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from refvlm.config import RefVLMConfig
from refvlm.hub import RefVLMForConditionalGeneration, RefVLMPretrainedConfig, register
from refvlm.presets import preset, preset_names

SMALL = {
    "trunk": {"stem_width": 8, "widths": (8, 8, 16, 16), "depths": (1, 1, 1, 1)},
    "encoder": {"width": 16, "layers": 2, "heads": 2, "mlp_width": 32},
    "llm": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 48},
    "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8, "head_width": 16},
    "keypoint": {"cells": 4, "width": 8},
    "depth": {"bins": 4},
}


def small(name: str) -> RefVLMConfig:
    """A preset with all its choices, at a size that a test can hold."""
    content = preset(name, 50).model_dump() | {"image_size": 64, "vocab_size": 50}
    for part, sizes in SMALL.items():
        content[part] |= sizes
    if content["encoder"]["image_size"]:
        content["encoder"]["image_size"] = (
            3 * content["encoder"]["patch_size"]
        )  # bands of the preset split 3 × 3 tokens
    return RefVLMConfig(**content)


@pytest.mark.parametrize("name", preset_names())
def test_its_configuration_comes_back(name, tmp_path):
    register()
    sizes = preset(name, 50)
    RefVLMPretrainedConfig.of(sizes).save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).checked() == sizes


@pytest.mark.parametrize("name", preset_names())
def test_its_weights_come_back_from_shards_in_the_precision_that_is_asked_for(name, tmp_path):
    register()
    torch.manual_seed(0)
    model = RefVLMForConditionalGeneration(RefVLMPretrainedConfig.of(small(name)))
    model.save_pretrained(tmp_path, max_shard_size="30KB")
    assert (tmp_path / "model.safetensors.index.json").is_file()
    for dtype in (torch.float32, torch.bfloat16):
        again = AutoModel.from_pretrained(tmp_path, dtype=dtype)
        assert again.core.config == small(name)
        for key, value in again.state_dict().items():
            assert value.dtype == dtype, key
            assert torch.equal(value, model.state_dict()[key].to(dtype)), key
