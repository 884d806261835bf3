"""Checkpoints come back to the bit, and one that does not fit says which weight and why."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks.errors import ConfigError, ModelError
from refvlm import checkpoint
from refvlm.config import DepthConfig
from refvlm.fingerprint import fingerprint
from refvlm.model import RefVLM


@pytest.fixture
def folder(tmp_path, nano, tokenizer):
    checkpoint.save(tmp_path, nano, tokenizer, nano.state_dict(), torch.float32)
    return tmp_path


def test_a_saved_model_gives_the_same_states(folder, nano, tokenizer):
    loaded, words = checkpoint.load(folder)
    assert words.tokens == tokenizer.tokens
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(loaded.vision(pixels).tokens, nano.vision(pixels).tokens)
    weights = loaded.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in nano.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_not_stored_is_computed_in_the_precision_it_needs(nano_config, tokenizer, tmp_path, dtype):
    sizes = nano_config.model_copy(update={"depth": DepthConfig(bins=5)})
    fresh = RefVLM(sizes)
    checkpoint.save(tmp_path, fresh, tokenizer, fresh.state_dict(), torch.float32)
    loaded = checkpoint.load(tmp_path, dtype=dtype)[0]
    buffers = dict(loaded.named_buffers())
    assert {name for name, value in buffers.items() if value.is_meta} == set()
    for name, value in fresh.named_buffers():
        # angles and depths stay exact; positions are added to features of that precision
        assert torch.equal(buffers[name], value.to(dtype) if name.endswith("sines") else value), name
    assert {value.dtype for value in loaded.parameters()} == {dtype}


def test_weights_of_another_shape_are_named(folder):
    weights = load_file(folder / "model.safetensors")
    weights["query_trunk.norm.weight"] = torch.zeros(3)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"query_trunk\.norm\.weight is \[3\] but should be \[16\]"):
        checkpoint.load(folder)


def test_missing_and_foreign_weights_are_named(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["query_trunk.norm.weight"]
    save_file(weights | {"sofa": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"query_trunk\.norm\.weight is missing.*sofa is not part"):
        checkpoint.load(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_or_garbled_file_is_one_clear_error(folder, name):
    (folder / name).write_bytes(b"\x00garbage")
    with pytest.raises((ModelError, ConfigError), match=str(folder)):
        checkpoint.load(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        checkpoint.load(folder)
    with pytest.raises(ModelError, match=name):
        fingerprint(folder)


def test_an_unknown_key_of_the_configuration_is_named(folder):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sofa": 1}))
    with pytest.raises(ConfigError, match="sofa"):
        checkpoint.load(folder)


def test_the_fingerprint_changes_with_a_weight(folder):
    before = fingerprint(folder)
    weights = load_file(folder / "model.safetensors")
    weights["query_trunk.norm.weight"][0] += 1
    save_file(weights, folder / "model.safetensors")
    assert fingerprint(folder) != before


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("llm", "heads", 5, "does not split into 5 heads"),
        ("encoder", "width", 0, "encoder.width"),
        ("decoder", "key_stride", 7, "decoder.key_stride"),
        (None, "image_size", 100, "image_size"),
    ],
)
def test_sizes_that_cannot_be_built_are_named(folder, section, key, value, words):
    path = folder / "config.json"
    content = json.loads(path.read_text())
    (content if section is None else content[section])[key] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=rf"config\.json.*{words}"):
        checkpoint.load(folder)
