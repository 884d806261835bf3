"""What is converted computes the same as what it came from."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModel, ConvNextConfig, ConvNextModel, LlamaConfig, LlamaForCausalLM

from benchmarks.errors import ConfigError, ModelError
from refvlm.checkpoint import save
from refvlm.config import read_config
from refvlm.convert.start import fill as fill_model
from refvlm.convert.write import examine, write
from refvlm.model import RefVLM


@pytest.fixture
def parts(tmp_path, upstream, small, fill):
    """A training checkpoint, CLIP and open_clip beside each other, with all their tensors."""
    checkpoint = fill(upstream.training_checkpoint(small))
    clip = fill(upstream.clip(small))
    trunk = fill(upstream.convnext(small) | upstream.open_clip_rest(small))
    torch.save({"state_dict": checkpoint}, tmp_path / "iter.pth")
    save_file(clip, tmp_path / "clip.safetensors")
    torch.save(trunk, tmp_path / "open_clip_pytorch_model.bin")
    paths = [tmp_path / "iter.pth", tmp_path / "clip.safetensors", tmp_path / "open_clip_pytorch_model.bin"]
    return paths, checkpoint | clip | trunk


def test_every_tensor_carried_over_is_the_one_its_name_says(parts, config, tmp_path):
    paths, tensors = parts
    conversion = examine(paths, config)
    files = write(conversion, tmp_path / "out")
    assert [file.name for file in files] == ["model.safetensors"]
    written = load_file(files[0])
    assert written.keys() == {step.ours for step in conversion.report.steps}
    for step in conversion.report.steps:
        assert torch.equal(written[step.ours], tensors[step.name])
        assert written[step.ours].dtype == torch.float16
    report = json.loads((tmp_path / "out" / "conversion.json").read_text())
    assert report["faults"] == []
    assert set(report["mapped"]) | {n for names in report["no_counterpart"].values() for n in names} | {
        each["name"] for each in report["shape_differs"]
    } == set(tensors)
    assert set(report["missing"]) | set(written) == set(RefVLM(config).state_dict())
    assert read_config(json.loads((tmp_path / "out" / "config.json").read_text()), tmp_path) == config


def test_shards_and_their_index_hold_the_same(parts, config, tmp_path):
    conversion = examine(parts[0], config)
    whole = load_file(write(conversion, tmp_path / "one")[0])
    files = write(conversion, tmp_path / "many", shard_bytes=6000)
    assert len(files) > 3
    index = json.loads((tmp_path / "many" / "model.safetensors.index.json").read_text())
    joined = {name: value for file in files for name, value in load_file(file).items()}
    assert joined.keys() == whole.keys() == index["weight_map"].keys()
    assert all(torch.equal(joined[name], whole[name]) for name in whole)
    assert all(name in load_file(tmp_path / "many" / file) for name, file in index["weight_map"].items())
    assert index["metadata"]["total_size"] == sum(value.numel() * 2 for value in whole.values())


def test_more_rows_start_as_the_mean_row_and_padding_is_cut(upstream, small, config, fill, tmp_path):
    weights = fill(upstream.language_model(small, ""))
    for vocab in (40, 64):
        table = torch.randn(vocab, 32, generator=torch.Generator().manual_seed(1))
        given = weights | {"model.embed_tokens.weight": table, "lm_head.weight": table}  # tied: they share memory
        torch.save(given, tmp_path / f"{vocab}.bin")
        (file,) = write(examine([tmp_path / f"{vocab}.bin"], config), tmp_path / str(vocab))
        for name in ("llm.model.embed_tokens.weight", "llm.lm_head.weight"):
            rows = load_file(file)[name]
            assert rows.shape == (50, 32)
            assert torch.equal(rows[: min(vocab, 50)], table[:50])
            torch.testing.assert_close(rows[vocab:], table.mean(0).expand(max(0, 50 - vocab), 32))


def test_an_export_in_folders_converts_like_its_checkpoint(upstream, small, config, fill, tmp_path):
    weights = fill(upstream.training_checkpoint(small))
    torch.save(weights, tmp_path / "iter.pth")
    folders = {
        "llm.": "", "projector.": "projector", "vpt_encoder.": "vpt_encoder",
        "visual_decoder.box.": "box_decoder", "visual_decoder.mask.": "mask_decoder",
    }  # fmt: skip
    for prefix, folder in folders.items():
        (tmp_path / "export" / folder).mkdir(parents=True, exist_ok=True)
        part = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        save_file(part, tmp_path / "export" / folder / "model.safetensors")
    (one,) = write(examine([tmp_path / "iter.pth"], config), tmp_path / "a")
    (two,) = write(examine([tmp_path / "export"], config), tmp_path / "b")
    assert one.read_bytes() == two.read_bytes()


def loaded(config, tmp_path, weights) -> RefVLM:
    """Our model with converted weights, the rest as it was made."""
    save_file(weights, tmp_path / "given.safetensors")
    write(examine([tmp_path / "given.safetensors"], config), tmp_path / "converted")
    model = RefVLM(config).eval()
    fill_model(model, tmp_path / "converted")
    return model


@torch.inference_mode()
def test_clip_computes_the_same_features_as_in_transformers(config, tmp_path):
    torch.manual_seed(0)
    clip = CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=32,
            patch_size=8,
        )
    ).eval()
    weights = {f"vision_model.{n.removeprefix('vision_model.')}": v.contiguous() for n, v in clip.state_dict().items()}
    model = loaded(config, tmp_path, weights)
    pixels = torch.randn(2, 3, 32, 32)
    wanted = clip(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
    torch.testing.assert_close(model.vision.encode(pixels, ()), wanted, rtol=0, atol=1e-5)  # float32 rounding


@torch.inference_mode()
def test_convnext_computes_the_same_maps_as_timm_names_it(config, tmp_path):
    """transformers' own ConvNeXt, renamed as open_clip saves it, goes through the rules and back."""
    torch.manual_seed(0)
    there = ConvNextModel(ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 2, 1])).eval()
    for name, value in there.named_parameters():  # layer scales begin tiny: make every block count
        if "layer_scale" in name:
            value.fill_(0.5)
    pairs = (
        ("embeddings.patch_embeddings", "stem.0"), ("embeddings.layernorm", "stem.1"), ("encoder.", ""),
        ("downsampling_layer", "downsample"), (".layers.", ".blocks."), ("layer_scale_parameter", "gamma"),
        ("dwconv", "conv_dw"), ("pwconv", "mlp.fc"), (".layernorm", ".norm"),
    )  # fmt: skip
    weights = {}
    for name, value in there.state_dict().items():
        for ours, theirs in pairs:
            name = (
                name.replace(ours, theirs)
                if not name.startswith("layernorm")
                else name.replace("layernorm", "head.norm")
            )
        weights[f"visual.trunk.{name}"] = value.contiguous()
    model = loaded(config, tmp_path, weights)
    for stage in range(1, 5):  # ours norms every level for the decoders: those norms are not upstream's
        model.vision.trunk.backbone.hidden_states_norms[f"stage{stage}"] = torch.nn.Identity()
    pixels = torch.randn(2, 3, 64, 64)
    wanted = there(pixels, output_hidden_states=True).hidden_states[1:]
    for found, level in zip(model.vision.trunk(pixels), wanted, strict=True):
        torch.testing.assert_close(found, level, rtol=0, atol=1e-5)  # float32 rounding


@torch.inference_mode()
def test_the_language_model_says_the_same(config, tmp_path):
    torch.manual_seed(0)
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=64, rms_norm_eps=config.llm.norm_eps,
        )
    ).eval()  # fmt: skip
    model = loaded(config, tmp_path, {f"llm.{name}": value.contiguous() for name, value in llama.state_dict().items()})
    ids = torch.arange(12)[None]
    torch.testing.assert_close(model.llm(ids).logits, llama(ids).logits, rtol=0, atol=1e-5)  # float32 rounding


def test_faults_leave_nothing_behind(upstream, small, config, fill, tmp_path):
    save_file(fill(upstream.projector(small) | {"sofa": (1,)}), tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match="nothing was converted: sofa: no rule knows"):
        write(examine([tmp_path / "a.safetensors"], config), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_refused(parts, config, tmp_path):
    with pytest.raises(ConfigError, match="not empty"):
        write(examine(parts[0], config), tmp_path)


def test_one_tensor_from_two_places_is_refused(parts, config, tmp_path):
    with pytest.raises(ModelError, match="convert one of them"):
        examine([parts[0][0], parts[0][0]], config)


def test_our_own_checkpoints_are_not_taken_for_upstreams(nano, tokenizer, config, tmp_path):
    save(tmp_path / "own", nano, tokenizer, nano.state_dict(), torch.float32)
    assert any("no rule knows" in fault for fault in examine([tmp_path / "own"], config).report.faults)
