"""`refbench convert`: a dry run tells everything and writes nothing; a conversion writes a folder that can be read."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

CONFIG = {
    "image_size": 64,
    "encoder": {
        "stem": "clip",
        "image_size": 32,
        "patch_size": 8,
        "width": 16,
        "layers": 1,
        "heads": 2,
        "mlp_width": 32,
    },
    "llm": {"width": 32, "layers": 1, "heads": 4, "mlp_width": 48, "max_positions": 64, "tie_embeddings": False},
    "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32},
    "vocab_size": 50,
}
PROJECTOR = {
    "projector.model.0.weight": torch.ones(32, 16), "projector.model.0.bias": torch.ones(32),
    "projector.model.2.weight": torch.ones(32, 32), "projector.model.2.bias": torch.ones(32),
    "visual_decoder.box.in_proj_queries.weight": torch.ones(16, 32), "vd_adapter.x": torch.ones(1),
}  # fmt: skip


@pytest.fixture
def given(tmp_path):
    """A configuration and a checkpoint that fits it."""
    config, weights = tmp_path / "config.json", tmp_path / "iter.safetensors"
    config.write_text(json.dumps(CONFIG))
    save_file(PROJECTOR, weights)
    return ["--from", weights, "--config", config]


def test_a_dry_run_tells_what_becomes_of_every_tensor(refbench, given, tmp_path):
    done = refbench("convert", *given, "--dry-run", "--json")
    assert done.code == 0
    assert set(done.json["mapped"]) == {name for name in PROJECTOR if name.startswith("projector")}
    assert sorted(name for names in done.json["no_counterpart"].values() for name in names) == [
        "vd_adapter.x", "visual_decoder.box.in_proj_queries.weight",
    ]  # fmt: skip
    assert done.json["unexpected"] == done.json["faults"] == done.json["files"] == []
    assert "box_decoder.first.0.weight" in done.json["missing"]
    assert sorted(each.name for each in tmp_path.iterdir() if each.name != "here") == [
        "config.json",
        "iter.safetensors",
    ]


def test_the_dry_run_for_people_says_the_same(refbench, given):
    text = refbench("convert", *given, "--dry-run").out
    assert "carried over" in text
    assert "1 like visual_decoder.box.in_proj_queries.weight: box decoder: another design" in text
    assert "box_decoder.first" in text


def test_a_dry_run_with_faults_exits_1_and_a_conversion_2(refbench, given, tmp_path):
    save_file(PROJECTOR | {"sofa": torch.ones(1)}, tmp_path / "iter.safetensors")
    dry = refbench("convert", *given, "--dry-run")
    assert (dry.code, "sofa: no rule knows the name" in dry.out) == (1, True)
    real = refbench("convert", *given, "--out", tmp_path / "out")
    assert (real.code, "sofa: no rule knows the name" in real.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_conversion_writes_weights_configuration_and_report(refbench, given, tmp_path):
    done = refbench("convert", *given, "--out", tmp_path / "out", "--json")
    assert done.code == 0
    assert done.json["files"] == [str(tmp_path / "out" / "model.safetensors")]
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "config.json",
        "conversion.json",
        "model.safetensors",
    ]
    assert torch.equal(
        load_file(tmp_path / "out" / "model.safetensors")["vision.projector.2.weight"], torch.ones(32, 32)
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--from", "nowhere.pth", "--dry-run"], "nowhere.pth is missing"),
        (["--from", "nowhere.pth"], "--out"),
        (["--dry-run"], "--from"),
        (["--from", "nowhere.pth", "--dry-run", "--config", "8b"], "no preset is called '8b'"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(refbench, words, complaint):
    done = refbench("convert", *words)
    assert done.code == 2
    assert complaint in done.err
    assert done.err.count("\n") == 1
