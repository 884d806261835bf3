"""`refbench models NAME`: files, licences, memory and published numbers of one model."""

import pytest
import torch
from safetensors.torch import load_file

from refvlm.model import RefVLM
from refvlm.predictor import BUNDLED
from refvlm.presets import preset
from tasks.base import ModelEntry
from tasks.facts import ModelSize, NeededFile, Published


@pytest.fixture
def toy(monkeypatch):
    """A model about which everything is known."""
    entry = ModelEntry(
        name="toy",
        kind="toy",
        units=("box",),
        load=lambda options: pytest.fail("showing a model must not load it"),
        licence="MIT",
        needs=(NeededFile("toy/weights", "all of it", "CC0"),),
        sizes=lambda weights: [ModelSize(str(weights), 1_000_000)],
        published=(Published("rec", "RefCOCO", "val", "acc@0.5", "87.00", "percent", "arXiv 1, table 2"),),
        note="rows of it are of old weights",
    )
    monkeypatch.setattr("tasks.models.registry.find_any", lambda name, include: entry)


def test_everything_known_is_shown_to_people(refbench, toy):
    text = refbench("models", "toy").out
    for fact in (
        "licence: MIT",
        "toy/weights: all of it; licence: CC0",
        "None: 1,000,000 weights: 0.00 GB in float32",
        "- rec RefCOCO val: acc@0.5 87.00 percent (arXiv 1, table 2)",
        "note: rows of it are of old weights",
    ):
        assert fact in text


def test_everything_known_is_shown_to_machines_with_the_weights_that_are_named(refbench, toy):
    [card] = refbench("models", "toy", "--weights", "here", "--json").json
    assert card["needs"] == [{"name": "toy/weights", "holds": "all of it", "licence": "CC0"}]
    assert (card["sizes"][0]["what"], card["sizes"][0]["values"]) == ("here", 1_000_000)
    assert card["published"][0]["value"] == "87.00"


def test_a_model_about_which_little_is_known_shows_no_empty_headings(refbench):
    text = refbench("models", "oracle").out
    assert "published: no number known" in text
    assert "needs" not in text
    assert "memory" not in text


def test_weights_without_a_model_are_refused(refbench):
    outcome = refbench("models", "--weights", "here")
    assert outcome.code == 2
    assert "name it" in outcome.err


def test_the_reference_model_tells_its_presets_parts_and_licences(refbench):
    [card] = refbench("models", "refvlm", "--json").json
    with torch.device("meta"):
        large = RefVLM(preset("7b"))
    sizes = {each["what"]: each["values"] for each in card["sizes"]}
    assert sizes == {
        "7b": sum(value.numel() for value in large.parameters()),
        "tiny, bundled": sum(value.numel() for value in load_file(BUNDLED / "model.safetensors").values()),
    }
    assert {each["licence"].split()[0] for each in card["needs"]} == {"MIT", "Llama"}
    assert card["published"] == []


def test_other_weights_are_shown_as_they_are(refbench, tmp_path):
    [card] = refbench("models", "refvlm", "--weights", BUNDLED, "--json").json
    assert card["sizes"][0]["what"] == "tiny"
    outcome = refbench("models", "refvlm", "--weights", tmp_path)
    assert outcome.code == 2
    assert "name the folder of a checkpoint" in outcome.err
