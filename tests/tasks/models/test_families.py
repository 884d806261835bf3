import json

import pytest
import yaml

from benchmarks.errors import ConfigError, ModelError, UnknownName
from results.published import numbers
from tasks.base import LoadOptions
from tasks.models import families

FIELDS = {"checkpoint": "owner/blue", "licence": "MIT", "description": "a toy", "model_types": ["toy"]}


class Shade(families.Preset):
    depth: int = 1


def load(member, folder, options):
    return (member.name, member.preset.depth, folder)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A family with one preset `blue`, and a cache of the hub that is empty."""
    monkeypatch.setattr(families, "PRESETS", tmp_path / "presets")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "presets" / "toy").mkdir(parents=True)
    (tmp_path / "presets" / "toy" / "blue.yaml").write_text(json.dumps(FIELDS | {"depth": 7}))
    return families.family("toy", Shade, load, lambda preset: families.Abilities(("depth",)), "toys")


@pytest.fixture
def folder(tmp_path):
    """A checkpoint folder as far as finding and hashing go."""
    path = tmp_path / "mine"
    path.mkdir()
    (path / "config.json").write_text('{"model_type": "toy"}')
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def test_numbers_are_of_the_released_checkpoint_and_the_datasets_that_hold_for_it(toy, folder, tmp_path):
    preset = tmp_path / "presets" / "toy" / "blue.yaml"
    preset.write_text(json.dumps(FIELDS | {"published": {"Mask2Former Swin-L (IN21k)": ["COCO Panoptic"]}}))
    found = {(each.task, each.dataset, each.metric): each.value for each in toy.of_reference("blue").published}
    assert found["panoptic", "COCO Panoptic", "PQ"] == "57.8"  # the table in the repository of Mask2Former
    assert {dataset for _, dataset, _ in found} == {"COCO Panoptic"}
    assert toy.of_reference(str(folder)).published == ()


def test_every_name_and_dataset_of_a_preset_is_printed_somewhere():
    printed = {(number.model, number.dataset) for number in numbers()}
    named = [(path, yaml.safe_load(path.read_text())["published"]) for path in families.PRESETS.glob("*/*.yaml")
             if "published:" in path.read_text()]  # fmt: skip
    assert len(named) > 10
    for path, names in named:
        for name, datasets in names.items():
            assert name in {model for model, _ in printed}, path
            assert all((name, dataset) in printed for dataset in datasets), path


def test_a_folder_follows_the_preset_of_its_architecture(toy, folder):
    entry = toy.of_reference(str(folder))
    assert (entry.name, entry.units, entry.licence) == ("toy:mine", ("depth",), "MIT")
    assert entry.load(LoadOptions()) == ("toy:mine", 7, folder)


def test_a_preset_takes_its_weights_from_the_folder_that_is_named(toy, folder):
    assert toy.of_reference("blue").load(LoadOptions(weights=folder)) == ("toy:blue", 7, folder)


def test_a_hub_id_that_a_preset_names_follows_that_preset(toy, folder):
    assert toy.of_reference("owner/blue").load(LoadOptions(weights=folder)) == ("toy:owner/blue", 7, folder)


@pytest.mark.parametrize("reference", ["blue", "owner/blue"])
def test_weights_that_are_not_here_are_never_fetched_but_the_command_is_said(toy, reference):
    entry = toy.of_reference(reference)
    with pytest.raises(ModelError, match=r"owner/blue is not in the local hub cache.*`hf download owner/blue`"):
        entry.load(LoadOptions())
    assert entry.sizes(None) == []
    assert entry.needs[0].name == "owner/blue"


def test_a_hub_id_in_the_cache_is_used_and_a_part_of_one_is_not(toy, tmp_path):
    snapshot = tmp_path / "hub" / "models--owner--red" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("c0ffee")
    (snapshot / "config.json").write_text('{"model_type": "toy"}')
    with pytest.raises(ModelError, match=r"only in part .*no weights.*`hf download owner/red`"):
        toy.of_reference("owner/red")
    (snapshot / "model.safetensors").write_bytes(b"weights")
    assert toy.of_reference("owner/red").load(LoadOptions())[2] == snapshot


def test_a_preset_file_may_name_a_folder_beside_it(toy, folder):
    mine = folder.parent / "mine.yaml"
    mine.write_text(json.dumps(FIELDS | {"checkpoint": "mine", "depth": 9}))
    entry = toy.of_reference(str(mine))
    assert entry.load(LoadOptions()) == ("toy:mine", 9, folder)


def test_a_preset_file_with_an_unknown_key_is_refused(toy, tmp_path):
    (tmp_path / "odd.yaml").write_text(json.dumps(FIELDS | {"dephth": 9}))
    with pytest.raises(ConfigError, match="did you mean depth"):
        toy.of_reference(str(tmp_path / "odd.yaml"))


def test_an_architecture_that_no_preset_knows_is_refused(toy, folder):
    (folder / "config.json").write_text('{"model_type": "other"}')
    with pytest.raises(ModelError, match=r"is a other.*they know toy.*--model toy:FILE.yaml"):
        toy.of_reference(str(folder))


def test_a_misspelt_preset_gets_the_nearest_name(toy):
    with pytest.raises(UnknownName, match="did you mean blue"):
        toy.of_reference("bleu")


@pytest.mark.parametrize("reference", ["./nowhere", "/nowhere/at/all"])
def test_a_folder_that_is_not_there_is_no_hub_id(toy, reference):
    with pytest.raises(ModelError, match="is no folder"):
        toy.of_reference(reference)


def test_the_fingerprint_follows_files_and_settings_but_not_place_or_prose(toy, folder, tmp_path):
    def of(where, **changes):
        mine = tmp_path / "fp.yaml"
        mine.write_text(json.dumps(FIELDS | {"checkpoint": str(where)} | changes))
        return toy.of_reference(str(mine)).fingerprint(LoadOptions())

    before = of(folder)
    copy = folder.rename(tmp_path / "moved")
    assert of(copy) == before
    assert of(copy, description="other words", licence="other") == before
    assert of(copy, depth=2) != before
    (copy / "code.py").write_text("pass")
    assert of(copy) == before
    trusting = of(copy, trust_remote_code=True)
    (copy / "code.py").write_text("pass  # changed")
    assert of(copy, trust_remote_code=True) != trusting
    (copy / "model.safetensors").write_bytes(b"other weights")
    assert of(copy) != before
