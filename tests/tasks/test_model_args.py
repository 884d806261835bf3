"""Arguments of a model: checked before anything runs, part of what a run is, and what they say is done."""

import json

import pytest

from benchmarks.errors import ConfigError, UnknownName
from tasks.model_args import ModelArgument, read

KNOWN = (
    ModelArgument("constrain", ("on", "off"), "keeps to the grammar"),
    ModelArgument("depth", ("2", "3"), "how far"),
)
ASK = ("eval", "--task", "refcocog_rec", "--limit", 4, "--json", "--quiet")


def test_only_what_differs_from_the_default_is_kept_in_one_order():
    assert read("m", KNOWN, ["depth=3", "constrain=off"]) == (("constrain", "off"), ("depth", "3"))
    assert read("m", KNOWN, ["constrain=on"]) == () == read("m", KNOWN, [])
    assert read("m", KNOWN, ["constrain=off", "constrain=on"]) == ()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("constrian=off", UnknownName, "constrain"),
        ("constrain=of", UnknownName, "did you mean off"),
        ("constrain", ConfigError, "KEY=VALUE"),
    ],
)
def test_what_there_is_not_is_refused_with_the_remedy(given, error, words):
    with pytest.raises(error, match=words):
        read("m", KNOWN, [given])


def test_a_model_without_arguments_takes_none():
    with pytest.raises(ConfigError, match="takes no arguments"):
        read("oracle", (), ["constrain=off"])


def test_the_command_refuses_before_it_runs(refbench, tmp_path):
    outcome = refbench(*ASK, "--out", tmp_path / "runs", "--model-arg", "constrian=off")
    assert outcome.code == 2
    assert "constrain" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_models_shows_them(refbench):
    assert "on or off" in refbench("models", "refvlm", "--json").json[0]["arguments"]["constrain"]


def test_answers_without_the_constraint_are_a_run_of_their_own_and_their_faults_are_counted(refbench, tmp_path):
    """The bundled weights learned the grammar: on their own they break it seldom or never."""
    runs = [
        refbench(*ASK, "--out", tmp_path, *words).json["rows"][0] for words in ((), ("--model-arg", "constrain=off"))
    ]
    kept, free = runs
    assert kept["run"] != free["run"]
    assert kept["unparsable"] == 0
    assert free["unparsable"] <= 1
    identity = json.loads((tmp_path / free["run"] / "run.json").read_text())["identity"]
    assert identity["model"]["arguments"] == {"constrain": "off"}
    explicit = refbench(*ASK, "--out", tmp_path, "--model-arg", "constrain=on").json["rows"][0]
    assert explicit["run"] == kept["run"]
