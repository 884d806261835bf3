"""The command line's frame: commands, flags, help, exit codes, the guard. Each refusal is one line and code 2."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks import guard, registry
from tasks.cli import COMMANDS

ROOT = Path(__file__).parents[2]


def program(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m tasks.cli` as a process of its own."""
    command = [sys.executable, "-m", "tasks.cli", *words]
    return subprocess.run(command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("evl", "no command is called 'evl'; did you mean eval?"),
        ("data stats", "no command is called 'data stats'; did you mean data status?"),
        ("--verson", "no command is called '--verson'"),
        ("eval --tsk refcoco_rec", "no flag of refbench eval is called '--tsk'; did you mean --task?"),
        ("eval --task=refcoco_rec --limt=3", "no flag of refbench eval is called '--limt'; did you mean --limit"),
        ("tasks -x", "no flag of refbench tasks is called '-x'"),
        ("eval", "name what to run: --task T[,T…] or --suite S, one of both"),
        ("eval --task ,", "at least one name is needed"),
        ("eval --task refcog_res", "no task is called 'refcog_res'; did you mean refcocog_res?"),
        ("eval --task refcocog_res,nope_nope", "no task is called 'nope_nope'"),
        ("eval --task refcoco_rec --model orcale", "no model is called 'orcale'; did you mean oracle?"),
        ("eval --task refcoco_rec --split testa", "no split of refcoco_rec is called 'testa'; did you mean testA?"),
        ("eval --task refcoco_rec,refcocog_rec --split testA", "no split of refcocog_rec is called 'testA'"),
        ("eval --task refcoco_rec --limit 0", "argument --limit: 0 is too small: give 1 or more"),
        ("eval --task refcoco_rec --limit ten", "argument --limit: 'ten' is not a whole number"),
        ("eval --task refcoco_rec --limit -5", "argument --limit: -5 is too small"),
        ("eval --task refcoco_rec --dtype float23", "no value of --dtype is called 'float23'; did you mean"),
        ("eval --task refcoco_rec --device gpu", "'gpu' is no device; choose auto, cpu, cuda or cuda:N"),
        ("eval --task refcoco_rec --num-processes 0", "argument --num-processes: 0 is too small: give 1 or more"),
        ("eval --task refcoco_rec extra", "unrecognized arguments: extra"),
        ("eval --task refcoco_rec --data-root nowhere", "data root nowhere does not exist"),
        ("eval --task refcoco_rec --data-root ", "a path is needed"),
        ("eval --task refcoco_rec --include nowhere", "--include nowhere is not a folder"),
        ("tasks refcocp_rec", "no task is called 'refcocp_rec'; did you mean refcocop_rec?"),
        ("models revlm", "no model is called 'revlm'; did you mean refvlm?"),
        ("metrics panotpic", "no metric is called 'panotpic'; did you mean panoptic?"),
        ("score bboxes --predictions x", "no metric of official files is called 'bboxes'; did you mean bbox?"),
        ("score --predictions x", "name what to score with: METRIC"),
        ("score bbox --predictions x", "bbox needs --targets: "),
        ("score bbox --predictions x --split val", "--split goes with --task"),
        ("score bbox --task refcoco_rec --predictions x", "--task brings its own metric"),
        ("data status --data-root nowhere", "nowhere is not a folder"),
        ("train --config nowhere.yaml --out there", "nowhere.yaml cannot be read"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_leaves_nothing_behind(refbench, words, said):
    outcome = refbench(*words.split(" "))
    assert outcome.code == 2
    assert outcome.out == ""
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_no_command_shows_the_overview_as_a_mistake(refbench):
    outcome = refbench()
    assert (outcome.code, outcome.out) == (2, "")
    assert all(name in outcome.err for name in COMMANDS)
    family = refbench("data")
    assert family.code == 2
    assert "data sample" in family.err
    assert "eval  " not in family.err


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["data", "--help"]])
def test_overviews_go_to_standard_output(refbench, words):
    outcome = refbench(*words)
    assert (outcome.code, outcome.err) == (0, "")
    assert "data status" in outcome.out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_its_summary_and_examples(refbench, command):
    outcome = refbench(*command.split(), "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert COMMANDS[command] in outcome.out
    assert f"examples:\n  refbench {command}" in outcome.out


def test_version_is_the_installed_one(refbench):
    assert refbench("--version").out == f"refbench {version('refbench')}\n"


def test_verbose_logs_on_standard_error(tmp_path, small_world):
    words = ("data", "status", "--data-root", str(small_world))
    (tmp_path / "file").touch()  # a cache that cannot be written is worth a log line, and no more
    quiet = program(*words, cwd=tmp_path, REFBENCH_CACHE=str(tmp_path / "file"))
    verbose = program(*words, "-v", cwd=tmp_path, REFBENCH_CACHE=str(tmp_path / "file"))
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert "benchmarks.index_cache: " in verbose.stderr
    assert verbose.stdout == quiet.stdout


def test_a_bug_keeps_its_traceback(refbench, monkeypatch):
    def broken(include):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(registry, "task_files", broken)
    with pytest.raises(ZeroDivisionError):
        refbench("tasks")


def test_ctrl_c_is_130_and_says_how_to_go_on(refbench, monkeypatch):
    def stopped(include):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "task_files", stopped)
    outcome = refbench("tasks")
    assert outcome.code == 130
    assert "the same command goes on" in outcome.err


@pytest.mark.parametrize("command", ["--help", "tasks"])
def test_a_reader_that_left_ends_it_quietly_with_141(command):
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "tasks.cli", command], stdout=write_end, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("hidden", ["metrics.py", "results.py", "configs.py", "benchmarks/__init__.py"])
def test_a_file_of_the_users_that_hides_a_package_is_named(tmp_path, hidden):
    (tmp_path / hidden).parent.mkdir(exist_ok=True)
    (tmp_path / hidden).write_text("raise SystemExit('the wrong file was run')\n")
    done = program("tasks", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert str(tmp_path / hidden) in done.stderr
    assert "rename it" in done.stderr
    assert done.stderr.count("\n") == 1


def test_other_files_in_the_users_folder_do_no_harm(tmp_path):
    (tmp_path / "metrics").mkdir()  # a plain folder hides nothing
    (tmp_path / "metrics_of_mine.py").touch()
    assert program("--version", cwd=tmp_path).returncode == 0


def test_a_missing_package_asks_for_a_new_installation(monkeypatch):
    monkeypatch.setattr(guard, "find_spec", lambda name: None)
    assert "install refbench again" in guard.complaint()


def test_ascii_terminals_get_escapes_instead_of_a_crash(tmp_path):
    done = program("--help", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2026" in done.stdout


def test_every_command_has_a_module():
    modules = {path.stem for path in (ROOT / "tasks" / "commands").glob("*.py")} - {"__init__", "show"}
    assert modules == {name.replace(" ", "_") for name in COMMANDS}
