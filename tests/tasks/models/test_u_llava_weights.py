"""Weights of u-LLaVA under their authors' names: all of them or an error."""

import json
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks.errors import ModelError
from tasks.base import LoadOptions
from tasks.models import registry

TINY = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("tiny_u_llava.py"))))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    (folder := tmp_path_factory.mktemp("weights") / "loc").mkdir()
    parts = TINY.write(folder, "loc")
    return SimpleNamespace(folder=folder, parts=parts)


@pytest.fixture
def copy(original, tmp_path):
    """A copy of the checkpoint with a preset, to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(original.folder, folder)
    return SimpleNamespace(folder=folder, preset=TINY.write_preset(tmp_path / "copy.yaml", folder, "loc"))


def load(copy, **options):
    return registry.find(f"u-llava:{copy.preset}").load(LoadOptions(**options))


def change(copy, edit):
    path = copy.folder / "model.safetensors"
    weights = load_file(path)
    edit(weights)
    save_file(weights, path)


def same(ours, theirs):
    """Whether two modules hold the same values."""
    found, wanted = ours.state_dict(), theirs.state_dict()
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_every_weight_arrives_where_it_belongs(original, copy):
    extra = {
        "llm.model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4),
        "visual_model.pixel_mean": torch.ones(3),
    }
    change(copy, lambda weights: weights.update(extra))
    parts = load(copy).network.parts
    for name in ("llm", "clip", "projector", "seg", "sam"):
        assert same(parts[name], getattr(original.parts, name)), name
    assert same(parts["loc"][0], original.parts.det_projector)
    assert same(parts["loc"][1], original.parts.det_decoder)


def test_pickled_shards_of_tensors_are_read_too(original, copy):
    weights = load_file(copy.folder / "model.safetensors")
    (copy.folder / "model.safetensors").unlink()
    for number in (0, 1):
        shard = {name: value for place, (name, value) in enumerate(weights.items()) if place % 2 == number}
        torch.save(shard, copy.folder / f"pytorch_model-0000{number + 1}-of-00002.bin")
    assert same(load(copy).network.parts["sam"], original.parts.sam)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda w: w.pop("visual_model.mask_decoder.iou_token.weight"), "nothing becomes sam.mask_decoder.iou_token"),
        (lambda w: w.pop("llm.model.layers.1.mlp.up_proj.weight"), "nothing becomes llm.model.layers.1.mlp.up_proj"),
        (lambda w: w.update({"llm.brand_new": torch.ones(2)}), "llm.brand_new: no rule knows the name"),
        (lambda w: w.update({"det_decoder.2.bias": torch.ones(3)}), r"det_decoder.2.bias is \[3\] but ours"),
        (lambda w: w.update({"llm.model.layers.2.mlp.up_proj.weight": torch.ones(2)}), "builds no llm.model.layers.2"),
    ],
)
def test_what_is_missing_left_over_or_of_another_shape_is_an_error(copy, edit, complaint):
    change(copy, edit)
    with pytest.raises(ModelError, match=complaint):
        load(copy)


def test_the_other_variant_is_named(copy, tmp_path):
    preset = TINY.write_preset(tmp_path / "other.yaml", copy.folder, "dino")
    with pytest.raises(ModelError, match=r"is of variant loc, the preset of dino: use --model u-llava:loc"):
        registry.find(f"u-llava:{preset}").load(LoadOptions())


def test_a_tokenizer_without_its_tokens_is_refused(copy):
    (copy.folder / "tokenizer.json").unlink()
    TINY.VICUNA.write_tokenizer(copy.folder, [token for token in TINY.ADDED if token != "[SEG]"])
    with pytest.raises(ModelError, match=r"its tokenizer lacks \[SEG\]"):
        load(copy)


def test_weights_that_nobody_released_must_be_named():
    entry = registry.find("u-llava:loc")
    for act in (entry.load, entry.fingerprint):
        with pytest.raises(ModelError, match=r"no weights of u-llava:loc are known to be released.*--weights"):
            act(LoadOptions())


def test_another_checkpoint_has_another_hash(copy):
    entry = registry.find(f"u-llava:{copy.preset}")
    before = entry.fingerprint(LoadOptions())
    assert before == load(copy).fingerprint()
    (copy.folder / "special_tokens_map.json").write_text("{}")
    assert entry.fingerprint(LoadOptions()) != before


NAME = "llm.model.layers.0.self_attn.q_proj"


def add_adapter(copy, config, **more):
    torch.manual_seed(5)
    pair = {"A": torch.randn(2, 96), "B": torch.randn(96, 2)}
    named = {f"base_model.model.{NAME.removeprefix('llm.')}.lora_{side}.weight": value for side, value in pair.items()}
    save_file(named | more, copy.folder / "adapter_model.safetensors")
    (copy.folder / "adapter_config.json").write_text(json.dumps(config))
    return pair


def test_an_adapter_is_merged(original, copy):
    pair = add_adapter(copy, {"r": 2, "lora_alpha": 4})
    merged = load(copy).network.parts["llm"].state_dict()
    plain = original.parts.llm.state_dict()
    name = NAME.removeprefix("llm.") + ".weight"
    torch.testing.assert_close(merged[name], plain[name] + 2.0 * pair["B"] @ pair["A"])
    assert all(torch.equal(merged[other], plain[other]) for other in plain if other != name)


@pytest.mark.parametrize(
    ("config", "more", "complaint"),
    [
        ({"r": 0, "lora_alpha": 4}, {}, "adapter_config.json cannot be read"),
        ({"r": 2, "lora_alpha": 4}, {"other": torch.ones(1)}, "no rule knows other"),
        (
            {"r": 2, "lora_alpha": 4},
            {"base_model.model.model.x.lora_A.weight": torch.ones(2, 2)},
            "half of the adapter",
        ),
    ],
)
def test_an_adapter_that_cannot_be_merged_is_an_error(copy, config, more, complaint):
    add_adapter(copy, config, **more)
    with pytest.raises(ModelError, match=complaint):
        load(copy)
