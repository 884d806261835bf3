import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import DataError
from results.record import SCHEMA
from tasks.rundir import RunDirectory

FOLDER = Path("model/task/test-0123456789")


@pytest.fixture
def run(tmp_path):
    """A run directory that was started."""
    directory = RunDirectory(tmp_path, FOLDER)
    directory.write_json("run.json", {"schema": SCHEMA, "state": "running"})
    return directory


def test_a_directory_of_another_schema_is_refused_with_both_versions_and_the_remedy(run):
    run.write_json("run.json", {"schema": SCHEMA + 1, "state": "done"})
    with pytest.raises(DataError) as error:
        run.finished()
    text = str(error.value)
    assert str(run.path) in text
    assert f"schema {SCHEMA + 1}" in text and f"writes {SCHEMA}" in text and "--fresh" in text


def test_a_result_of_another_schema_is_refused_too(run):
    run.write_json("run.json", {"schema": SCHEMA, "state": "done"})
    run.write_json("result.json", {"schema": SCHEMA + 1})
    with pytest.raises(DataError, match=r"result\.json has schema version .*--fresh"):
        run.finished()


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_run_json_is_one_clear_line(run, content):
    (run.path / "run.json").write_bytes(content)
    with pytest.raises(DataError, match="--fresh"):
        run.read_run()


def test_a_run_without_its_result_is_not_finished(run):
    assert run.finished() is None
    run.write_json("run.json", {"schema": SCHEMA, "state": "done"})
    assert run.finished() is None


def test_a_directory_that_another_process_writes_is_refused_by_its_number(run):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tasks.rundir import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1]), Path(sys.argv[2])).claim(fresh=False):\n"
        "    print('mine', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(run.root), str(FOLDER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"mine\n"
        for fresh in (False, True):
            with pytest.raises(DataError, match=f"process {other.pid}:"), run.claim(fresh):
                pass
        assert (run.path / "run.json").exists()
        other.kill()
    with run.claim(fresh=False):
        assert (run.path / ".lock").read_text().strip().isdigit()


def test_a_fresh_claim_empties_the_directory_and_holds_the_new_one(run):
    (run.path / "predictions").mkdir()
    with run.claim(fresh=True):
        assert [path.name for path in run.path.iterdir()] == [".lock"]
        assert [path.name for path in run.path.parent.iterdir()] == [run.path.name]
        with pytest.raises(DataError, match="is being written"), run.claim(fresh=False):
            pass


def test_a_claim_keeps_what_is_there_and_sweeps_half_written_files(run):
    (run.path / ".result.json.1.ab.tmp").write_text("half")
    with run.claim(fresh=False):
        assert {path.name for path in run.path.iterdir()} == {".lock", "run.json"}


def test_json_is_sorted_and_ends_with_a_line_break(run):
    run.write_json("result.json", {"b": 1, "a": "é\ud800"})
    text = (run.path / "result.json").read_text("utf-8")
    assert text.index('"a"') < text.index('"b"') and text.endswith("}\n")
    assert json.loads(text) == {"a": "é\ud800", "b": 1}


def test_a_lock_on_a_directory_that_was_just_moved_away_is_not_taken_for_the_real_one(run, monkeypatch):
    real, moved = fcntl.flock, run.path.with_name("moved")

    def move_then_lock(lock, operation):
        if not moved.exists():
            run.path.rename(moved)
        real(lock, operation)

    monkeypatch.setattr(fcntl, "flock", move_then_lock)
    with run.claim(fresh=False):
        assert (run.path / ".lock").read_text() == f"{os.getpid()}\n"
