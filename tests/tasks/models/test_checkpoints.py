import json
from importlib.util import find_spec

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoImageProcessor,
    AutoModelForCausalLM,
    AutoProcessor,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from benchmarks.errors import ModelError
from tasks.base import LoadOptions
from tasks.models import checkpoints


@pytest.fixture
def folder(tmp_path):
    config = LlamaConfig(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2)
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(tmp_path / "llama")
    return tmp_path / "llama"


def test_weights_arrive_whole_in_the_wanted_number_format(folder):
    model = checkpoints.model(folder, AutoModelForCausalLM, LoadOptions(dtype="bfloat16"))
    assert model.lm_head.weight.dtype == torch.bfloat16
    assert not model.training


def rewrite(folder, change):
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, {"format": "pt"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weights: weights.pop("lm_head.weight"), "lacks 1 weights.*lm_head.weight"),
        (lambda weights: weights.update(extra=torch.zeros(2)), "has besides 1 weights.*extra"),
    ],
)
def test_every_stored_weight_is_accounted_for(folder, change, words):
    rewrite(folder, change)
    with pytest.raises(ModelError, match=words):
        checkpoints.model(folder, AutoModelForCausalLM, LoadOptions())


def test_weights_of_another_shape_are_an_error_in_one_line(folder):
    rewrite(folder, lambda weights: weights.update({"lm_head.weight": torch.zeros(9, 8)}))
    with pytest.raises(ModelError, match=str(folder)) as caught:
        checkpoints.model(folder, AutoModelForCausalLM, LoadOptions())
    assert "\n" not in str(caught.value)


def test_listed_weights_may_be_left_unused(folder):
    rewrite(folder, lambda weights: weights.update(extra=torch.zeros(2)))
    checkpoints.model(folder, AutoModelForCausalLM, LoadOptions(), spare_keys=["^extra$"])


def test_listed_weights_may_be_absent(folder):
    rewrite(folder, lambda weights: weights.pop("lm_head.weight"))
    checkpoints.model(folder, AutoModelForCausalLM, LoadOptions(), absent_keys=["^lm_head"])


def test_a_damaged_file_is_named(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=f"{folder} cannot be loaded"):
        checkpoints.model(folder, AutoModelForCausalLM, LoadOptions())


def test_a_missing_shard_is_named(folder):
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-2.safetensors"}}))
    with pytest.raises(ModelError, match=r"lacks model-2\.safetensors"):
        checkpoints.checked(folder)


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
@pytest.mark.parametrize(
    ("settings", "auto_class"),
    [
        ({"image_processor_type": "Sam2ImageProcessor"}, AutoImageProcessor),
        ({"processor_class": "Qwen2_5_VLProcessor", "image_processor_type": "Qwen2VLImageProcessor"}, AutoProcessor),
    ],
)
def test_what_needs_torchvision_says_exactly_that(tmp_path, settings, auto_class):
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"[UNK]": 0}, "[UNK]")), unk_token="[UNK]")
    words.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="needs torchvision, which is not installed"):
        checkpoints.part(tmp_path, auto_class)
