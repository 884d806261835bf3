import subprocess
import sys
from types import SimpleNamespace

import pytest

from tasks import provenance


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["eval", "--task", "t"], ["eval", "--task", "t"]),
        (["--api-key", "s3", "--limit", "4"], ["--api-key", "***", "--limit", "4"]),
        (["--HF_TOKEN=s3", "x"], ["--HF_TOKEN=***", "x"]),
        (["--password"], ["--password"]),
        (["keynote.txt"], ["keynote.txt"]),
    ],
)
def test_values_of_options_that_look_like_secrets_are_replaced(command, shown):
    assert provenance.redact(command) == shown


def test_the_git_state_names_the_commit_and_whether_files_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.facts([])["git"] is None
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    (tmp_path / "a").write_text("1")
    for command in (["init", "-q"], ["add", "a"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert provenance.facts([])["git"] == {"commit": head, "modified": False}
    (tmp_path / "a").write_text("2")
    assert provenance.facts([])["git"] == {"commit": head, "modified": True}


def test_the_git_state_is_left_out_where_there_is_no_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance.facts([])["git"] is None


def test_the_accelerator_is_named_only_where_one_is_used(monkeypatch):
    cuda = SimpleNamespace(get_device_name=lambda device: f"chip of {device}", is_available=lambda: True)
    torch = SimpleNamespace(cuda=cuda)
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert provenance.accelerator("cpu") is None
    assert provenance.accelerator("cuda:1") == "chip of cuda:1"
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    assert provenance.accelerator("cuda:1") is None
    monkeypatch.delitem(sys.modules, "torch")
    assert provenance.accelerator("cuda") is None
