from importlib.metadata import EntryPoint

import pytest

from benchmarks.errors import ConfigError, UnknownName
from tasks import plugins
from tasks.base import ModelEntry
from tasks.models import registry

OWN = '''
from dataclasses import replace
from benchmarks.schema import Prediction
from tasks.base import ModelEntry

class Echo:
    """Answers with the question."""
    def __init__(self, word):
        self.word = word
    def predict(self, queries):
        return [Prediction(query.sample_id, "ok", text=self.word) for query in queries]
    def fingerprint(self):
        return self.word

def entry(word):
    return ModelEntry(f"echo:{word}", "toy", ("text",), lambda options: Echo(word))

MODELS = [
    ModelEntry("echo", "toy", ("text",), lambda options: Echo("yes"), of_reference=entry, example="red"),
    ModelEntry("yes", "toy", ("text",), lambda options: Echo("yes")),
]
'''


@pytest.fixture
def folder(tmp_path):
    """A folder with models of the user's, and a file that is none."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "echo.py").write_text(OWN)
    (tmp_path / "own" / "setup.py").write_text("raise SystemExit('not a file of models')")
    return tmp_path / "own"


def test_models_of_a_folder_are_listed_beside_ours(folder):
    assert {"echo", "yes", "oracle"} <= set(registry.all_models(folder))
    assert "echo" not in registry.all_models()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_model_in_one_file_runs_and_its_rows_name_it(refbench, small_world, folder, tmp_path, processes):
    ran = refbench(
        *(
            "eval",
            "--task",
            "pope",
            "--split",
            "adversarial",
            "--limit",
            "6",
            "--json",
            "--data-root",
            small_world,
        ),
        *("--include", folder, "--model", "echo:yes", "--num-processes", processes, "--out", tmp_path / "runs"),
    )
    row = ran.json["rows"][0]
    assert (row["model"], row["n"], row["failed"], row["metrics"]["yes_ratio"]) == ("echo:yes", 6, 0, 1.0)


def test_a_family_needs_a_reference_and_others_take_none(folder):
    with pytest.raises(ConfigError, match="family of models: name one, as in `--model echo:red`"):
        registry.find("echo", folder)
    with pytest.raises(ConfigError, match="yes is not a family: write `--model yes`"):
        registry.find("yes:red", folder)
    with pytest.raises(UnknownName, match="did you mean echo"):
        registry.find("ecko:red", folder)
    assert registry.find("echo:blue", folder).typed == "echo:blue"


def test_a_family_can_be_shown_without_a_reference(refbench, folder):
    assert refbench("models", "echo", "--include", folder, "--json").json[0]["name"] == "echo"
    assert refbench("models", "echo:red", "--include", folder, "--json").json[0]["name"] == "echo:red"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("MODELS = [1]", "must be a list of tasks.base.ModelEntry"),
        (
            "MODELS = []\nimport no_such_package",
            "cannot be imported .ModuleNotFoundError: No module",
        ),
        ("MODELS = [", "cannot be imported .SyntaxError"),
        (OWN.replace('"yes", "toy"', '"oracle", "toy"'), "there is a model called 'oracle' already"),
        (OWN.replace('"yes", "toy"', '"a:b", "toy"'), "'a:b' has a colon"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, text, complaint):
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(ConfigError, match=rf"bad\.py.*{complaint}"):
        registry.all_models(tmp_path)


def test_a_file_that_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "bad.py").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"bad\.py cannot be read"):
        plugins.included(registry.PLUGINS, tmp_path)


def test_installed_packages_bring_models(monkeypatch):
    point = EntryPoint("constant", "tasks.models.constant:MODELS", registry.PLUGINS.group)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == "refbench.models" else [])
    (found,) = plugins.installed(registry.PLUGINS)
    assert isinstance(found[1], ModelEntry)
    assert found[1].name == "constant"


@pytest.mark.parametrize("value", ["tasks.models.nowhere:MODELS", "json:dumps"])
def test_an_entry_point_that_cannot_be_used_is_named(monkeypatch, value):
    monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint("theirs", value, registry.PLUGINS.group)])
    with pytest.raises(ConfigError, match="entry point theirs"):
        plugins.installed(registry.PLUGINS)
