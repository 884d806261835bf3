"""The guide to a model of one's own: its file is written as it stands there, and its commands are run."""

import re
import shlex
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from tasks.base import ModelEntry
from tasks.models import registry

GUIDE = (Path(__file__).parents[2] / "docs" / "own_model.md").read_text("utf-8")


def block(language):
    """The one block of a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return found


COMMANDS = block("console").splitlines()


@pytest.fixture
def workplace(refbench, small_world, monkeypatch):
    """Write the file of the guide into an empty folder; the built-in world is the small one."""
    path = Path(block("python").partition("\n")[0].removeprefix("# "))
    path.parent.mkdir(parents=True)
    path.write_text(block("python"))
    monkeypatch.setattr("benchmarks.world.write.ensure_world", lambda root, progress: small_world)
    return refbench


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_guide_runs(workplace, command):
    outcome = workplace(*shlex.split(command)[1:])
    assert outcome.code == 0, outcome.err
    assert "darkest" in outcome.out


def test_it_is_evaluated_beside_ours_with_nothing_failed(workplace):
    rows = workplace(*shlex.split(COMMANDS[-1])[1:], "--json").json["rows"]
    assert {row["model"] for row in rows} == {"darkest", "constant"}
    assert {(row["n"], row["failed"], row["unparsable"]) for row in rows} == {(4, 0, 0)}


def test_a_task_that_it_cannot_do_is_refused_with_those_that_can(workplace):
    outcome = workplace("eval", "--task", "nyu_depth", "--include", "my_models", "--model", "darkest")
    assert outcome.code == 2
    assert "model darkest answers with box, but task nyu_depth needs depth: these can: hf-depth:…" in outcome.err


def test_an_installed_package_brings_it_by_the_entry_point_of_the_guide(workplace, tmp_path, monkeypatch):
    """Installed as pip leaves a package: a module and its metadata, in a folder of sys.path; nothing is patched."""
    site = tmp_path / "site-packages"
    metadata = site / "my_package-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "my_package").mkdir()
    (site / "my_package" / "darkest.py").write_text(block("python"))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    declared = tomllib.loads(block("toml"))["project"]["entry-points"]
    lines = [f"[{group}]\n{name} = {value}\n" for group, points in declared.items() for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("".join(lines))
    monkeypatch.syspath_prepend(site)
    registry.all_models.cache_clear()
    try:
        assert workplace("models", "darkest", "--json").json[0]["name"] == "darkest"
        ran = workplace("eval", "--task", "refcoco_rec", "--model", "darkest", "--limit", "2", "--json")
        assert ran.code == 0, ran.err
        assert {(row["model"], row["n"], row["failed"]) for row in ran.json["rows"]} == {("darkest", 2, 0)}
        (metadata / "entry_points.txt").write_text("[refbench.models]\ndarkest = my_package.brightest:MODELS\n")
        registry.all_models.cache_clear()
        broken = workplace("models")
        assert broken.code == 2
        assert "entry point darkest of package my-package cannot be loaded (ModuleNotFoundError" in broken.err
    finally:
        registry.all_models.cache_clear()
        for name in ("my_package.darkest", "my_package"):
            sys.modules.pop(name, None)


def test_every_field_that_the_guide_names_is_one():
    table = GUIDE[GUIDE.index("| field of") : GUIDE.index("## In a package")]
    named = {
        name
        for row in table.splitlines()[2:]
        for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    assert named and named <= {field.name for field in fields(ModelEntry)}
