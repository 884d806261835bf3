"""Precedence: flag, environment, user file, default."""

from pathlib import Path

import pytest

from benchmarks.errors import ConfigError
from tasks.settings import Settings, settings, user_path


@pytest.fixture
def user_file(tmp_path):
    """Write the user file; return the environment that points at it."""

    def write(content: str) -> dict[str, str]:
        path = tmp_path / "refbench" / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        return {"XDG_CONFIG_HOME": str(tmp_path)}

    return write


def test_each_source_yields_to_the_one_before(user_file):
    file = user_file("data_root: /from/file\nruns: /runs/file\n")
    both = file | {"REFBENCH_DATA": "/from/env", "REFBENCH_RUNS": "/runs/env"}
    flags = Settings(Path("/from/flag"), Path("/runs/flag"))
    assert settings(Path("/from/flag"), Path("/runs/flag"), both) == flags
    assert settings(None, None, both) == Settings(Path("/from/env"), Path("/runs/env"))
    assert settings(None, None, file) == Settings(Path("/from/file"), Path("/runs/file"))
    assert settings(None, None, {"XDG_CONFIG_HOME": "/nowhere"}) == Settings(None, Path("runs"))


def test_sources_are_joined_value_by_value(user_file):
    mixed = user_file("data_root: /from/file\n") | {"REFBENCH_RUNS": "/runs/env"}
    assert settings(None, None, mixed) == Settings(Path("/from/file"), Path("/runs/env"))


def test_an_empty_variable_counts_as_absent(user_file):
    environ = user_file("data_root: /from/file\n") | {"REFBENCH_DATA": "", "REFBENCH_RUNS": ""}
    assert settings(None, None, environ) == Settings(Path("/from/file"), Path("runs"))


def test_paths_of_the_user_file_start_at_its_folder_or_at_home(user_file, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/homes/someone")
    environ = user_file("data_root: data\nruns: ~/runs\n")
    assert settings(None, None, environ) == Settings(tmp_path / "refbench" / "data", Path("/homes/someone/runs"))
    assert settings(None, None, {"REFBENCH_DATA": "~/d"}).data_root == Path("/homes/someone/d")


def test_a_wrong_user_file_is_told_with_the_nearest_key(user_file, tmp_path):
    with pytest.raises(ConfigError) as caught:
        settings(None, None, user_file("data-root: /x\n"))
    assert str(tmp_path / "refbench" / "config.yaml") in str(caught.value)
    assert "no key is called 'data-root'; did you mean data_root?" in str(caught.value)


def test_the_user_file_is_not_read_where_it_cannot_matter(user_file):
    broken = user_file("- nonsense\n")
    assert settings(Path("/d"), Path("/r"), broken) == Settings(Path("/d"), Path("/r"))


def test_without_xdg_the_file_is_in_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/homes/someone")
    assert user_path({}) == Path("/homes/someone/.config/refbench/config.yaml")


def test_an_account_without_home_has_no_user_file(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    assert user_path({}) is None
    assert settings(None, None, {}) == Settings(None, Path("runs"))


def test_the_command_line_follows_the_precedence(refbench, own_settings, small_world, tmp_path, monkeypatch):
    (own_settings / "refbench").mkdir()
    (own_settings / "refbench" / "config.yaml").write_text(f"data_root: {small_world}\nruns: {tmp_path / 'mine'}\n")
    words = ["eval", "--task", "refcocog_rec", "--model", "oracle", "--split", "val", "--json"]
    outcome = refbench(*words)
    assert outcome.code == 0
    assert "sample world; for official data" not in outcome.err
    [row] = outcome.json["rows"]
    assert (tmp_path / "mine" / row["run"] / "result.json").is_file()
    monkeypatch.setenv("REFBENCH_DATA", "nowhere")
    assert "data root nowhere does not exist" in refbench(*words).err
    assert refbench(*words, "--data-root", small_world).code == 0
