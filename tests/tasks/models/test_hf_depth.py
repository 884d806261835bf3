"""Depth estimators: tiny random checkpoints of every architecture, loaded from disk as users load theirs."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import (
    AutoImageProcessor,
    AutoModelForDepthEstimation,
    BeitConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    GLPNConfig,
    GLPNForDepthEstimation,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
)
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.glpn.image_processing_pil_glpn import GLPNImageProcessorPil
from transformers.models.zoedepth import image_processing_pil_zoedepth
from transformers.models.zoedepth.image_processing_pil_zoedepth import ZoeDepthImageProcessorPil

from benchmarks.errors import ModelError
from benchmarks.schema import Query
from tasks.base import LoadOptions
from tasks.models.hf_depth import MODELS

[FAMILY] = MODELS
PARTS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("toy_parts.py"))))
SAME = 1e-4
"""A batch may add up in another order than single photos; values of these maps are of the order of 1."""
SIZES_WH = [(60, 44), (44, 60), (60, 44)]


def depth_anything(kind="relative"):
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=28, patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
        head_hidden_size=8, depth_estimation_type=kind, max_depth=20 if kind == "metric" else 1,
    )  # fmt: skip
    size = {"height": 28, "width": 28}
    processor = DPTImageProcessorPil(size=size, keep_aspect_ratio=True, ensure_multiple_of=14)
    return DepthAnythingForDepthEstimation(config), processor


def dpt():
    config = DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=16,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
    )  # fmt: skip
    return DPTForDepthEstimation(config), DPTImageProcessorPil(size={"height": 32, "width": 32})


def zoedepth(heads=1):
    backbone = BeitConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=16,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
        use_relative_position_bias=True,
    )  # fmt: skip
    config = ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, bottleneck_features=8,
        num_relative_features=4, bin_embedding_dim=8, num_attractors=[4, 2, 2, 1],
        bin_configurations=[{"n_bins": 8, "min_depth": 0.1, "max_depth": 10.0, "name": str(n)} for n in range(heads)],
        num_patch_transformer_layers=4, patch_transformer_hidden_size=128, patch_transformer_intermediate_size=16,
        patch_transformer_num_attention_heads=2,
    )  # fmt: skip
    processor = ZoeDepthImageProcessorPil(size={"height": 32, "width": 32}, ensure_multiple_of=16)
    return ZoeDepthForDepthEstimation(config), processor


def glpn():
    config = GLPNConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=8,
        mlp_ratios=[1, 1, 1, 1], drop_path_rate=0.0,
    )  # fmt: skip
    return GLPNForDepthEstimation(config), GLPNImageProcessorPil(size_divisor=32)


BUILD = {"depth_anything": depth_anything, "dpt": dpt, "zoedepth": zoedepth, "glpn": glpn}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("depth")
    return {name: PARTS.save(root / name, build) for name, build in BUILD.items()}


@pytest.fixture
def queries(tmp_path):
    photos = PARTS.noise(tmp_path, SIZES_WH)
    return [Query(str(n), each, "", "Estimate the depth.", "depth") for n, each in enumerate(photos)]


def load(reference, weights=None, **arguments):
    return FAMILY.of_reference(str(reference)).load(LoadOptions(weights=weights, args=tuple(arguments.items())))


def maps(model, queries):
    with torch.inference_mode():
        return [each.depth.load() for each in model.predict(queries)]


def by_transformers(folder, query, monkeypatch, flip):
    """The map as the documentation of transformers makes it, one photo at a time."""

    def resize(image, size, interpolation, antialias):
        assert (interpolation, antialias) == ("bicubic", False)
        return torch.nn.functional.interpolate(image[None], size=tuple(size), mode="bicubic")[0]

    stand_in = SimpleNamespace(resize=resize, InterpolationMode=SimpleNamespace(BICUBIC="bicubic"))
    monkeypatch.setattr(image_processing_pil_zoedepth, "tvF", stand_in, raising=False)
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    model = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    inputs = processor(query.image.open_rgb(), return_tensors="pt")
    with torch.inference_mode():
        more = {}
        if flip:
            more["outputs_flipped"] = model(pixel_values=inputs["pixel_values"].flip(3))
            more["source_sizes"] = [query.image.size_hw]
        outputs = model(**inputs)
    found = processor.post_process_depth_estimation(outputs, target_sizes=[query.image.size_hw], **more)
    return found[0]["predicted_depth"].squeeze().numpy()


@pytest.mark.parametrize("name", BUILD)
def test_maps_are_those_of_transformers_at_the_size_of_the_photo(folders, queries, monkeypatch, name):
    declared = "disparity" if name in ("depth_anything", "dpt") else "depth"
    found = maps(load(folders[name], answer=declared), queries)
    for query, values in zip(queries, found, strict=True):
        assert values.dtype == np.float32
        assert values.shape == query.image.size_hw
        assert np.ptp(values) > 0
        expected = by_transformers(folders[name], query, monkeypatch, flip=name == "zoedepth")
        np.testing.assert_allclose(values, expected, atol=SAME)


def test_with_two_heads_a_batch_answers_as_its_photos_alone(tmp_path, queries):
    model = load(PARTS.save(tmp_path / "two", lambda: zoedepth(2)))
    together = maps(model, queries)
    for query, values in zip(queries, together, strict=True):
        np.testing.assert_array_equal(maps(model, [query])[0], values)


def test_disparity_is_inverted_as_declared(folders, queries):
    disparity = maps(load(folders["dpt"], answer="disparity"), queries)[0]
    depth = maps(load(folders["dpt"]), queries)[0]
    np.testing.assert_allclose(depth, 1 / np.maximum(disparity, 1e-3 * disparity.max()), rtol=1e-6)
    metres = maps(load(folders["glpn"]), queries)[0]
    inverse = maps(load(folders["glpn"], answer="disparity"), queries)[0]
    np.testing.assert_allclose(inverse, np.where(metres > 0, 1 / metres, 0), rtol=1e-6)


def test_a_checkpoint_that_says_metric_is_not_taken_for_relative(tmp_path):
    folder = PARTS.save(tmp_path / "metric", lambda: depth_anything("metric"))
    with pytest.raises(ModelError, match="says its depth is metric, but the preset declares relative_disparity"):
        load(folder)
    load("depth-anything-v2-metric-indoor-small", weights=folder)


def test_dpt_needs_no_weights_for_what_its_first_fusion_layer_never_does(tmp_path, queries):
    from safetensors.torch import load_file, save_file

    folder = PARTS.save(tmp_path / "dpt", dpt)
    before = maps(load(folder), queries)
    weights = load_file(folder / "model.safetensors")
    kept = {k: v for k, v in weights.items() if not k.startswith("neck.fusion_stage.layers.0.residual_layer1")}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    for one, other in zip(before, maps(load(folder), queries), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", BUILD)
def test_it_runs_a_task_from_its_folder(refbench, small_world, folders, name):
    words = ("--model", f"hf-depth:{folders[name]}", "--data-root", small_world, "--limit", 2)
    [row] = refbench("eval", "--task", "nyu_depth", *words, "--json").json["rows"]
    assert (row["model"], row["n"], row["failed"]) == (f"hf-depth:{name}", 2, 0)
    assert row["metrics"]["rmse"] > 0


def test_every_preset_shows_its_facts(refbench):
    [card] = refbench("models", "hf-depth", "--json").json
    assert card["answers"] == ["depth"]
    assert "zoedepth-nyu" in card["note"]
    [card] = refbench("models", "hf-depth:dpt-large", "--json").json
    assert card["needs"][0]["name"] == "Intel/dpt-large"
    assert card["licence"] == "Apache-2.0"
