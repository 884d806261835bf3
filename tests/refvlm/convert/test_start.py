"""A model takes what a conversion holds, from one file or many, and says what it lacks."""

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.errors import ModelError
from refvlm.convert.start import fill as fill_model
from refvlm.convert.write import examine, write
from refvlm.model import RefVLM


@pytest.mark.parametrize("shard_bytes", [2**30, 4000])
def test_a_model_is_filled_and_the_rest_is_named(upstream, small, config, fill, tmp_path, shard_bytes):
    weights = fill(upstream.training_checkpoint(small) | upstream.clip(small))
    save_file(weights, tmp_path / "given.safetensors")
    conversion = examine([tmp_path / "given.safetensors"], config)
    write(conversion, tmp_path / "out", shard_bytes)
    model = RefVLM(config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fresh = fill_model(model, tmp_path / "out")
    after = model.state_dict()
    assert fresh == conversion.report.missing
    assert all(torch.equal(after[name], before[name]) for name in fresh)
    for step in conversion.report.steps:
        assert torch.equal(after[step.ours], weights[step.name].float())


@pytest.mark.parametrize(
    ("content", "words"),
    [({"sofa": torch.zeros(2)}, "no place"), ({"vision.class_token": torch.zeros(3)}, r"\[3\], the model has \[16\]")],
)
def test_a_tensor_that_does_not_fit_is_named(config, tmp_path, content, words):
    save_file(content, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=words):
        fill_model(RefVLM(config), tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json"])
def test_a_missing_or_damaged_file_is_one_clear_error(config, tmp_path, name):
    model = RefVLM(config)
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        fill_model(model, tmp_path)
    (tmp_path / name).write_bytes(b"\x00garbage")
    with pytest.raises(ModelError, match=f"{name} cannot be read"):
        fill_model(model, tmp_path)
